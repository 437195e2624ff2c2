"""Lockout: how often somebody may fail to log in, under one name and from one agent.

* An attempt is counted before it is looked at, in a transaction of its own (``reserve``), and taken back if it was
  right (``refund``). So however many come at once, no more wrong ones are ever looked at than are allowed.
* From the fifth failure in a row on the name is locked: for 30 seconds, then for twice as long after each further
  failure, up to an hour. While it is locked every attempt is refused, the right password's too.
* An agent is locked in the same way from its thirtieth failure on, under whatever names: else it could try a few
  passwords with every name there is. A locked agent locks no names. Agents count by their names, not by certificates:
  a new ticket does not release.
* A complete login forgets all failures under its name (``settle``), and none of its agent: whoever guesses may have an
  account. Else one failure is forgotten for every hour, and of an agent for every ten minutes, without another.
* Names that are nobody's are locked as others are: the lock says nothing about who has an account.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from server.identity.store import accounts as store
from server.identity.store.accounts import Lockout
from wire.catalogue import ServiceError

ALLOWED_FAILURES: Final = 5
"""The failure under a name that locks it."""
ALLOWED_FAILURES_OF_AGENT: Final = 30
"""The failure from an agent that locks it: some people may share one, and all mistype."""
FIRST_LOCK: Final = timedelta(seconds=30)
LONGEST_LOCK: Final = timedelta(hours=1)
_DOUBLINGS: Final = 7  # 30 seconds, doubled so often, is more than an hour


@dataclass(frozen=True, slots=True)
class Bound:
    """How many failures are allowed.

    Args:
        allowed: the failure that locks.
        forget_after: time without a failure after which one is forgotten.
    """

    allowed: int
    forget_after: timedelta

    @property
    def most(self) -> int:
        """To count on would lock no longer, only forget more slowly."""
        return self.allowed + _DOUBLINGS

    def lock_end(self, failures: int, now: datetime) -> datetime | None:
        """Until when so many failures lock; None: they do not."""
        if failures < self.allowed:
            return None
        return now + min(FIRST_LOCK * (1 << (failures - self.allowed)), LONGEST_LOCK)

    def remembered(self, known: Lockout | None, now: datetime) -> int:
        """How many failures still count."""
        if known is None:
            return 0
        return max(0, known.failures - max(timedelta(0), now - known.failure_time) // self.forget_after)


NAME: Final = Bound(ALLOWED_FAILURES, timedelta(hours=1))
AGENT: Final = Bound(ALLOWED_FAILURES_OF_AGENT, timedelta(minutes=10))


def reserve(connection: Connection, name: str, agent_id: str, now: datetime) -> None:
    """Count an attempt as failed, until ``refund`` or ``settle`` say otherwise.

    Raises:
        ServiceError: TOO_MANY_FAILURES: of the agent; ACCOUNT_LOCKED: the name; and nothing is counted.
    """
    _reserve(connection, _of_agent(agent_id), AGENT, "TOO_MANY_FAILURES", now)
    _reserve(connection, name, NAME, "ACCOUNT_LOCKED", now)


def refund(connection: Connection, name: str, agent_id: str) -> None:
    """Take an attempt back that was right, and the lock that it would have caused."""
    _refund(connection, _of_agent(agent_id))
    _refund(connection, name)


def settle(connection: Connection, name: str, agent_id: str) -> None:
    """Forget every failure under a name, after a complete login; its agent's failures stay."""
    _refund(connection, _of_agent(agent_id))
    forget(connection, name)


def forget(connection: Connection, name: str) -> bool:
    """Forget every failure under a name; whether there were any."""
    return store.drop_lockout(connection, name)


def lock_end(connection: Connection, name: str, now: datetime) -> datetime | None:
    """Until when a name is locked; None if it is not."""
    known = store.find_lockout(connection, name)
    return known.lock_end if known is not None and known.lock_end is not None and known.lock_end > now else None


def lock_end_of_agent(connection: Connection, agent_id: str, now: datetime) -> datetime | None:
    """Until when an agent is locked; None if it is not."""
    return lock_end(connection, _of_agent(agent_id), now)


def drop_forgotten(connection: Connection, now: datetime) -> None:
    """Delete what has been forgotten for good."""
    store.drop_lockouts_before(connection, now - max(bound.forget_after * bound.most for bound in (NAME, AGENT)))


def _reserve(connection: Connection, key: str, bound: Bound, reason: str, now: datetime) -> None:
    known = store.find_lockout(connection, key)
    if known is not None and known.lock_end is not None and known.lock_end > now:
        seconds = -(-(known.lock_end - now) // timedelta(seconds=1))
        raise ServiceError(reason, retry_seconds=seconds)
    failures = min(bound.remembered(known, now) + 1, bound.most)
    store.put_lockout(connection, Lockout(key, failures, now, bound.lock_end(failures, now)))


def _refund(connection: Connection, key: str) -> None:
    known = store.find_lockout(connection, key)
    if known is None:
        return
    if known.failures <= 1:
        store.drop_lockout(connection, key)
    else:
        store.put_lockout(connection, replace(known, failures=known.failures - 1, lock_end=None))


def _of_agent(agent_id: str) -> str:
    """The key of an agent's failures. A space is in no account's name."""
    return f"agent {agent_id}"
