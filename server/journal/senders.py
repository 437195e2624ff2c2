"""Those who send streams: each is waited for, but not for more than half a minute, nor when the server stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final, TypeVar

from wire.catalogue import ServiceError

IDLE_SECONDS: Final = 30.0
"""Longest time between two parts of a stream."""

T = TypeVar("T")


class Senders:
    """Waits for what callers send. Belongs to the event loop that it is used on."""

    def __init__(self) -> None:
        self._ended = False
        self._waiting: set[asyncio.Timeout] = set()

    async def next_in_time(self, stream: AsyncIterator[T], late: ServiceError) -> T | None:
        """What a caller sends next; None at the end.

        Args:
            stream: what it sends.
            late: raised if nothing comes in time.

        Raises:
            ServiceError: ``late``; SHUTTING_DOWN, after ``end``.
        """
        self._require_running()
        limit = asyncio.timeout(IDLE_SECONDS)
        self._waiting.add(limit)
        try:
            async with limit:
                return await anext(stream, None)
        except TimeoutError:
            self._require_running()
            raise late from None
        finally:
            self._waiting.discard(limit)

    def end(self) -> None:
        """Wait for nobody any more, for the server stops."""
        self._ended = True
        for limit in self._waiting:
            if not limit.expired():
                limit.reschedule(0)

    def _require_running(self) -> None:
        if self._ended:
            raise ServiceError("SHUTTING_DOWN")
