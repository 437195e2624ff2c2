"""Threads for what is slow and comes from outside: so many work at a time, and so many may wait."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar, TypeVarTuple

from server.storage import Threads
from wire.catalogue import ServiceError

MOST_WAITING: Final = 64
"""Calls under way and waiting; more are refused."""

A = TypeVarTuple("A")
T = TypeVar("T")


class BoundedWorkers:
    """Threads with a bounded queue.

    Args:
        threads: who works.
    """

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        self._under_way = 0

    async def run(self, function: Callable[[*A], T], *args: *A) -> T:
        """Call a function in one of the threads.

        Raises:
            ServiceError: OVERLOADED.
        """
        if self._under_way >= MOST_WAITING:
            raise ServiceError("OVERLOADED")
        self._under_way += 1
        try:
            return await self._threads.run(function, *args)
        finally:
            self._under_way -= 1

    def close(self) -> None:
        """Finish what is queued and end the threads."""
        self._threads.close()
