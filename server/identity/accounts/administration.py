"""What the operator does with accounts. Works at once, also beside a running server."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from server.errors import OperatorError
from server.identity.accounts import lockout
from server.identity.accounts.events import Event, record
from server.identity.accounts.view import view_of
from server.identity.store import accounts as store
from server.identity.store import certificates as certificate_store
from server.identity.store import logins as login_store
from server.identity.store.accounts import Account, AccountState
from server.identity.store.certificates import RevocationReason


def disable_account(connection: Connection, name: str, now: datetime) -> Account:
    """Close an account: nobody can log in, and its logins end. Disabling again changes nothing.

    Raises:
        OperatorError: there is no such account.
    """
    if _find(connection, name).state is not AccountState.DISABLED:
        store.set_state(connection, name, AccountState.DISABLED)
        ended = login_store.drop_logins_of(connection, name)
        login_store.drop_challenges_of(connection, name)
        record(connection, now, name, None, Event.DISABLED, f"{ended} logins ended")
    return _find(connection, name)


def enable_account(connection: Connection, name: str, now: datetime) -> Account:
    """Open an account that was disabled. Enabling again changes nothing.

    Raises:
        OperatorError: there is no such account.
    """
    if _find(connection, name).state is AccountState.DISABLED:
        confirmed = view_of(connection, name).factors
        store.set_state(connection, name, AccountState.ACTIVE if confirmed else AccountState.AWAITING_FACTOR)
        record(connection, now, name, None, Event.ENABLED)
    return _find(connection, name)


def revoke_certificates(connection: Connection, name: str, reason: RevocationReason, now: datetime) -> None:
    """Revoke an account's pair of certificates. Every proof of possession of its logins is forgotten.

    It holds at once; a running server's list and answers tell it to whoever asks next.

    Raises:
        OperatorError: there is no such account, or it has no certificates.
    """
    _find(connection, name)
    if not certificate_store.revoke_all(connection, name, now, reason):
        raise OperatorError(f"{name} has no certificates that hold", "See fourseal-server accounts events.")
    login_store.drop_proofs(connection, name)
    record(connection, now, name, None, Event.CERTIFICATES_REVOKED, reason.value)


def unlock_account(connection: Connection, name: str, now: datetime) -> bool:
    """Forget the failures to log in under a name; whether there were any.

    Raises:
        OperatorError: there is no such account.
    """
    _find(connection, name)
    forgotten = lockout.forget(connection, name)
    if forgotten:
        record(connection, now, name, None, Event.UNLOCKED)
    return forgotten


def _find(connection: Connection, name: str) -> Account:
    account = store.find_account(connection, name)
    if account is None:
        raise OperatorError(f"there is no account {name}", "See fourseal-server accounts.")
    return account
