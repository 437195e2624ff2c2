"""What happened to accounts: appended, never changed, deleted when it is old."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Connection, Index, Table, Text, delete, insert, select

from server.storage import Instant, metadata
from server.storage.tables import Sequence as Counted

account_events = Table(
    "account_events",
    metadata,
    Column("sequence", Counted, primary_key=True, autoincrement=True),
    Column("time", Instant, nullable=False),
    Column("account", Text, nullable=False),
    Column("agent_id", Text),
    Column("event", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Index(None, "account", "sequence"),
    Index(None, "time"),
)


@dataclass(frozen=True, slots=True)
class AccountEvent:
    """Something that happened to an account. Holds no secret.

    Args:
        sequence: rises.
        time: when.
        account: its name; for a login that failed the name that was tried, which may be nobody's.
        agent_id: where it came from; None for the operator and the server itself.
        event: what.
        detail: which factor, login or certificate; until when; why.
    """

    sequence: int
    time: datetime
    account: str
    agent_id: str | None
    event: str
    detail: str


def add_event(
    connection: Connection, time: datetime, account: str, agent_id: str | None, event: str, detail: str
) -> None:
    """Append an event."""
    values = {"time": time, "account": account, "agent_id": agent_id, "event": event, "detail": detail}
    connection.execute(insert(account_events), values)


def drop_events_before(connection: Connection, time: datetime, limit: int) -> None:
    """Delete the oldest events before a time, at most ``limit``."""
    column = account_events.c
    oldest = select(column.sequence).where(column.time < time).order_by(column.time).limit(limit)
    connection.execute(delete(account_events).where(column.sequence.in_(oldest)))


def list_events(connection: Connection, *, after: int, limit: int, account: str | None = None) -> list[AccountEvent]:
    """At most ``limit`` events with a sequence above ``after``, oldest first, of all accounts or of one."""
    query = select(account_events).where(account_events.c.sequence > after).order_by(account_events.c.sequence)
    if account is not None:
        query = query.where(account_events.c.account == account)
    return [AccountEvent(**row._asdict()) for row in connection.execute(query.limit(limit))]
