"""The keys that confirmation codes are sealed for: the newest, and all before it. One a year."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select

from server.storage import row_values
from server.transactions.store.tables import back_end_keys

_key = back_end_keys.c
_find = select(back_end_keys).where(_key.fingerprint == bindparam("of_fingerprint"))
_newest = (
    select(back_end_keys)
    .where(_key.name == bindparam("of_name"))
    .order_by(_key.create_time.desc(), _key.key_id.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class BackEndKeyRow:
    """A key of the back end.

    Args:
        fingerprint: SHA-256 of its certificate.
        key_id: its name in custody.
        name: of the back end, as in the certificate.
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


def add_key(connection: Connection, row: BackEndKeyRow) -> None:
    """Keep a new key."""
    connection.execute(insert(back_end_keys), row_values(row))


def find_key(connection: Connection, fingerprint: bytes) -> BackEndKeyRow | None:
    """The key with that certificate."""
    row = connection.execute(_find, {"of_fingerprint": fingerprint}).one_or_none()
    return None if row is None else BackEndKeyRow(*row)


def find_newest(connection: Connection, name: str) -> BackEndKeyRow | None:
    """The newest key of a back end of that name."""
    row = connection.execute(_newest, {"of_name": name}).one_or_none()
    return None if row is None else BackEndKeyRow(*row)


def all_keys(connection: Connection) -> list[BackEndKeyRow]:
    """Every key, oldest first."""
    query = select(back_end_keys).order_by(_key.create_time, _key.key_id)
    return [BackEndKeyRow(*row) for row in connection.execute(query)]
