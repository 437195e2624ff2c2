"""``fourseal-server accounts``."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from server.cli.database import in_database
from server.cli.output import show_json, show_line, show_table
from server.clock import system_clock
from server.errors import OperatorError
from server.identity import (
    Account,
    AccountEvent,
    RevocationReason,
    disable_account,
    enable_account,
    list_accounts,
    list_events,
    revoke_certificates,
    unlock_account,
)
from server.root.home import Home
from server.storage import PageCursor
from server.storage.paging import cut_page

_SEQUENCE: Final = re.compile(r"[0-9]{1,18}", re.ASCII)

Change = Callable[[Connection, str, datetime], Account]


def accounts(home: Home, page_size: int, page_token: str, *, as_json: bool) -> None:
    """List accounts."""
    after = PageCursor.from_token(page_token)
    found = in_database(home, lambda connection: list_accounts(connection, after, page_size + 1))
    page = cut_page(found, page_size, lambda account: PageCursor(account.create_time, account.name))
    if as_json:
        show_json({"accounts": [_account_json(each) for each in page.rows], "next_page_token": page.next_token})
        return
    rows = [(each.name, each.display_name, each.state.value, _time(each.create_time)) for each in page.rows]
    show_table("Accounts", ("account", "called", "state", "registered"), rows)
    _show_next(page.next_token)


def disable(home: Home, name: str, *, as_json: bool) -> None:
    """Close an account."""
    _change(home, name, disable_account, as_json=as_json)


def enable(home: Home, name: str, *, as_json: bool) -> None:
    """Open an account again."""
    _change(home, name, enable_account, as_json=as_json)


def revoke(home: Home, name: str, reason: str, *, as_json: bool) -> None:
    """Revoke an account's pair of certificates."""
    why, now = RevocationReason(reason), system_clock()
    in_database(home, lambda connection: revoke_certificates(connection, name, why, now))
    if as_json:
        show_json({"name": name, "revocation_reason": reason})
    else:
        show_line(f"The certificates of {name} are revoked: {reason}.")


def unlock(home: Home, name: str, *, as_json: bool) -> None:
    """Forget failures to log in."""
    forgotten = in_database(home, lambda connection: unlock_account(connection, name, system_clock()))
    if as_json:
        show_json({"name": name, "unlocked": forgotten})
    else:
        show_line(f"{name} may try again." if forgotten else f"Nobody had failed to log in to {name}.")


def events(home: Home, name: str, page_size: int, page_token: str, *, as_json: bool) -> None:
    """List what happened to accounts."""
    after = _sequence(page_token)
    found = in_database(
        home, lambda connection: list_events(connection, after=after, limit=page_size + 1, account=name or None)
    )
    rows, more = found[:page_size], len(found) > page_size
    next_token = str(rows[-1].sequence) if more else ""
    if as_json:
        show_json({"events": [_event_json(each) for each in rows], "next_page_token": next_token})
        return
    shown = [(_time(each.time), each.account, each.agent_id or "", each.event, each.detail) for each in rows]
    show_table("Events", ("time", "account", "agent", "event", "detail"), shown)
    _show_next(next_token)


def _change(home: Home, name: str, change: Change, *, as_json: bool) -> None:
    account = in_database(home, lambda connection: change(connection, name, system_clock()))
    if as_json:
        show_json(_account_json(account))
    else:
        show_line(f"{name} is {account.state.value}.")


def _sequence(page_token: str) -> int:
    if page_token and not _SEQUENCE.fullmatch(page_token):
        raise OperatorError("that is no page token of events", "Start at the first page.")
    return int(page_token or 0)


def _show_next(token: str) -> None:
    if token:
        show_line(f"More: --page-token {token}")


def _account_json(account: Account) -> dict[str, Any]:
    return {
        "name": account.name,
        "display_name": account.display_name,
        "state": account.state.value,
        "create_time": _time(account.create_time),
    }


def _event_json(event: AccountEvent) -> dict[str, Any]:
    return {
        "sequence": event.sequence,
        "time": event.time.isoformat(),
        "account": event.account,
        "agent_id": event.agent_id,
        "event": event.event,
        "detail": event.detail,
    }


def _time(time: datetime) -> str:
    return time.isoformat(timespec="seconds")
