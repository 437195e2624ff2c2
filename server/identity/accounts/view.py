"""An account as its owner sees it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from server.identity.store import accounts, factors
from server.identity.store.accounts import Account
from server.identity.store.factors import SecondFactor
from wire.catalogue import ServiceError


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account, and the second factors that it can be logged in to with."""

    account: Account
    factors: tuple[SecondFactor, ...]


def view_of(connection: Connection, name: str) -> AccountView:
    """The account of that name.

    Raises:
        ServiceError: LOGIN_FAILED: there is none by now.
    """
    account = accounts.find_account(connection, name)
    if account is None:
        raise ServiceError("LOGIN_FAILED")
    return AccountView(account, tuple(each for each in factors.list_factors(connection, name) if each.confirmed))
