"""Places for transfers: each holds some segments in memory, so there is a bound on how many run at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from wire.catalogue import ServiceError


class Places:
    """Counts transfers under way.

    Args:
        capacity: how many there may be.
        capacity_of_account: how many of them may be one account's in one session, so that none starves the others.
    """

    def __init__(self, *, capacity: int, capacity_of_account: int) -> None:
        self._capacity = capacity
        self._capacity_of_account = capacity_of_account
        self._taken: Counter[tuple[str, str]] = Counter()

    @contextmanager
    def take(self, session_id: str, account: str) -> Iterator[None]:
        """Hold a place.

        Raises:
            ServiceError: OVERLOADED.
        """
        who = session_id, account
        if self._taken.total() >= self._capacity or self._taken[who] >= self._capacity_of_account:
            raise ServiceError("OVERLOADED")
        self._taken[who] += 1
        try:
            yield
        finally:
            self._taken[who] -= 1
            if not self._taken[who]:
                del self._taken[who]
