"""Keys of the server that the authority has certified for one sort of use: the newest, and all before it. One a year.

Each sort has a table of its own, of these columns.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Column, Connection, LargeBinary, Table, Text, UniqueConstraint, bindparam, insert, select

from server.storage import Instant, metadata, row_values


@dataclass(frozen=True, slots=True)
class CertifiedKeyRow:
    """A key.

    Args:
        fingerprint: SHA-256 of its certificate.
        key_id: its name in custody.
        name: of whoever has it, as in the certificate.
        certificate: DER.
        sealed: for ``NamedKeys.open``.
        create_time: when it was made.
    """

    fingerprint: bytes
    key_id: str
    name: str
    certificate: bytes = field(repr=False)
    sealed: bytes = field(repr=False)
    create_time: datetime


class CertifiedKeyTable:
    """The keys of one sort.

    Args:
        name: of the table.
    """

    def __init__(self, name: str) -> None:
        self._table = Table(
            name,
            metadata,
            Column("fingerprint", LargeBinary, primary_key=True),
            Column("key_id", Text, nullable=False),
            Column("name", Text, nullable=False),
            Column("certificate", LargeBinary, nullable=False),
            Column("sealed", LargeBinary, nullable=False),
            Column("create_time", Instant, nullable=False),
            UniqueConstraint("key_id"),
        )
        key = self._table.c
        self._find = select(self._table).where(key.fingerprint == bindparam("of_fingerprint"))
        self._of_name = (
            select(self._table)
            .where(key.name == bindparam("of_name"))
            .order_by(key.create_time.desc(), key.key_id.desc())
        )
        self._all = select(self._table).order_by(key.create_time, key.key_id)

    def add(self, connection: Connection, row: CertifiedKeyRow) -> None:
        """Keep a new key."""
        connection.execute(insert(self._table), row_values(row))

    def find(self, connection: Connection, fingerprint: bytes) -> CertifiedKeyRow | None:
        """The key with that certificate."""
        row = connection.execute(self._find, {"of_fingerprint": fingerprint}).one_or_none()
        return None if row is None else CertifiedKeyRow(*row)

    def of_name(self, connection: Connection, name: str) -> list[CertifiedKeyRow]:
        """All of somebody's, newest first."""
        return [CertifiedKeyRow(*row) for row in connection.execute(self._of_name, {"of_name": name})]

    def all(self, connection: Connection) -> list[CertifiedKeyRow]:
        """Every key, oldest first."""
        return [CertifiedKeyRow(*row) for row in connection.execute(self._all)]
