"""Which objects there should be in the token, which wait there for a key, and which have to go.

An object is noted before it is made, as ``made``; in the transaction that makes its key it becomes ``kept``; in the one
that erases the key's share, ``doomed``. One that was made ahead is ``ready`` in between, and ``made`` again from when
somebody claims it. So whatever a crash leaves in the token is known here.

Each change of a state says which state it changes: of two processes that want to, one does.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import Column, Connection, Integer, LargeBinary, Table, Text, delete, func, insert, select, update

from mpc.four_prime_rsa import HALF_BITS, Purpose
from server.storage import Instant, metadata

token_objects = Table(
    "token_objects",
    metadata,
    Column("object_id", Text, primary_key=True),
    Column("key_id", Text, nullable=False, index=True),
    Column("state", Text, nullable=False, index=True),
    Column("change_time", Instant, nullable=False),
    Column("purpose", Text),
    Column("half_bits", Integer),
    Column("sealed_modulus", LargeBinary),
)
KEPT: Final = "kept"
_MADE, _READY, _DOOMED = "made", "ready", "doomed"
NOBODY: Final = ""
"""Whose an object is that is made ahead."""


@dataclass(frozen=True, slots=True)
class ReadyHalf:
    """An object that was made ahead.

    Args:
        object_id: which.
        sealed_modulus: what it is, sealed for its id, purpose and size.
    """

    object_id: str
    sealed_modulus: bytes = field(repr=False)


def note_made(connection: Connection, object_id: str, key_id: str, now: datetime) -> None:
    """An object is about to be made, for a key or ahead. For one key others may be: its generation can run twice."""
    values = {"object_id": object_id, "key_id": key_id, "state": _MADE, "change_time": now}
    connection.execute(insert(token_objects), values)


def note_ready(connection: Connection, half: ReadyHalf, purpose: Purpose, half_bits: int, now: datetime) -> None:
    """The object waits for a key."""
    values = {"purpose": purpose.value, "half_bits": half_bits, "sealed_modulus": half.sealed_modulus}
    made = (token_objects.c.object_id == half.object_id) & (token_objects.c.state == _MADE)
    connection.execute(update(token_objects).where(made).values(state=_READY, key_id=NOBODY, change_time=now, **values))


def claim_ready(
    connection: Connection, key_id: str, purpose: Purpose, half_bits: int, now: datetime
) -> ReadyHalf | None:
    """Make the object that has waited longest somebody's, as if it were about to be made; None: none is ready."""
    kind = (token_objects.c.purpose == purpose.value) & (token_objects.c.half_bits == half_bits)
    ready = token_objects.c.state == _READY
    oldest = select(token_objects.c.object_id).where(ready, kind).order_by(token_objects.c.change_time).limit(1)
    row = connection.execute(
        update(token_objects)
        .where(token_objects.c.object_id == oldest.scalar_subquery(), ready)
        .values(state=_MADE, key_id=key_id, change_time=now)
        .returning(token_objects.c.object_id, token_objects.c.sealed_modulus)
    ).one_or_none()
    return None if row is None else ReadyHalf(*row)


def count_ready(connection: Connection) -> dict[tuple[Purpose, int], int]:
    """How many wait for a key, by purpose and size. Of what there cannot be, whoever wrote it, nothing is said."""
    kind = token_objects.c.purpose, token_objects.c.half_bits
    can_be = token_objects.c.purpose.in_([each.value for each in Purpose]), token_objects.c.half_bits.in_(HALF_BITS)
    query = select(*kind, func.count()).where(token_objects.c.state == _READY, *can_be).group_by(*kind)
    return {(Purpose(purpose), half_bits): count for purpose, half_bits, count in connection.execute(query)}


def note_kept(connection: Connection, object_id: str, now: datetime) -> bool:
    """The object is its key's half. False: it is too late for that."""
    made = (token_objects.c.object_id == object_id) & (token_objects.c.state == _MADE)
    values = {"state": KEPT, "change_time": now, "sealed_modulus": None}
    return connection.execute(update(token_objects).where(made).values(values)).rowcount == 1


def note_doomed(connection: Connection, key_id: str, now: datetime) -> None:
    """The key's half has to go."""
    of_key = (token_objects.c.key_id == key_id) & (token_objects.c.state == KEPT)
    connection.execute(update(token_objects).where(of_key).values(state=_DOOMED, change_time=now))


def doom_left(connection: Connection, made_before: datetime, now: datetime) -> list[str]:
    """All that has to go; from now on also what was made before a time and not kept. Nobody can keep it any more."""
    left = (token_objects.c.state == _MADE) & (token_objects.c.change_time < made_before)
    connection.execute(update(token_objects).where(left).values(state=_DOOMED, change_time=now))
    return list(connection.execute(select(token_objects.c.object_id).where(token_objects.c.state == _DOOMED)).scalars())


def find_objects(connection: Connection, key_ids: Collection[str]) -> dict[str, str]:
    """The kept objects of keys: object id by key id."""
    query = select(token_objects.c.key_id, token_objects.c.object_id).where(
        token_objects.c.state == KEPT, token_objects.c.key_id.in_(key_ids)
    )
    return {row.key_id: row.object_id for row in connection.execute(query)}


def find_states(connection: Connection, object_ids: Collection[str]) -> dict[str, str]:
    """The states of those of some objects that are noted here."""
    columns = token_objects.c.object_id, token_objects.c.state
    query = select(*columns).where(token_objects.c.object_id.in_(object_ids))
    return {row.object_id: row.state for row in connection.execute(query)}


def note_destroyed(connection: Connection, object_id: str) -> None:
    """An object is not in the token any more."""
    connection.execute(delete(token_objects).where(token_objects.c.object_id == object_id))
