"""The archive: serial numbers, what was recorded of finished contracts, and the revisions of their PDFs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, insert, select, update

from server.drafting.store.tables import contract_archive, contract_revisions
from server.storage import row_values

PDF: Final = "pdf"
"""Name of the file with the last revision."""
DOCX: Final = "docx"
"""Name of the file with the DOCX."""

_archived = contract_archive.c
_revision = contract_revisions.c
_ROWS_AT_A_TIME: Final = 100


@dataclass(frozen=True, slots=True)
class Archived:
    """What the archive has of a contract.

    Args:
        serial: its serial number. Never given to another one.
        contract_id: which contract.
        time: of the watermark; whole seconds.
        record: ``ContractRecord``, DER; None until its documents were made.
        log_index: of the record's entry; None until then.
    """

    serial: int
    contract_id: str
    time: datetime
    record: bytes | None = field(repr=False)
    log_index: int | None


@dataclass(frozen=True, slots=True)
class Revision:
    """A revision of a contract's PDF.

    Args:
        contract_id: which contract.
        number: 0 is the document without signatures.
        account: that signed it; empty for 0.
        size: bytes of the file.
        sha256: of the file.
        create_time: when it was taken.
    """

    contract_id: str
    number: int
    account: str
    size: int
    sha256: bytes
    create_time: datetime


def allot(connection: Connection, contract_id: str, time: datetime) -> Archived:
    """Give a contract the next serial number, and fix the time of its watermark."""
    allotting = insert(contract_archive).returning(_archived.serial)
    serial = connection.execute(allotting, {"contract_id": contract_id, "time": time}).scalar_one()
    return Archived(serial, contract_id, time, None, None)


def find_archived(connection: Connection, contract_id: str) -> Archived | None:
    """What the archive has of a contract."""
    row = connection.execute(select(contract_archive).where(_archived.contract_id == contract_id)).one_or_none()
    return None if row is None else Archived(*row)


def find_by_serial(connection: Connection, serial: int) -> Archived | None:
    """What the archive has under a serial number."""
    row = connection.execute(select(contract_archive).where(_archived.serial == serial)).one_or_none()
    return None if row is None else Archived(*row)


def list_serials(connection: Connection, contract_ids: list[str]) -> dict[str, int]:
    """The serial numbers that some contracts have."""
    query = select(_archived.contract_id, _archived.serial).where(_archived.contract_id.in_(contract_ids))
    return {row.contract_id: row.serial for row in connection.execute(query)}


def all_archived(connection: Connection) -> Iterator[Archived]:
    """The whole archive, in the order of serial numbers."""
    query = select(contract_archive).order_by(_archived.serial).execution_options(yield_per=_ROWS_AT_A_TIME)
    return (Archived(*row) for row in connection.execute(query))


def put_record(connection: Connection, serial: int, record: bytes, log_index: int) -> None:
    """The documents of a contract were made, and recorded."""
    values = {"record": record, "log_index": log_index}
    connection.execute(update(contract_archive).where(_archived.serial == serial), values)


def add_revision(connection: Connection, row: Revision) -> None:
    """Keep a new revision; its file is kept beside."""
    connection.execute(insert(contract_revisions), row_values(row))


def list_revisions(connection: Connection, contract_id: str) -> list[Revision]:
    """All revisions of a contract's PDF, oldest first."""
    query = select(contract_revisions).where(_revision.contract_id == contract_id).order_by(_revision.number)
    return [Revision(*row) for row in connection.execute(query)]
