"""Credentials of the server itself, tickets, agents."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    Index,
    LargeBinary,
    Row,
    Table,
    Text,
    delete,
    insert,
    select,
    update,
)

from server.storage import Instant, Lookup, metadata, row_values

credentials = Table(
    "credentials",
    metadata,
    Column("name", Text, primary_key=True),
    Column("certificate", LargeBinary, nullable=False),
    Column("sealed_key", LargeBinary, nullable=False),
    Column("expire_time", Instant, nullable=False),
)

server_secrets = Table(
    "server_secrets",
    metadata,
    Column("name", Text, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)

tickets = Table(
    "tickets",
    metadata,
    Column("token_sha256", LargeBinary, primary_key=True),
    Column("agent_id", Text, nullable=False),
    Column("create_time", Instant, nullable=False),
    Column("expire_time", Instant, nullable=False),
    Column("use_time", Instant),
    Column("request_sha256", LargeBinary),
    Column("certificate", LargeBinary),
    Index(None, "agent_id"),
)

agents = Table(
    "agents",
    metadata,
    Column("agent_id", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("certificate_sha256", LargeBinary, nullable=False),
    Column("enrol_time", Instant, nullable=False),
    Column("expire_time", Instant, nullable=False),
    Column("revoke_time", Instant),
    Column("lease", BigInteger, nullable=False, server_default="0"),
    Column("block_time", Instant),
    Column("block_cause", Text),
    Column("revocation_sha256", LargeBinary),
    CheckConstraint("state IN ('active', 'blocked', 'revoked')", name="state"),
    Index(None, "revocation_sha256"),
)


class AgentState(StrEnum):
    """Whether an agent may call."""

    ACTIVE = "active"
    BLOCKED = "blocked"
    REVOKED = "revoked"


class BlockCause(StrEnum):
    """Why an agent is blocked."""

    CLONE = "clone"
    REVOCATION_SECRET = "revocation secret"  # noqa: S105  # a cause
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class Credential:
    """A certificate of the server (DER), with its sealed private key."""

    certificate: bytes
    sealed_key: bytes = field(repr=False)
    expire_time: datetime


@dataclass(frozen=True, slots=True)
class TicketRow:
    """A ticket as it is kept: its token only as SHA-256."""

    agent_id: str
    expire_time: datetime
    use_time: datetime | None
    request_sha256: bytes | None
    certificate: bytes | None


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent that was enrolled at least once.

    Args:
        agent_id: its name.
        state: whether it may call.
        certificate_sha256: of its newest certificate, DER.
        enrol_time, expire_time: of that certificate.
        revoke_time: when the operator revoked it.
        lease: number of its newest lease since it was enrolled; 0: it has taken none.
        block_time, block_cause: when it was blocked, and why.
        revocation_sha256: of the secret with which anybody can block it; None: it has none.
    """

    agent_id: str
    state: AgentState
    certificate_sha256: bytes
    enrol_time: datetime
    expire_time: datetime
    revoke_time: datetime | None = None
    lease: int = 0
    block_time: datetime | None = None
    block_cause: BlockCause | None = None
    revocation_sha256: bytes | None = None


_agents = Lookup(select(agents), agents.c.agent_id)


def find_credential(connection: Connection, name: str) -> Credential | None:
    """A credential of the server."""
    row = connection.execute(select(credentials).where(credentials.c.name == name)).one_or_none()
    return None if row is None else Credential(row.certificate, row.sealed_key, row.expire_time)


def put_credential(connection: Connection, name: str, credential: Credential) -> None:
    """Keep a credential in the place of an older one."""
    connection.execute(delete(credentials).where(credentials.c.name == name))
    connection.execute(insert(credentials), {"name": name} | row_values(credential))


def find_secret(connection: Connection, name: str) -> bytes | None:
    """A sealed secret of the server."""
    found = connection.execute(select(server_secrets.c.sealed).where(server_secrets.c.name == name))
    return found.scalar_one_or_none()


def add_secret(connection: Connection, name: str, sealed: bytes) -> None:
    """Keep a sealed secret of the server."""
    connection.execute(insert(server_secrets), {"name": name, "sealed": sealed})


def add_ticket(
    connection: Connection, token_sha256: bytes, agent_id: str, create_time: datetime, expire_time: datetime
) -> None:
    """Keep a new ticket."""
    values = {
        "token_sha256": token_sha256,
        "agent_id": agent_id,
        "create_time": create_time,
        "expire_time": expire_time,
    }
    connection.execute(insert(tickets), values)


def find_ticket(connection: Connection, token_sha256: bytes) -> TicketRow | None:
    """The ticket with that token."""
    columns = (tickets.c[name] for name in TicketRow.__dataclass_fields__)
    row = connection.execute(select(*columns).where(tickets.c.token_sha256 == token_sha256)).one_or_none()
    return None if row is None else TicketRow(**row._asdict())


def use_ticket(
    connection: Connection, token_sha256: bytes, now: datetime, request_sha256: bytes, certificate: bytes
) -> None:
    """Mark a ticket as used."""
    connection.execute(
        update(tickets).where(tickets.c.token_sha256 == token_sha256),
        {"use_time": now, "request_sha256": request_sha256, "certificate": certificate},
    )


def drop_tickets(connection: Connection, *, agent_id: str | None = None, expired_at: datetime | None = None) -> int:
    """Delete tickets of an agent, or those that have expired. Returns how many."""
    query = delete(tickets)
    if agent_id is not None:
        query = query.where(tickets.c.agent_id == agent_id)
    if expired_at is not None:
        query = query.where(tickets.c.expire_time <= expired_at)
    return connection.execute(query).rowcount


def find_agents(connection: Connection, agent_ids: Iterable[str]) -> dict[str, Agent]:
    """The agents that there are of these."""
    return {row.agent_id: _agent(row) for row in _agents.rows(connection, agent_ids)}


def find_agent_by_revocation(connection: Connection, revocation_sha256: bytes) -> Agent | None:
    """The agent whose revocation secret has that digest; of several, who chose the same one, any."""
    row = connection.execute(select(agents).where(agents.c.revocation_sha256 == revocation_sha256)).first()
    return None if row is None else _agent(row)


def list_agents(connection: Connection) -> list[Agent]:
    """Every agent, by name."""
    return [_agent(row) for row in connection.execute(select(agents).order_by(agents.c.agent_id))]


def put_agent(connection: Connection, agent: Agent) -> None:
    """Keep an agent; one of that name is replaced."""
    values = row_values(agent)
    changed = connection.execute(update(agents).where(agents.c.agent_id == agent.agent_id), values)
    if not changed.rowcount:
        connection.execute(insert(agents), values)


def _agent(row: Row[*tuple[Any, ...]]) -> Agent:
    cause = None if row.block_cause is None else BlockCause(row.block_cause)
    return Agent(**(row._asdict() | {"state": AgentState(row.state), "block_cause": cause}))
