"""``fourseal-server ledger``."""

from __future__ import annotations

import secrets
import sys
from datetime import datetime
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection

from contract.transactions.money import Amount
from contract.transactions.posting import OperatorPosting
from contract.transactions.transaction import Transfer
from server.cli.database import from_database, in_database, settings_of
from server.cli.output import show_json, show_line, show_table
from server.clock import system_clock
from server.errors import OperatorError
from server.root.ground import open_ground
from server.root.home import Home
from server.root.log import configure_log
from server.storage import PageCursor
from server.storage.paging import cut_page
from server.transactions.executors.ledger import (
    EntryRow,
    LedgerAccount,
    check_books,
    find_account,
    list_accounts,
    list_entries,
    open_account,
    post,
    set_overdraft,
)

_REQUEST_ID_BYTES: Final = 16


def open_one(home: Home, account: str, currency: str, overdraft: str, *, as_json: bool) -> None:
    """Open an account."""
    units = _units(overdraft, currency)
    opened = in_database(
        home, partial(open_account, account=account, currency=currency, overdraft=units, now=system_clock())
    )
    _show_account(opened, "is open", as_json=as_json)


def change_overdraft(home: Home, account: str, currency: str, limit: str, *, as_json: bool) -> None:
    """Change how far an account may be overdrawn."""
    units = _units(limit, currency)
    changed = in_database(home, partial(set_overdraft, account=account, currency=currency, overdraft=units))
    _show_account(changed, "is changed", as_json=as_json)


def post_one(
    home: Home, payer: str, payee: str, amount: str, currency: str, text: str, request_id: str, *, as_json: bool
) -> None:
    """Post as the operator."""
    posting = OperatorPosting(
        request_id=request_id or secrets.token_hex(_REQUEST_ID_BYTES),
        transfer=Transfer(payer, payee, Amount.parse(amount, currency)),
        text=text,
        time=system_clock().replace(microsecond=0),
    )
    with open_ground(home, settings_of(home), configure_log("error")) as ground:  # it writes in the log
        new = ground.database.write_now(partial(post, posting=posting))
    if as_json:
        show_json({"posting": posting.name, "posted_before": not new})
        return
    show_line(f"{'Posted' if new else 'Posted before'}: {posting.transfer.amount.in_full()}, {payer} to {payee}")
    show_line(f"Posting: {posting.name}")


def accounts(home: Home, page_size: int, page_token: str, *, as_json: bool) -> None:
    """List a page of accounts."""
    after = PageCursor.from_token(page_token)
    found = from_database(home, lambda connection: list_accounts(connection, after, page_size + 1))
    page = cut_page(found, page_size, lambda each: PageCursor(each.create_time, f"{each.account}:{each.currency}"))
    if as_json:
        show_json({"accounts": list(map(_account_json, page.rows)), "next_page_token": page.next_token})
        return
    rows = [
        (
            each.account,
            _shown(each.balance, each.currency),
            _shown(each.overdraft, each.currency),
            _time(each.create_time),
        )
        for each in page.rows
    ]
    show_table("Accounts", ("account", "balance", "overdraft", "opened"), rows)
    if page.next_token:
        show_line(f"More: --page-token {page.next_token}")


def entries_of(home: Home, account: str, currency: str, page_size: int, page_token: str, *, as_json: bool) -> None:
    """List a page of an account's entries."""
    after = PageCursor.from_token(page_token)

    def query(connection: Connection) -> list[EntryRow]:
        if find_account(connection, account, currency) is None:
            raise OperatorError(f"the account {account} in {currency} is not open", "See fourseal-server ledger list.")
        return list_entries(connection, account, currency, after, page_size + 1)

    page = cut_page(
        in_database(home, query), page_size, lambda each: PageCursor(each.time, f"{each.posting}:{each.number}")
    )
    if as_json:
        show_json({"entries": list(map(_entry_json, page.rows)), "next_page_token": page.next_token})
        return
    rows = [
        (_time(each.time), _shown(each.units, currency), _shown(each.balance, currency), each.posting)
        for each in page.rows
    ]
    show_table(f"Entries of {account}", ("time", "amount", "balance", "posting"), rows)
    if page.next_token:
        show_line(f"More: --page-token {page.next_token}")


def check(home: Home, *, as_json: bool) -> None:
    """Add everything up; exit status 1 if something does not."""
    wrong = from_database(home, check_books)
    if as_json:
        show_json({"well": not wrong, "findings": wrong})
    else:
        for each in wrong:
            show_line(each)
        show_line(f"{len(wrong)} things do not add up" if wrong else "All adds up")
    if wrong:
        sys.exit(1)


def _units(text: str, currency: str) -> int:
    return 0 if text == "0" else Amount.parse(text, currency).units


def _show_account(account: LedgerAccount, what: str, *, as_json: bool) -> None:
    if as_json:
        show_json(_account_json(account))
        return
    show_line(f"{account.account} {what} in {account.currency}: balance {_shown(account.balance, account.currency)}")
    show_line(f"It may be overdrawn by {_shown(account.overdraft, account.currency)}")


def _account_json(account: LedgerAccount) -> dict[str, Any]:
    return {
        "account": account.account,
        "currency": account.currency,
        "balance_units": account.balance,
        "overdraft_units": account.overdraft,
        "create_time": account.create_time.isoformat(),
    }


def _entry_json(entry: EntryRow) -> dict[str, Any]:
    return {
        "posting": entry.posting,
        "units": entry.units,
        "balance_units": entry.balance,
        "time": entry.time.isoformat(),
    }


def _shown(units: int, currency: str) -> str:
    """For people; a balance may be nothing, below it, or more than an amount is."""
    decimals = Amount(currency, 1).decimals
    whole, rest = divmod(abs(units), 10**decimals)
    text = f"{whole:,}".replace(",", " ") + (f".{rest:0{decimals}}" if decimals else "")
    return f"{'-' if units < 0 else ''}{text} {currency}"


def _time(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M}"
