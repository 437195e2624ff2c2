"""The tables of the ledger: accounts with their balances, and the entries that made them.

Two entries with one posting and one pair are the two sides of a transfer. A posting's name is there once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    Index,
    Integer,
    Table,
    Text,
    bindparam,
    func,
    insert,
    select,
    tuple_,
    update,
)

from server.storage import Instant, PageCursor, metadata, row_values

ledger_accounts = Table(
    "ledger_accounts",
    metadata,
    Column("account", Text, primary_key=True),
    Column("currency", Text, primary_key=True),
    Column("overdraft", BigInteger, nullable=False),
    Column("balance", BigInteger, nullable=False),
    Column("create_time", Instant, nullable=False),
    CheckConstraint("overdraft >= 0 AND balance >= -overdraft", name="covered"),
    Index(None, "create_time", "account", "currency"),
)

ledger_entries = Table(
    "ledger_entries",
    metadata,
    Column("posting", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("account", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("balance", BigInteger, nullable=False),
    Column("time", Instant, nullable=False),
    Index(None, "account", "currency", "time", "posting", "number"),
)


@dataclass(frozen=True, slots=True)
class LedgerAccount:
    """An account in one currency.

    Args:
        account: its name.
        currency: code of ISO 4217.
        overdraft: how far below nothing its balance may be, in minor units, at least 0.
        balance: in minor units.
        create_time: since when it is open.
    """

    account: str
    currency: str
    overdraft: int
    balance: int
    create_time: datetime


@dataclass(frozen=True, slots=True)
class EntryRow:
    """One side of a transfer.

    Args:
        posting: what it is part of: a transaction's name, or "posting-" and an operator's request id.
        number: within the posting, from 0: even ones take, and the next one gives.
        account, currency: which account.
        units: what it gets, in minor units; below 0: what it gives.
        balance: of the account from then on.
        time: when.
    """

    posting: str
    number: int
    account: str
    currency: str
    units: int
    balance: int
    time: datetime


_accounts, _entries = ledger_accounts.c, ledger_entries.c
_account_columns = (
    _accounts.account,
    _accounts.currency,
    _accounts.overdraft,
    _accounts.balance,
    _accounts.create_time,
)
_entry_columns = (
    _entries.posting,
    _entries.number,
    _entries.account,
    _entries.currency,
    _entries.units,
    _entries.balance,
    _entries.time,
)
_this_account = (_accounts.account == bindparam("of_account")) & (_accounts.currency == bindparam("of_currency"))
_find = select(*_account_columns).where(_this_account)
_is_posted = select(_entries.number).where(_entries.posting == bindparam("of_posting")).limit(1)
_add_entries = insert(ledger_entries)
_put_balances = update(ledger_accounts).where(_this_account).values(balance=bindparam("new_balance"))


def add_account(connection: Connection, opened: LedgerAccount) -> None:
    """Open an account that is not there."""
    row = {
        "account": opened.account,
        "currency": opened.currency,
        "overdraft": opened.overdraft,
        "balance": opened.balance,
        "create_time": opened.create_time,
    }
    connection.execute(insert(ledger_accounts), row)


def put_overdraft(connection: Connection, account: str, currency: str, overdraft: int) -> None:
    """Change how far an account may be overdrawn."""
    this_one = (_accounts.account == account) & (_accounts.currency == currency)
    connection.execute(update(ledger_accounts).where(this_one), {"overdraft": overdraft})


def find_account(connection: Connection, account: str, currency: str) -> LedgerAccount | None:
    """An account; None if it is not open."""
    row = connection.execute(_find, {"of_account": account, "of_currency": currency}).one_or_none()
    return None if row is None else LedgerAccount(*row)


def list_accounts(connection: Connection, after: PageCursor | None, limit: int) -> list[LedgerAccount]:
    """At most ``limit`` accounts, oldest first. A cursor's name is account, ":" and currency."""
    order = (_accounts.create_time, _accounts.account, _accounts.currency)
    query = select(*_account_columns)
    if after is not None:
        account, _, currency = after.name.rpartition(":")
        query = query.where(tuple_(*order) > (after.time, account, currency))
    return [LedgerAccount(*row) for row in connection.execute(query.order_by(*order).limit(limit))]


def is_posted(connection: Connection, posting: str) -> bool:
    """Whether a posting is there."""
    return connection.execute(_is_posted, {"of_posting": posting}).first() is not None


def add_entries(connection: Connection, entries: Sequence[EntryRow]) -> None:
    """Add the entries of a posting, and put the balances that they lead to."""
    connection.execute(_add_entries, list(map(row_values, entries)))
    balances = [
        {"of_account": each.account, "of_currency": each.currency, "new_balance": each.balance} for each in entries
    ]
    connection.execute(_put_balances, balances)


def find_entries(connection: Connection, posting: str) -> list[EntryRow]:
    """The entries of a posting, in their order."""
    query = select(*_entry_columns).where(_entries.posting == posting).order_by(_entries.number)
    return [EntryRow(*row) for row in connection.execute(query)]


def list_entries(
    connection: Connection, account: str, currency: str, after: PageCursor | None, limit: int
) -> list[EntryRow]:
    """At most ``limit`` entries of an account, oldest first. A cursor's name is posting, ":" and number."""
    order = (_entries.time, _entries.posting, _entries.number)
    query = select(*_entry_columns).where(_entries.account == account, _entries.currency == currency)
    if after is not None:
        posting, _, number = after.name.rpartition(":")
        query = query.where(tuple_(*order) > (after.time, posting, int(number)))
    return [EntryRow(*row) for row in connection.execute(query.order_by(*order).limit(limit))]


def sum_balances(connection: Connection) -> dict[str, int]:
    """What the balances of each currency add up to."""
    query = select(_accounts.currency, func.sum(_accounts.balance)).group_by(_accounts.currency)
    return {currency: int(total) for currency, total in connection.execute(query)}


def list_wrong_balances(connection: Connection) -> list[tuple[str, str]]:
    """Accounts whose balance is not the sum of their entries."""
    sums = (
        select(_entries.account, _entries.currency, func.sum(_entries.units).label("total"))
        .group_by(_entries.account, _entries.currency)
        .subquery()
    )
    same = (sums.c.account == _accounts.account) & (sums.c.currency == _accounts.currency)
    query = (
        select(_accounts.account, _accounts.currency)
        .select_from(ledger_accounts.outerjoin(sums, same))
        .where(func.coalesce(sums.c.total, 0) != _accounts.balance)
    )
    return [(account, currency) for account, currency in connection.execute(query)]


def list_unbalanced_postings(connection: Connection) -> list[str]:
    """Postings that make or lose money."""
    query = (
        select(_entries.posting)
        .group_by(_entries.posting, _entries.currency)
        .having(func.sum(_entries.units) != 0)
        .distinct()
    )
    return [posting for (posting,) in connection.execute(query)]
