"""The register of organisations."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from contract.names import check_account_name, check_display_name
from mpc.errors import MalformedInput
from server.errors import OperatorError
from server.organisations import store
from server.organisations.store import Organisation


def register_organisation(connection: Connection, name: str, display_name: str, now: datetime) -> Organisation:
    """Register an organisation, in a transaction.

    Args:
        connection: the transaction.
        name: as of accounts: 1 to 63 characters of [a-z0-9._-].
        display_name: 1 to 64 characters; stands in its certificates.
        now: the present time.

    Raises:
        OperatorError: it is no such name, or there is one of that name.
        MalformedInput: DISPLAY_NAME_MALFORMED.
    """
    try:
        check_account_name(name)
    except MalformedInput:
        text = "an organisation's name has 1 to 63 characters of [a-z0-9._-] and begins and ends with one of [a-z0-9]"
        raise OperatorError(text, "Take such a name; --display-name is for people.") from None
    if store.find_organisation(connection, name) is not None:
        raise OperatorError(f"the organisation {name} is registered", "Take another name.")
    made = Organisation(name, check_display_name(display_name), now)
    store.add_organisation(connection, made)
    return made


def require_organisation(connection: Connection, name: str) -> Organisation:
    """The organisation of that name.

    Raises:
        OperatorError: there is none.
    """
    found = store.find_organisation(connection, name)
    if found is None:
        raise OperatorError(f"there is no organisation {name}", "See fourseal-server organisation list.")
    return found
