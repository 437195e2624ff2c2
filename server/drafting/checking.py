"""Compares the archive with the log, and files with what is known of them: what somebody edited there shows."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

from sqlalchemy import Connection

from contract.drafting.records import ContractRecord
from contract.log_entry import EntryKind
from mpc.errors import FoursealError
from server.drafting.states import ARCHIVED
from server.drafting.store import archive
from server.drafting.store import contracts as store
from server.drafting.store.archive import DOCX, PDF, Archived
from server.journal.log import Entries, Finding


class ContractCheck:
    """See ``server.journal.log.EntryCheck``."""

    def __init__(self) -> None:
        self._records = 0

    def check(self, connection: Connection, entries: Entries) -> Iterator[Finding]:
        """Every contract in the log has its row in the archive, which says the same."""
        for index, entry in entries:
            if entry.kind is not EntryKind.CONTRACT:
                continue
            self._records += 1
            try:
                evidence = ContractRecord.from_der(entry.body).evidence
            except FoursealError as error:
                yield Finding(f"entry {index}", f"its body cannot be read: {error}")
                continue
            row = archive.find_by_serial(connection, evidence.serial)
            if row is None:
                yield Finding(f"entry {index}", "the row of its contract was deleted")
            elif (row.contract_id, row.time, row.record, row.log_index) != (
                evidence.contract_id,
                evidence.time,
                entry.body,
                index,
            ):
                yield Finding(f"serial number {row.serial}", f"its row is not what entry {index} says")

    def finish(self, connection: Connection) -> Iterator[Finding]:
        """There is no record without an entry, and every file is the one that was recorded."""
        found = 0
        for row in archive.all_archived(connection):
            if row.record is not None:
                found += 1
                yield from _check_documents(connection, row)
        if found != self._records:
            yield Finding("contracts", f"there are {found} records, and by the log {self._records}")
        for version in store.all_versions(connection):
            content = store.find_file(connection, version.contract_id, store.version_file(version.number))
            if content is None or sha256(content).digest() != version.sha256:
                where = f"version {version.number} of {version.contract_id}"
                yield Finding(where, "its file is missing" if content is None else "its file is another one")


def _check_documents(connection: Connection, row: Archived) -> Iterator[Finding]:
    contract = store.find_contract(connection, row.contract_id)
    if contract is None or contract.state not in ARCHIVED:
        yield Finding(row.contract_id, "it is archived, and its row does not say so")
    revisions = archive.list_revisions(connection, row.contract_id)
    try:
        record = ContractRecord.from_der(row.record or b"")
    except FoursealError:
        return  # found by its entry
    pdf = store.find_file(connection, row.contract_id, PDF) or b""
    for each in revisions:  # each begins with the one before
        if len(pdf) < each.size or sha256(pdf[: each.size]).digest() != each.sha256:
            yield Finding(row.contract_id, f"its PDF is not what was taken as revision {each.number}")
    if not revisions or revisions[0].sha256 != record.pdf_digest or revisions[-1].size != len(pdf):
        yield Finding(row.contract_id, "its PDF is not what was recorded")
    if sha256(store.find_file(connection, row.contract_id, DOCX) or b"").digest() != record.docx_digest:
        yield Finding(row.contract_id, "its DOCX is not what was recorded")
