"""What an operator does with the ledger: open accounts, post, and check that all adds up."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from contract.log_entry import EntryKind
from contract.names import check_account_name
from contract.transactions.money import MAX_UNITS
from contract.transactions.posting import OperatorPosting
from server.errors import OperatorError
from server.journal.log import stage
from server.transactions.executors.ledger import store
from server.transactions.executors.ledger.posting import NotPosted, post_transfers, sides_of
from server.transactions.executors.ledger.store import LedgerAccount

_WHY: Final = {
    NotPosted.ACCOUNT_NOT_OPEN: "an account is not open in that currency",
    NotPosted.BALANCE_TOO_LOW: "the payer's balance is too low",
    NotPosted.BALANCE_TOO_HIGH: "a balance would be too high to be counted",
}


def open_account(connection: Connection, account: str, currency: str, overdraft: int, now: datetime) -> LedgerAccount:
    """Open an account, empty.

    Args:
        connection: the transaction.
        account: its name.
        currency: code of ISO 4217, checked.
        overdraft: how far below nothing it may go, in minor units: 0 to 10^15 - 1.
        now: the present time.

    Raises:
        MalformedInput: ACCOUNT_NAME_MALFORMED.
        OperatorError: it is open.
    """
    check_account_name(account)
    _check_overdraft(overdraft)
    if store.find_account(connection, account, currency) is not None:
        raise OperatorError(f"the account {account} in {currency} is open", "See fourseal-server ledger list.")
    opened = LedgerAccount(account, currency, overdraft, 0, now)
    store.add_account(connection, opened)
    return opened


def set_overdraft(connection: Connection, account: str, currency: str, overdraft: int) -> LedgerAccount:
    """Change how far an account may be overdrawn.

    Raises:
        OperatorError: there is no such account, or it is overdrawn further.
    """
    _check_overdraft(overdraft)
    found = store.find_account(connection, account, currency)
    if found is None:
        raise _not_open(account, currency)
    if found.balance < -overdraft:
        raise OperatorError(f"the account {account} is overdrawn further", "Post to it first.")
    store.put_overdraft(connection, account, currency, overdraft)
    return LedgerAccount(account, currency, overdraft, found.balance, found.create_time)


def post(connection: Connection, posting: OperatorPosting) -> bool:
    """Post an operator's transfer, which stands in the log from then on. False if it was posted before.

    Raises:
        OperatorError: it cannot be; another one has that request id.
    """
    found = store.find_entries(connection, posting.name)
    transfer = posting.transfer
    if found:
        sides = [(each.account, each.currency, each.units) for each in found]
        if sides != sides_of([transfer]):
            raise OperatorError("another posting has this request id", "Choose another one for each posting.")
        return False
    cause = post_transfers(connection, posting.name, [transfer], posting.time)
    if cause is not None:
        raise OperatorError(_WHY[cause], "See fourseal-server ledger list. Nothing was posted.")
    stage(connection, EntryKind.POSTING, posting.to_der(), posting.time)
    return True


def check_books(connection: Connection) -> list[str]:
    """What does not add up, in words; empty if all does. Reads all of the ledger."""
    wrong = [
        f"the balances in {name} add up to {total}" for name, total in store.sum_balances(connection).items() if total
    ]
    wrong += [
        f"the balance of {account} in {currency} is not the sum of its entries"
        for account, currency in store.list_wrong_balances(connection)
    ]
    return [*wrong, *(f"{name} makes or loses money" for name in store.list_unbalanced_postings(connection))]


def _check_overdraft(overdraft: int) -> None:
    if not 0 <= overdraft <= MAX_UNITS:
        raise OperatorError(f"no overdraft: it is not 0 to {MAX_UNITS} minor units", "Give an amount, or 0.")


def _not_open(account: str, currency: str) -> OperatorError:
    return OperatorError(f"the account {account} in {currency} is not open", "Run fourseal-server ledger open.")
