"""Who administers an organisation, and how many of them must approve a grant: the operator's decisions.

What is decided stands among the events of accounts, under the organisation's name there.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from contract.trusteeship.grants import MAX_ADMINISTRATORS
from server.errors import OperatorError
from server.identity import AccountState, Event, find_account, record
from server.organisations import store
from server.organisations.register import require_organisation
from server.organisations.store import Organisation


def add_administrator(connection: Connection, organisation: str, account: str, now: datetime) -> Organisation:
    """Let an account administer an organisation. One that does already changes nothing.

    Raises:
        OperatorError: no such organisation; no such account, or it is not active; 64 administer it already.
    """
    found = require_organisation(connection, organisation)
    known = store.list_administrators(connection, organisation)
    if account in known:
        return found
    person = find_account(connection, account)
    if person is None or person.state is not AccountState.ACTIVE:
        raise OperatorError(f"there is no active account {account}", "See fourseal-server accounts.")
    if len(known) >= MAX_ADMINISTRATORS:
        raise OperatorError(f"{organisation} has {MAX_ADMINISTRATORS} administrators", "Remove one first.")
    store.add_administrator(connection, organisation, account, now)
    record(connection, now, found.owner, None, Event.ADMINISTRATOR_ADDED, account)
    return found


def remove_administrator(connection: Connection, organisation: str, account: str, now: datetime) -> Organisation:
    """Let an account administer no more, at once. It may leave fewer than must approve: then nobody can.

    Raises:
        OperatorError: no such organisation; the account does not administer it.
    """
    found = require_organisation(connection, organisation)
    if not store.drop_administrator(connection, organisation, account):
        raise OperatorError(f"{account} does not administer {organisation}", "See fourseal-server organisation show.")
    record(connection, now, found.owner, None, Event.ADMINISTRATOR_REMOVED, account)
    return found


def set_approvals(connection: Connection, organisation: str, approvals: int, now: datetime) -> Organisation:
    """How many administrators must approve each grant that is asked for from now on.

    Raises:
        OperatorError: no such organisation; not 1 to as many as administer it.
    """
    found = require_organisation(connection, organisation)
    there = len(store.list_administrators(connection, organisation))
    if not 1 <= approvals <= there:
        raise OperatorError(f"{organisation} has {there} administrators", "Give a number from 1 to that many.")
    store.put_approvals(connection, organisation, approvals)
    record(connection, now, found.owner, None, Event.APPROVALS_SET, str(approvals))
    return require_organisation(connection, organisation)
