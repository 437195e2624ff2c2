"""The table of guards."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    LargeBinary,
    Table,
    Text,
    bindparam,
    delete,
    select,
    update,
)
from sqlalchemy import insert as insert_into

from server.pins.counting import Attempts
from server.storage import Instant, metadata

pin_guards = Table(
    "pin_guards",
    metadata,
    Column("guard_sha256", LargeBinary, primary_key=True),
    Column("agent_id", Text, nullable=False),
    Column("sealed_seed", LargeBinary),
    Column("proof_key", LargeBinary),
    Column("blinded_sha256", LargeBinary, nullable=False),
    Column("counted", BigInteger, nullable=False),
    Column("proven", BigInteger, nullable=False),
    Column("last_time", Instant, nullable=False),
    Index(None, "agent_id"),
)


@dataclass(frozen=True, slots=True)
class Guard:
    """A guard.

    Args:
        guard_sha256: of its name.
        agent_id: whose it is.
        sealed_seed: gives its key; None: it is spent.
        proof_key: proves right PINs, Ed25519; None: not confirmed yet.
        blinded_sha256: of the newest blinded element that was answered.
        attempts: at it.
    """

    guard_sha256: bytes
    agent_id: str
    sealed_seed: bytes | None = field(repr=False)
    proof_key: bytes | None
    blinded_sha256: bytes
    attempts: Attempts


_find = select(pin_guards).where(pin_guards.c.guard_sha256 == bindparam("guard_sha256"))


def find_guard(connection: Connection, guard_sha256: bytes) -> Guard | None:
    """A guard by the digest of its name."""
    row = connection.execute(_find, {"guard_sha256": guard_sha256}).one_or_none()
    if row is None:
        return None
    attempts = Attempts(row.counted, row.proven, row.last_time)
    return Guard(row.guard_sha256, row.agent_id, row.sealed_seed, row.proof_key, row.blinded_sha256, attempts)


def insert_guard(connection: Connection, guard: Guard) -> None:
    """Keep a new guard."""
    connection.execute(insert_into(pin_guards), {"guard_sha256": guard.guard_sha256, **_changing(guard)})


def put_guard(connection: Connection, guard: Guard) -> None:
    """Keep what has changed of a guard."""
    this_one = pin_guards.c.guard_sha256 == guard.guard_sha256
    connection.execute(update(pin_guards).where(this_one), _changing(guard))


def remove_guards(connection: Connection, agent_id: str, except_sha256: bytes) -> None:
    """Remove an agent's guards but one, also those that are spent."""
    others = (pin_guards.c.agent_id == agent_id) & (pin_guards.c.guard_sha256 != except_sha256)
    connection.execute(delete(pin_guards).where(others))


def count_guards(connection: Connection, agent_id: str) -> int:
    """How many guards an agent has, up to a few."""
    return len(connection.execute(select(pin_guards.c.guard_sha256).where(pin_guards.c.agent_id == agent_id)).all())


def list_overdrawn(connection: Connection, most: int, last_before: datetime) -> list[bytes]:
    """Digests of the names of those whose last attempt was before a time, and that have none left."""
    used_up = pin_guards.c.counted - pin_guards.c.proven >= most
    query = select(pin_guards.c.guard_sha256).where(
        pin_guards.c.sealed_seed.is_not(None), used_up, pin_guards.c.last_time <= last_before
    )
    return list(connection.execute(query).scalars())


def _changing(guard: Guard) -> dict[str, object]:
    return {
        "agent_id": guard.agent_id,
        "sealed_seed": guard.sealed_seed,
        "proof_key": guard.proof_key,
        "blinded_sha256": guard.blinded_sha256,
        "counted": guard.attempts.counted,
        "proven": guard.attempts.proven,
        "last_time": guard.attempts.last_time,
    }
