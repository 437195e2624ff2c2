"""Postings: transfers that are done whole or not at all, in one transaction of the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection

from contract.transactions.transaction import Transfer
from server.transactions.executors.ledger import store
from server.transactions.executors.ledger.store import EntryRow, LedgerAccount

MAX_BALANCE: Final = 10**18
"""Furthest that a balance may be from nothing: sums of many still fit into what databases hold."""


class NotPosted(StrEnum):
    """Why a posting cannot be. The value is a cause, UPPER_SNAKE."""

    ACCOUNT_NOT_OPEN = "ACCOUNT_NOT_OPEN"
    BALANCE_TOO_LOW = "BALANCE_TOO_LOW"
    BALANCE_TOO_HIGH = "BALANCE_TOO_HIGH"


def post_transfers(
    connection: Connection, posting: str, transfers: Sequence[Transfer], now: datetime
) -> NotPosted | None:
    """Post transfers under a name, one after the other; a name that is there is not posted again.

    Args:
        connection: the transaction. If the answer is a reason, nothing was written.
        posting: name.
        transfers: each between two accounts.
        now: the present time.
    """
    if store.is_posted(connection, posting):
        return None
    books: dict[tuple[str, str], LedgerAccount] = {}
    balances: dict[tuple[str, str], int] = {}
    entries: list[EntryRow] = []
    for account, currency, units in sides_of(transfers):
        place = (account, currency)
        if place not in books:
            found = store.find_account(connection, account, currency)
            if found is None:
                return NotPosted.ACCOUNT_NOT_OPEN
            books[place], balances[place] = found, found.balance
        balances[place] += units
        if balances[place] < -books[place].overdraft and units < 0:
            return NotPosted.BALANCE_TOO_LOW
        if abs(balances[place]) > MAX_BALANCE:
            return NotPosted.BALANCE_TOO_HIGH
        entries.append(EntryRow(posting, len(entries), account, currency, units, balances[place], now))
    store.add_entries(connection, entries)
    return None


def sides_of(transfers: Sequence[Transfer]) -> list[tuple[str, str, int]]:
    """Account, currency and units of each entry that transfers make, in their order."""
    return [
        (account, each.amount.currency, units)
        for each in transfers
        for account, units in ((each.payer, -each.amount.units), (each.payee, each.amount.units))
    ]
