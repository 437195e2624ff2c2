"""The table of devices: at which agents an account has logged in, ever."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Connection, Index, Table, Text, insert, select, tuple_, update

from server.storage import Instant, PageCursor, metadata

devices = Table(
    "devices",
    metadata,
    Column("account", Text, primary_key=True),
    Column("agent_id", Text, primary_key=True),
    Column("first_time", Instant, nullable=False),
    Column("login_time", Instant, nullable=False),
    Index(None, "agent_id", "login_time"),
)


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """An agent at which an account has logged in.

    Args:
        agent_id: its name.
        first_time, login_time: of the first and of the last login.
    """

    agent_id: str
    first_time: datetime
    login_time: datetime


_columns = (devices.c.agent_id, devices.c.first_time, devices.c.login_time)


def note_login(connection: Connection, account: str, agent_id: str, now: datetime) -> None:
    """Note that an account has logged in at an agent."""
    this_one = (devices.c.account == account) & (devices.c.agent_id == agent_id)
    if not connection.execute(update(devices).where(this_one), {"login_time": now}).rowcount:
        row = {"account": account, "agent_id": agent_id, "first_time": now, "login_time": now}
        connection.execute(insert(devices), row)


def is_device(connection: Connection, account: str, agent_id: str) -> bool:
    """Whether an account has ever logged in at an agent."""
    query = select(devices.c.agent_id).where(devices.c.account == account, devices.c.agent_id == agent_id)
    return connection.execute(query).first() is not None


def list_accounts_at(connection: Connection, agent_id: str, limit: int) -> list[str]:
    """At most ``limit`` accounts that have logged in at an agent, those that did last in front."""
    query = select(devices.c.account).where(devices.c.agent_id == agent_id)
    return list(connection.execute(query.order_by(devices.c.login_time.desc()).limit(limit)).scalars())


def list_devices(connection: Connection, account: str, after: PageCursor | None, limit: int) -> list[DeviceRow]:
    """At most ``limit`` devices of an account, by the time of the first login."""
    order = (devices.c.first_time, devices.c.agent_id)
    query = select(*_columns).where(devices.c.account == account)
    if after is not None:
        query = query.where(tuple_(*order) > (after.time, after.name))
    return [DeviceRow(*row) for row in connection.execute(query.order_by(*order).limit(limit))]
