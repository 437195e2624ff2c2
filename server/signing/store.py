"""The tables of joint keys: the keys, and how often each was used on a day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Row,
    Table,
    Text,
    bindparam,
    func,
    insert,
    select,
    tuple_,
    update,
)

from mpc.four_prime_rsa import Purpose, SignatureAlgorithm
from server.signing.states import KeyState
from server.storage import Instant, Lookup, PageCursor, metadata, row_values

_ROWS_AT_A_TIME: Final = 1000
_STATES = ", ".join(f"'{state.value}'" for state in KeyState)

keys = Table(
    "keys",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("agent_id", Text, ForeignKey("agents.agent_id"), nullable=False),
    Column("purpose", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("half_bits", Integer, nullable=False),
    Column("client_commitment", LargeBinary, nullable=False),
    Column("client_modulus", LargeBinary),
    Column("server_modulus", LargeBinary, nullable=False),
    Column("joint_public_key", LargeBinary),
    Column("algorithms", Text, nullable=False),
    Column("daily_limit", BigInteger, nullable=False),
    Column("create_time", Instant, nullable=False),
    Column("change_time", Instant, nullable=False),
    Column("destroy_time", Instant),
    Column("abort_cause", Text),
    Column("replaces_key_id", Text),
    Column("replaced_by_key_id", Text),
    CheckConstraint("purpose IN ('sign', 'decrypt')", name="purpose"),
    CheckConstraint(f"state IN ({_STATES})", name="state"),
    Index(None, "agent_id", "create_time", "key_id"),
    Index(None, "create_time", "key_id"),
    Index(None, "state", "create_time"),
    Index(None, "replaces_key_id"),
)

key_usage = Table(
    "key_usage",
    metadata,
    Column("key_id", Text, ForeignKey("keys.key_id"), primary_key=True),
    Column("day", Integer, primary_key=True),
    Column("operations", BigInteger, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Key:
    """A joint key. Nothing of it is secret.

    Args:
        client_modulus: big-endian; None until the commitment was opened.
        server_modulus: big-endian.
        joint_public_key: DER SubjectPublicKeyInfo; None until the commitment was opened.
        algorithms: allowed; empty means all.
        daily_limit: joint operations a day (UTC), 0 for no limit.
        destroy_time: from when on it may be destroyed, in DESTRUCTION_SCHEDULED.
        abort_cause: why its generation was aborted, in ABORTED.
        replaces_key_id: of a re-key: the key whose client half it has, or would have had.
        replaced_by_key_id: the key that replaced this one.
    """

    key_id: str
    agent_id: str
    purpose: Purpose
    state: KeyState
    half_bits: int
    client_commitment: bytes = field(repr=False)
    client_modulus: bytes | None = field(repr=False)
    server_modulus: bytes = field(repr=False)
    joint_public_key: bytes | None = field(repr=False)
    algorithms: tuple[SignatureAlgorithm, ...]
    daily_limit: int
    create_time: datetime
    change_time: datetime
    destroy_time: datetime | None = None
    abort_cause: str | None = None
    replaces_key_id: str | None = None
    replaced_by_key_id: str | None = None


@dataclass(frozen=True, slots=True)
class OpenedModuli:
    """The moduli of a key that was opened, and the key that it replaces."""

    key_id: str
    replaces_key_id: str | None
    client: int
    server: int


@dataclass(frozen=True, slots=True)
class KeyRules:
    """What decides whether a key may be used now."""

    key_id: str
    agent_id: str
    purpose: Purpose
    state: KeyState
    algorithms: tuple[SignatureAlgorithm, ...]
    daily_limit: int
    abort_cause: str | None


_rules = Lookup(select(*(keys.c[name] for name in KeyRules.__dataclass_fields__)), keys.c.key_id)
_usage = Lookup(
    select(key_usage.c.key_id, key_usage.c.operations).where(key_usage.c.day == bindparam("day")), key_usage.c.key_id
)
_find = select(keys).where(keys.c.key_id == bindparam("key_id"))


def insert_key(connection: Connection, key: Key) -> None:
    """Keep a new key."""
    algorithms = " ".join(algorithm.value for algorithm in key.algorithms)
    connection.execute(insert(keys), row_values(key) | {"algorithms": algorithms})


def find_key(connection: Connection, key_id: str) -> Key | None:
    """A key."""
    row = connection.execute(_find, {"key_id": key_id}).one_or_none()
    return None if row is None else _key(row)


def find_rules(connection: Connection, key_ids: Iterable[str]) -> dict[str, KeyRules]:
    """What decides about the use of those of these keys that there are."""
    return {row.key_id: KeyRules(**_decoded(row)) for row in _rules.rows(connection, key_ids)}


def list_keys(connection: Connection, agent_id: str | None, after: PageCursor | None, limit: int) -> list[Key]:
    """At most ``limit`` keys of an agent, or of all, oldest first."""
    query = select(keys).order_by(keys.c.create_time, keys.c.key_id).limit(limit)
    if agent_id is not None:
        query = query.where(keys.c.agent_id == agent_id)
    if after is not None:
        query = query.where(tuple_(keys.c.create_time, keys.c.key_id) > (after.time, after.name))
    return [_key(row) for row in connection.execute(query)]


def list_unopened(connection: Connection, before: datetime) -> list[Key]:
    """Keys whose generation began before some time and was not finished."""
    query = select(keys).where(keys.c.state == KeyState.AWAITING_OPENING.value, keys.c.create_time < before)
    return [_key(row) for row in connection.execute(query)]


def list_in_states(connection: Connection, agent_id: str, states: Iterable[KeyState]) -> list[Key]:
    """An agent's keys that are in one of some states."""
    query = select(keys).where(keys.c.agent_id == agent_id, keys.c.state.in_([state.value for state in states]))
    return [_key(row) for row in connection.execute(query)]


