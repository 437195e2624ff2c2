"""Places for transfers and watches: each holds memory, so there is a bound on how many run at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from wire.catalogue import ServiceError


class Places:
    """Counts what is under way of one sort.

    Args:
        capacity: how many there may be.
        capacity_of_account: how many of them may be one account's, in all its sessions: so none starves others.
    """

    def __init__(self, *, capacity: int, capacity_of_account: int) -> None:
        self._capacity = capacity
        self._capacity_of_account = capacity_of_account
        self._taken: Counter[str] = Counter()

    @contextmanager
    def take(self, account: str) -> Iterator[None]:
        """Hold a place.

        Raises:
            ServiceError: OVERLOADED.
        """
        if self._taken.total() >= self._capacity or self._taken[account] >= self._capacity_of_account:
            raise ServiceError("OVERLOADED")
        self._taken[account] += 1
        try:
            yield
        finally:
            self._taken[account] -= 1
            if not self._taken[account]:
                del self._taken[account]
