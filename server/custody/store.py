"""The tables of custody: sealed shares, and the probe that tells whether the master key fits this database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Column, Connection, LargeBinary, Table, Text, bindparam, delete, insert, select

from server.storage import Instant, metadata

_AT_A_TIME: Final = 1000

sealed_shares = Table(
    "sealed_shares",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("create_time", Instant, nullable=False),
)

custody_probes = Table(
    "custody_probes",
    metadata,
    Column("master_key_id", Text, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("create_time", Instant, nullable=False),
)

_select_share = select(sealed_shares.c.sealed).where(sealed_shares.c.key_id == bindparam("key_id"))
_list_kept = select(sealed_shares.c.key_id).where(sealed_shares.c.key_id.in_(bindparam("key_ids", expanding=True)))
_delete_share = delete(sealed_shares).where(sealed_shares.c.key_id == bindparam("key_id"))


def insert_share(connection: Connection, key_id: str, sealed: bytes, now: datetime) -> None:
    """Keep a sealed share."""
    connection.execute(insert(sealed_shares), {"key_id": key_id, "sealed": sealed, "create_time": now})


def find_share(connection: Connection, key_id: str) -> bytes | None:
    """The sealed share of a key; None if it was erased or never was."""
    return connection.execute(_select_share, {"key_id": key_id}).scalar_one_or_none()


def list_kept(connection: Connection, key_ids: Sequence[str]) -> set[str]:
    """Of some keys those whose shares are kept."""
    found: set[str] = set()
    for start in range(0, len(key_ids), _AT_A_TIME):
        found.update(connection.execute(_list_kept, {"key_ids": key_ids[start : start + _AT_A_TIME]}).scalars())
    return found


def erase_share(connection: Connection, key_id: str) -> bool:
    """Erase the sealed share of a key; False if there was none."""
    return connection.execute(_delete_share, {"key_id": key_id}).rowcount == 1


def list_shares(connection: Connection, after: str, limit: int) -> list[tuple[str, datetime]]:
    """Names of sealed shares, in order, and when each was made.

    Args:
        connection: of a database.
        after: names above this one.
        limit: how many at most.
    """
    query = select(sealed_shares.c.key_id, sealed_shares.c.create_time).where(sealed_shares.c.key_id > after)
    rows = connection.execute(query.order_by(sealed_shares.c.key_id).limit(limit))
    return [(row.key_id, row.create_time) for row in rows]


def list_probes(connection: Connection) -> dict[str, bytes]:
    """Sealed probes by master key id."""
    rows = connection.execute(select(custody_probes.c.master_key_id, custody_probes.c.sealed))
    return {row.master_key_id: row.sealed for row in rows}


def insert_probe(connection: Connection, master_key_id: str, sealed: bytes, now: datetime) -> None:
    """Keep the probe of a master key."""
    connection.execute(insert(custody_probes), {"master_key_id": master_key_id, "sealed": sealed, "create_time": now})
