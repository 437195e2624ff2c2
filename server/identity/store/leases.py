"""The table of leases: the last ones of each agent, for repeats."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, Column, Connection, Table, Text, delete, insert, select

from server.storage import Instant, metadata, row_values

leases = Table(
    "leases",
    metadata,
    Column("agent_id", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("request_id", Text, nullable=False),
    Column("time", Instant, nullable=False),
)


@dataclass(frozen=True, slots=True)
class LeaseRow:
    """A lease that was taken.

    Args:
        number: from 1 since the agent was enrolled.
        request_id: under which it was taken.
        time: when.
    """

    number: int
    request_id: str
    time: datetime


def find_lease(connection: Connection, agent_id: str, number: int) -> LeaseRow | None:
    """A lease by its number, if it is kept."""
    query = select(leases).where(leases.c.agent_id == agent_id, leases.c.number == number)
    row = connection.execute(query).one_or_none()
    return None if row is None else LeaseRow(row.number, row.request_id, row.time)


def add_lease(connection: Connection, agent_id: str, lease: LeaseRow, keep: int) -> None:
    """Keep a lease, and of those before it as many as make ``keep`` with it."""
    connection.execute(insert(leases), {"agent_id": agent_id} | row_values(lease))
    connection.execute(delete(leases).where(leases.c.agent_id == agent_id, leases.c.number <= lease.number - keep))


def drop_leases(connection: Connection, agent_id: str) -> None:
    """Forget an agent's leases, for it begins anew."""
    connection.execute(delete(leases).where(leases.c.agent_id == agent_id))
