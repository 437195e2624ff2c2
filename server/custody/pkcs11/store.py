"""Which objects there should be in the token, and which have to go.

An object is noted before it is made, as ``made``; in the transaction that makes its key it becomes ``kept``; in the one
that erases the key's share, ``doomed``. So whatever a crash leaves in the token is known here.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Column, Connection, Table, Text, delete, insert, or_, select, update

from server.storage import Instant, metadata

token_objects = Table(
    "token_objects",
    metadata,
    Column("object_id", Text, primary_key=True),
    Column("key_id", Text, nullable=False, index=True),
    Column("state", Text, nullable=False, index=True),
    Column("change_time", Instant, nullable=False),
)
_MADE, _KEPT, _DOOMED = "made", "kept", "doomed"


def note_made(connection: Connection, object_id: str, key_id: str, now: datetime) -> None:
    """An object is about to be made for a key. Others may be: one generation can be under way twice."""
    values = {"object_id": object_id, "key_id": key_id, "state": _MADE, "change_time": now}
    connection.execute(insert(token_objects), values)


def note_kept(connection: Connection, object_id: str, now: datetime) -> None:
    """The object is its key's half."""
    this_one = token_objects.c.object_id == object_id
    connection.execute(update(token_objects).where(this_one).values(state=_KEPT, change_time=now))


def note_doomed(connection: Connection, key_id: str, now: datetime) -> None:
    """The key's half has to go."""
    of_key = (token_objects.c.key_id == key_id) & (token_objects.c.state == _KEPT)
    connection.execute(update(token_objects).where(of_key).values(state=_DOOMED, change_time=now))


def list_doomed(connection: Connection, made_before: datetime) -> list[str]:
    """Objects that have to go, and those made before a time that nobody kept."""
    left = (token_objects.c.state == _MADE) & (token_objects.c.change_time < made_before)
    query = select(token_objects.c.object_id).where(or_(token_objects.c.state == _DOOMED, left))
    return list(connection.execute(query).scalars())


def find_objects(connection: Connection, key_ids: Collection[str]) -> dict[str, str]:
    """The kept objects of keys: object id by key id."""
    query = select(token_objects.c.key_id, token_objects.c.object_id).where(
        token_objects.c.state == _KEPT, token_objects.c.key_id.in_(key_ids)
    )
    return {row.key_id: row.object_id for row in connection.execute(query)}


def find_known(connection: Connection, object_ids: Collection[str]) -> set[str]:
    """Those of some objects that are noted here, whatever their state."""
    query = select(token_objects.c.object_id).where(token_objects.c.object_id.in_(object_ids))
    return set(connection.execute(query).scalars())


def note_destroyed(connection: Connection, object_id: str) -> None:
    """An object is not in the token any more."""
    connection.execute(delete(token_objects).where(token_objects.c.object_id == object_id))
