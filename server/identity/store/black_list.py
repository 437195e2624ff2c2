"""The table of the black list: keys and addresses of whoever signed as somebody else, gateways that lied."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Column, Connection, Index, Table, Text, delete, select, tuple_

from server.storage import Instant, PageCursor, metadata

black_list = Table(
    "black_list",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("cause", Text, nullable=False),
    Column("create_time", Instant, nullable=False),
    CheckConstraint("kind IN ('key', 'address', 'gateway')", name="kind"),
    Index(None, "create_time", "value"),
)


class ListedKind(StrEnum):
    """What is listed."""

    KEY = "key"
    """SHA-256 of a SubjectPublicKeyInfo, 64 hexadecimal digits."""
    ADDRESS = "address"
    """An IP address that gateways see."""
    GATEWAY = "gateway"
    """Name of a gateway that the guard listens to no more."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An entry.

    Args:
        kind, value: what is listed.
        cause: the alarm, or an operator's words; 1 to 200 characters.
        create_time: since when.
    """

    kind: ListedKind
    value: str
    cause: str
    create_time: datetime


_columns = (black_list.c.kind, black_list.c.value, black_list.c.cause, black_list.c.create_time)


def add_listed(connection: Connection, listed: Listed) -> bool:
    """Add an entry; False if it stands there already: the first cause stays."""
    if find_listed(connection, listed.kind, [listed.value]):
        return False
    row = {"kind": listed.kind.value, "value": listed.value, "cause": listed.cause, "create_time": listed.create_time}
    connection.execute(black_list.insert(), row)
    return True


def remove_listed(connection: Connection, kind: ListedKind, value: str) -> bool:
    """Remove an entry; False if there is none."""
    this_one = (black_list.c.kind == kind.value) & (black_list.c.value == value)
    return bool(connection.execute(delete(black_list).where(this_one)).rowcount)


def find_listed(connection: Connection, kind: ListedKind, values: Collection[str]) -> list[Listed]:
    """Which of these stand there."""
    query = select(*_columns).where(black_list.c.kind == kind.value, black_list.c.value.in_(values))
    return [_listed(*row) for row in connection.execute(query)]


def list_values(connection: Connection, kind: ListedKind) -> list[str]:
    """All that are listed of a kind."""
    return list(connection.execute(select(black_list.c.value).where(black_list.c.kind == kind.value)).scalars())


def list_listed(connection: Connection, after: PageCursor | None, limit: int) -> list[Listed]:
    """At most ``limit`` entries, oldest first."""
    order = (black_list.c.create_time, black_list.c.value)
    query = select(*_columns)
    if after is not None:
        query = query.where(tuple_(*order) > (after.time, after.name))
    return [_listed(*row) for row in connection.execute(query.order_by(*order).limit(limit))]


def _listed(kind: str, value: str, cause: str, create_time: datetime) -> Listed:
    return Listed(ListedKind(kind), value, cause, create_time)
