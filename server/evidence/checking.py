"""Compares evidence with the log, from the stored bytes: rows with entries, and contents with their digests."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from hashlib import sha256

from cryptography import x509
from sqlalchemy import Connection

from contract.evidence_record import EvidenceRecord
from contract.log_entry import EntryKind
from contract.permission import SignedPermission
from contract.time_stamp import verify_time_stamp
from mpc.errors import FoursealError
from server.evidence.store import permissions, records
from server.evidence.upkeep import was_dropped
from server.journal.log import Entries, Finding, LogReader, Progress
from server.storage.blobs import Blobs


class EvidenceCheck:
    """See ``server.journal.log.EntryCheck``. Then ``check_contents``."""

    def __init__(self) -> None:
        self._records = 0
        self._parties = 0
        self._permissions = 0

    def check(self, connection: Connection, entries: Entries) -> Iterator[Finding]:
        """Every record and permission in the log has its rows, which say the same."""
        for index, entry in entries:
            try:
                if entry.kind is EntryKind.EVIDENCE:
                    yield from self._check_record(connection, index, entry.body)
                elif entry.kind is EntryKind.PERMISSION:
                    yield from self._check_permission(connection, index, entry.body)
            except FoursealError as error:
                yield Finding(f"entry {index}", f"its body cannot be read: {error}")

    def finish(self, connection: Connection) -> Iterator[Finding]:
        """There are no rows without an entry."""
        found = records.count_rows(connection)
        for what, there, wanted in zip(
            ("records", "parties", "permissions"),
            found,
            (self._records, self._parties, self._permissions),
            strict=True,
        ):
            if there != wanted:
                yield Finding(what, f"there are {there} rows, and by the log {wanted}")

    def _check_record(self, connection: Connection, index: int, body: bytes) -> Iterator[Finding]:
        record = EvidenceRecord.from_der(body)
        statement = record.statement
        names = {record.header.author, *(each.name for each in record.header.keys)}
        self._records += 1
        self._parties += len(names)
        row = records.find_records(connection, [statement.digest]).get(statement.digest)
        if row is None:
            yield Finding(f"entry {index}", "the row of its record was deleted")
            return
        told = (row.log_index, row.record_digest, row.session_id, row.author, row.answered_digest)
        answered = None if statement.answer is None else statement.answer.statement.digest
        content = (row.content_digest, row.content_length)
        if (told, content) != (
            (index, sha256(body).digest(), statement.session_id, statement.author, answered),
            (record.content_digest, record.content_length),
        ):
            yield Finding(f"record {statement.digest.hex()}", f"its row is not what entry {index} says")
        if records.list_parties(connection, row) != names:
            yield Finding(f"record {statement.digest.hex()}", "its parties are not those of the record")
        if not row.content_kept and not was_dropped(connection, row):
            yield Finding(f"record {statement.digest.hex()}", "its content was taken away, and no operation says so")

    def _check_permission(self, connection: Connection, index: int, body: bytes) -> Iterator[Finding]:
        core = SignedPermission.from_der(body).core
        self._permissions += 1
        row = permissions.find_permission(connection, sha256(body).digest())
        if row is None:
            yield Finding(f"entry {index}", "the row of its permission was deleted")
            return
        told = (row.permission, row.log_index, row.statement_digest, row.grantor, row.grantee)
        times = (row.begin_time, row.end_time)
        if (told, times) != ((body, index, core.statement, core.grantor, core.grantee), (core.begin, core.end)):
            yield Finding(f"permission {row.permission_digest.hex()}", f"its row is not what entry {index} says")


def check_time_stamps(
    connection: Connection, reader: LogReader, roots: Collection[x509.Certificate]
) -> Iterator[Finding]:
    """Verify every time stamp of a checkpoint.

    Args:
        connection: a snapshot.
        reader: of the log.
        roots: of authorities for time stamps; at least one.
    """
    for row in reader.stamped(connection):
        try:
            verify_time_stamp(row.time_stamp or b"", row.note, roots)
        except FoursealError as error:
            yield Finding(f"time stamp of checkpoint {row.size}", str(error))


def check_contents(
    contents: Mapping[bytes, int], is_needed: Callable[[bytes], bool], blobs: Blobs, progress: Progress
) -> Iterator[Finding]:
    """Hash every content that must be there.

    Args:
        contents: digests and lengths, from a snapshot.
        is_needed: whether a content must still be there now. Rows go before files: one that the server has deleted
            since the snapshot is needed no more by the time it is missed.
        blobs: the files.
        progress: is told of bytes.
    """
    total, done = sum(contents.values()), 0
    for digest, length in contents.items():
        try:
            found, there = blobs.digest_of(digest), blobs.length(digest)
        except OSError as error:
            yield Finding(f"content {digest.hex()}", f"it cannot be read: {error.strerror}")
            continue
        if found is None or there is None:
            if is_needed(digest):
                yield Finding(f"content {digest.hex()}", "it is missing")
        elif (found, there) != (digest, length):
            yield Finding(f"content {digest.hex()}", "it is damaged or was exchanged")
        done += length
        progress(done, total)
