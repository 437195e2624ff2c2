"""How often a PIN may be tried. All that decides about attempts stands here.

An attempt is counted before it is answered. The server cannot see whether the PIN was right: whoever had the right one
proves it afterwards, and then this attempt and those before it count no more. So an answer that is lost costs an
attempt, and a thief who tries in parallel gains nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil
from typing import Final

from wire.catalogue import ServiceError

MOST_ATTEMPTS: Final = 9
"""Attempts in a row; when the last one has not proved itself in time, there is nothing left to guess at."""
PROOF_TIME: Final = timedelta(minutes=2)
"""Time that the last attempt has for its proof."""
_LOCKS: Final = {3: timedelta(hours=3), 6: timedelta(hours=24)}


@dataclass(frozen=True, slots=True)
class Attempts:
    """Attempts at one guard.

    Args:
        counted: how many there were, ever.
        proven: number of the newest one that proved itself, and 0 before any.
        last_time: when the newest one was counted.
    """

    counted: int
    proven: int
    last_time: datetime

    @property
    def unproven(self) -> int:
        """How many in a row have not proved themselves."""
        return self.counted - self.proven

    def is_spent(self, now: datetime) -> bool:
        """Whether the last one is over and did not prove itself."""
        return self.unproven >= MOST_ATTEMPTS and now >= self.last_time + PROOF_TIME

    def count(self, now: datetime) -> Attempts:
        """One more.

        Raises:
            ServiceError: PIN_LOCKED.
        """
        unlock_time = self.last_time + self._lock()
        if now < unlock_time:
            raise ServiceError("PIN_LOCKED", retry_seconds=ceil((unlock_time - now).total_seconds()))
        return Attempts(self.counted + 1, self.proven, now)

    def prove(self, number: int) -> Attempts:
        """After the proof of an attempt; of one that another proof has overtaken it changes nothing."""
        return replace(self, proven=max(self.proven, number))

    def _lock(self) -> timedelta:
        if self.unproven >= MOST_ATTEMPTS:
            return PROOF_TIME  # then it is spent
        return _LOCKS.get(self.unproven, timedelta(0))
