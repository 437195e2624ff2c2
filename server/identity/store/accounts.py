"""Accounts, and how often somebody failed to log in to one."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    Row,
    Table,
    Text,
    bindparam,
    delete,
    func,
    insert,
    select,
    tuple_,
    update,
)

from server.storage import Instant, PageCursor, metadata, row_values

accounts = Table(
    "accounts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("display_name", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("user_handle", LargeBinary, nullable=False),
    Column("register_agent_id", Text, nullable=False),
    Column("create_time", Instant, nullable=False),
    CheckConstraint("state IN ('awaiting_factor', 'active', 'disabled')", name="state"),
    Index(None, "create_time", "name"),
    Index(None, "state", "register_agent_id"),
)

lockouts = Table(
    "lockouts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("failure_time", Instant, nullable=False),
    Column("lock_end", Instant),
    Index(None, "failure_time"),
)

_find = select(accounts).where(accounts.c.name == bindparam("of_name"))


class AccountState(StrEnum):
    """Where an account stands."""

    AWAITING_FACTOR = "awaiting_factor"
    ACTIVE = "active"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Account:
    """An account.

    Args:
        name: for ever.
        display_name: what people call it.
        state: whether it can be logged in to.
        password_hash: argon2id, in its usual text form.
        user_handle: 16 random bytes by which security keys know it.
        register_agent_id: the agent that registered it.
        create_time: when that was.
    """

    name: str
    display_name: str
    state: AccountState
    password_hash: str = field(repr=False)
    user_handle: bytes
    register_agent_id: str
    create_time: datetime


@dataclass(frozen=True, slots=True)
class Lockout:
    """Failures to log in under a name, whether there is such an account or not, or from an agent.

    Args:
        name: as it was tried; or which agent, as ``lockout`` writes it.
        failures: that count now; attempts under way are among them.
        failure_time: of the last one.
        lock_end: until when every attempt is refused; None if there was no lock yet.
    """

    name: str
    failures: int
    failure_time: datetime
    lock_end: datetime | None


def find_account(connection: Connection, name: str) -> Account | None:
    """The account of that name."""
    row = connection.execute(_find, {"of_name": name}).one_or_none()
    return None if row is None else _account(row)


def list_accounts(connection: Connection, after: PageCursor | None, limit: int) -> list[Account]:
    """At most ``limit`` accounts, oldest first."""
    order = (accounts.c.create_time, accounts.c.name)
    query = select(accounts).order_by(*order).limit(limit)
    if after is not None:
        query = query.where(tuple_(*order) > (after.time, after.name))
    return [_account(row) for row in connection.execute(query)]


def count_awaiting(connection: Connection, agent_id: str) -> int:
    """How many accounts an agent registered that wait for their second factor."""
    query = select(func.count()).where(
        accounts.c.state == AccountState.AWAITING_FACTOR.value, accounts.c.register_agent_id == agent_id
    )
    return connection.execute(query).scalar_one()


def add_account(connection: Connection, account: Account) -> None:
    """Keep a new account."""
    connection.execute(insert(accounts), row_values(account))


def set_state(connection: Connection, name: str, state: AccountState) -> None:
    """Change where an account stands."""
    connection.execute(update(accounts).where(accounts.c.name == name), {"state": state.value})


def set_password_hash(connection: Connection, name: str, password_hash: str, *, replaced: str) -> bool:
    """Change the hash of a password, unless somebody else did meanwhile; whether it was changed."""
    query = update(accounts).where(accounts.c.name == name, accounts.c.password_hash == replaced)
    return connection.execute(query, {"password_hash": password_hash}).rowcount == 1


def list_abandoned(connection: Connection, before: datetime) -> list[str]:
    """Names of accounts that were registered before a time and still wait for their second factor."""
    query = select(accounts.c.name).where(
        accounts.c.state == AccountState.AWAITING_FACTOR.value, accounts.c.create_time < before
    )
    return list(connection.execute(query).scalars())


def drop_account(connection: Connection, name: str) -> None:
    """Delete an account to which nobody ever logged in."""
    connection.execute(delete(accounts).where(accounts.c.name == name))


def find_lockout(connection: Connection, name: str) -> Lockout | None:
    """The failures under a name."""
    row = connection.execute(select(lockouts).where(lockouts.c.name == name)).one_or_none()
    return None if row is None else Lockout(**row._asdict())


def put_lockout(connection: Connection, lockout: Lockout) -> None:
    """Keep the failures under a name in the place of older ones."""
    values = row_values(lockout)
    changed = connection.execute(update(lockouts).where(lockouts.c.name == lockout.name), values)
    if not changed.rowcount:
        connection.execute(insert(lockouts), values)


def drop_lockout(connection: Connection, name: str) -> bool:
    """Forget the failures under a name; whether there were any."""
    return connection.execute(delete(lockouts).where(lockouts.c.name == name)).rowcount == 1


def drop_lockouts_before(connection: Connection, failure_time: datetime) -> None:
    """Forget names whose last failure was before a time."""
    connection.execute(delete(lockouts).where(lockouts.c.failure_time < failure_time))


def _account(row: Row[*tuple[Any, ...]]) -> Account:
    return Account(**(row._asdict() | {"state": AccountState(row.state)}))
