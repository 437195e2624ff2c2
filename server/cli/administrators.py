"""``fourseal-server organisation administrator`` and ``policy``: who decides about grants of an organisation's keys."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from server.cli.database import in_database
from server.cli.output import show_json, show_line, show_table
from server.clock import system_clock
from server.organisations import (
    Organisation,
    add_administrator,
    list_administrators,
    remove_administrator,
    require_organisation,
    set_approvals,
)
from server.root.home import Home

_Read = tuple[Organisation, dict[str, datetime]]


def add(home: Home, name: str, account: str, *, as_json: bool) -> None:
    """Let an account administer."""
    now = system_clock()
    in_database(home, lambda connection: add_administrator(connection, name, account, now))
    _show(home, name, f"{account} administers {name}.", as_json=as_json)


def remove(home: Home, name: str, account: str, *, as_json: bool) -> None:
    """Let an account administer no more."""
    now = system_clock()
    in_database(home, lambda connection: remove_administrator(connection, name, account, now))
    _show(home, name, f"{account} does not administer {name} any more.", as_json=as_json)


def policy(home: Home, name: str, approvals: int, *, as_json: bool) -> None:
    """How many must approve."""
    now = system_clock()
    in_database(home, lambda connection: set_approvals(connection, name, approvals, now))
    _show(home, name, f"{approvals} of the administrators of {name} must approve a grant.", as_json=as_json)


def administrators(home: Home, name: str, *, as_json: bool) -> None:
    """List them."""
    organisation, found = in_database(home, partial(_read, name=name))
    if as_json:
        show_json(_json(organisation, found))
        return
    rows = [(account, since.isoformat(timespec="seconds")) for account, since in found.items()]
    show_table(f"Administrators of {name}", ("account", "since"), rows)


def _show(home: Home, name: str, done: str, *, as_json: bool) -> None:
    organisation, found = in_database(home, partial(_read, name=name))
    if as_json:
        show_json(_json(organisation, found))
        return
    show_line(done)
    if len(found) < organisation.approvals:
        show_line(f"{organisation.approvals} must approve a grant, and there are {len(found)}: none can be approved.")


def _read(connection: Connection, name: str) -> _Read:
    return require_organisation(connection, name), list_administrators(connection, name)


def _json(organisation: Organisation, found: dict[str, datetime]) -> dict[str, object]:
    return {
        "organisation": organisation.name,
        "approvals": organisation.approvals,
        "administrators": [
            {"account": account, "add_time": since.isoformat(timespec="seconds")} for account, since in found.items()
        ],
    }
