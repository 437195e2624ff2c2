"""The ledger: accounts in the server's database, by double entry.

Every posting takes from one account what it gives to another, so the balances of a currency add up to nothing, always.
Money comes from an account that may be overdrawn, as an operator's posting, which stands in the log.
"""

from server.transactions.executors.ledger.books import (
    check_books,
    open_account,
    post,
    set_overdraft,
)
from server.transactions.executors.ledger.ledger import Ledger, make_ledger
from server.transactions.executors.ledger.store import (
    EntryRow,
    LedgerAccount,
    find_account,
    list_accounts,
    list_entries,
)

__all__ = [
    "EntryRow",
    "Ledger",
    "LedgerAccount",
    "check_books",
    "find_account",
    "list_accounts",
    "list_entries",
    "make_ledger",
    "open_account",
    "post",
    "set_overdraft",
]
