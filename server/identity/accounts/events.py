"""What is recorded of accounts: every registration, login, failure, lock, revocation and certificate. No secrets."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection

from server.identity.accounts import lockout
from server.identity.store import events as store
from server.journal import Caller


class Event(StrEnum):
    """What happened."""

    REGISTERED = "registered"
    ABANDONED = "abandoned"
    FACTOR_ADDED = "factor_added"
    FACTOR_CONFIRMED = "factor_confirmed"
    FACTOR_REMOVED = "factor_removed"
    CODE_SENT = "code_sent"
    PASSWORD_ACCEPTED = "password_accepted"  # noqa: S105  # the name of an event
    PASSWORD_FAILED = "password_failed"  # noqa: S105
    PASSWORD_CHANGED = "password_changed"  # noqa: S105
    FACTOR_FAILED = "factor_failed"
    LOCKED = "locked"
    AGENT_LOCKED = "agent_locked"
    UNLOCKED = "unlocked"
    LOGGED_IN = "logged_in"
    LOGIN_REVOKED = "login_revoked"
    POSSESSION_PROVEN = "possession_proven"
    POSSESSION_FAILED = "possession_failed"
    CERTIFICATES_ISSUED = "certificates_issued"
    CERTIFICATES_REVOKED = "certificates_revoked"
    KEY_CHANGE_DECIDED = "key_change_decided"
    DEVICE_BLOCKED = "device_blocked"
    ADMINISTRATOR_ADDED = "administrator_added"
    ADMINISTRATOR_REMOVED = "administrator_removed"
    APPROVALS_SET = "approvals_set"
    DISABLED = "disabled"
    ENABLED = "enabled"


def record(
    connection: Connection, now: datetime, account: str, caller: Caller | None, event: Event, detail: str = ""
) -> None:
    """Append an event, in the transaction of what it tells.

    Args:
        connection: the transaction.
        now: the present time.
        account: to which account it happened, or under which name it was tried.
        caller: from where; None for the operator and the server itself.
        event: what happened.
        detail: which factor, login or certificate; until when; why. No secret.
    """
    store.add_event(connection, now, account, None if caller is None else caller.agent_id, event.value, detail)


def record_failure(connection: Connection, now: datetime, account: str, caller: Caller, event: Event) -> None:
    """Append a failure to log in, and the locks that it brought."""
    record(connection, now, account, caller, event)
    for locked, until in (
        (Event.LOCKED, lockout.lock_end(connection, account, now)),
        (Event.AGENT_LOCKED, lockout.lock_end_of_agent(connection, caller.agent_id, now)),
    ):
        if until is not None:
            record(connection, now, account, caller, locked, f"until {until.isoformat(timespec='seconds')}")