def count_unopened(connection: Connection, agent_id: str) -> int:
    """How many generations of an agent wait for their opening."""
    query = select(func.count()).where(keys.c.agent_id == agent_id, keys.c.state == KeyState.AWAITING_OPENING.value)
    return connection.execute(query).scalar_one()


def list_unopened_rekeys(connection: Connection, replaces_key_id: str) -> list[Key]:
    """Re-keys of a key that wait for their opening."""
    query = select(keys).where(
        keys.c.replaces_key_id == replaces_key_id, keys.c.state == KeyState.AWAITING_OPENING.value
    )
    return [_key(row) for row in connection.execute(query)]


def list_replaced(connection: Connection, key: Key) -> set[str]:
    """Ids of the key that a key replaces, of the one that that replaced, and so on."""
    found = set[str]()
    earlier = key.replaces_key_id
    while earlier is not None:
        found.add(earlier)
        query = select(keys.c.replaces_key_id).where(keys.c.key_id == earlier)
        earlier = connection.execute(query).scalar_one()
    return found


def mark_replaced(connection: Connection, key_id: str, by: str) -> None:
    """Note which key has replaced a key."""
    connection.execute(update(keys).where(keys.c.key_id == key_id), {"replaced_by_key_id": by})


def opened_moduli(connection: Connection) -> Iterator[OpenedModuli]:
    """Those of every key that was ever opened, read bit by bit: there may be a million."""
    query = select(keys.c.key_id, keys.c.replaces_key_id, keys.c.client_modulus, keys.c.server_modulus)
    opened = query.where(keys.c.client_modulus.is_not(None)).execution_options(yield_per=_ROWS_AT_A_TIME)
    for row in connection.execute(opened):
        client, server = (int.from_bytes(data, "big") for data in (row.client_modulus, row.server_modulus))
        yield OpenedModuli(row.key_id, row.replaces_key_id, client, server)


def change_key(connection: Connection, key: Key, starts: Iterable[KeyState], values: dict[str, Any]) -> bool:
    """Change a key, if it is still in one of the states ``starts``; whether it was."""
    query = update(keys).where(keys.c.key_id == key.key_id, keys.c.state.in_([state.value for state in starts]))
    return connection.execute(query, values).rowcount == 1


def find_usage(connection: Connection, key_ids: Iterable[str], day: int) -> dict[str, int]:
    """Operations of each key on a day, for those that had any."""
    return {row.key_id: row.operations for row in _usage.rows(connection, key_ids, day=day)}


def put_usage(connection: Connection, key_id: str, day: int, operations: int) -> None:
    """Set a key's operations of a day."""
    query = update(key_usage).where(key_usage.c.key_id == key_id, key_usage.c.day == day)
    if not connection.execute(query, {"operations": operations}).rowcount:
        connection.execute(insert(key_usage), {"key_id": key_id, "day": day, "operations": operations})


def _decoded(row: Row[*tuple[Any, ...]]) -> dict[str, Any]:
    return row._asdict() | {
        "purpose": Purpose(row.purpose),
        "state": KeyState(row.state),
        "algorithms": tuple(map(SignatureAlgorithm, row.algorithms.split())),
    }


def _key(row: Row[*tuple[Any, ...]]) -> Key:
    return Key(**_decoded(row))
