"""Lockout: how often somebody may fail to log in under a name.

* An attempt is counted before it is looked at, in a transaction of its own (``reserve``), and taken back if it was
  right (``refund``). So however many come at once, no more than five wrong ones are ever looked at.
* From the fifth failure in a row on the name is locked: for 30 seconds, then for twice as long after each further
  failure, up to an hour. While it is locked every attempt is refused, the right password's too.
* A complete login forgets all failures (``forget``). Else one is forgotten for every hour that passes without another.
* Names that are nobody's are locked as others are: the lock says nothing about who has an account.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from server.identity.store import accounts as store
from server.identity.store.accounts import Lockout
from wire.catalogue import ServiceError

ALLOWED_FAILURES: Final = 5
"""The failure that locks."""
FIRST_LOCK: Final = timedelta(seconds=30)
LONGEST_LOCK: Final = timedelta(hours=1)
FORGET_AFTER: Final = timedelta(hours=1)
"""Time without a failure after which one is forgotten."""
_DOUBLINGS: Final = 7  # 30 seconds, doubled so often, is more than an hour
_MOST_FAILURES: Final = ALLOWED_FAILURES + _DOUBLINGS  # to count on would lock no longer, only forget more slowly


def reserve(connection: Connection, name: str, now: datetime) -> None:
    """Count an attempt as failed, until ``refund`` or ``forget`` say otherwise.

    Raises:
        ServiceError: ACCOUNT_LOCKED, and nothing is counted.
    """
    known = store.find_lockout(connection, name)
    if known is not None and known.lock_end is not None and known.lock_end > now:
        seconds = -(-(known.lock_end - now) // timedelta(seconds=1))
        raise ServiceError("ACCOUNT_LOCKED", retry_seconds=seconds)
    failures = min(_remembered(known, now) + 1, _MOST_FAILURES)
    store.put_lockout(connection, Lockout(name, failures, now, _lock_end(failures, now)))


def refund(connection: Connection, name: str) -> None:
    """Take an attempt back that was right, and the lock that it would have caused."""
    known = store.find_lockout(connection, name)
    if known is None:
        return
    if known.failures <= 1:
        store.drop_lockout(connection, name)
    else:
        store.put_lockout(connection, replace(known, failures=known.failures - 1, lock_end=None))


def forget(connection: Connection, name: str) -> bool:
    """Forget every failure under a name; whether there were any."""
    return store.drop_lockout(connection, name)


def lock_end(connection: Connection, name: str, now: datetime) -> datetime | None:
    """Until when a name is locked; None if it is not."""
    known = store.find_lockout(connection, name)
    return known.lock_end if known is not None and known.lock_end is not None and known.lock_end > now else None


def drop_forgotten(connection: Connection, now: datetime) -> None:
    """Delete what has been forgotten for good."""
    store.drop_lockouts_before(connection, now - FORGET_AFTER * _MOST_FAILURES)


def _remembered(known: Lockout | None, now: datetime) -> int:
    if known is None:
        return 0
    return max(0, known.failures - max(timedelta(0), now - known.failure_time) // FORGET_AFTER)


def _lock_end(failures: int, now: datetime) -> datetime | None:
    if failures < ALLOWED_FAILURES:
        return None
    return now + min(FIRST_LOCK * (1 << (failures - ALLOWED_FAILURES)), LONGEST_LOCK)
