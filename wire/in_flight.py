"""Calls in flight, for an end that waits for them."""

from __future__ import annotations

import asyncio
from typing import Final

from wire.catalogue import ServiceError

_QUIET_SECONDS: Final = 0.05


class InFlight:
    """Counts calls, and knows when there is none left."""

    def __init__(self) -> None:
        self._count = 0
        self._seen = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self.refusing = False
        """Set at shutdown: new calls are then refused with SHUTTING_DOWN."""

    def __enter__(self) -> None:
        self._seen += 1
        self._admit()
        self._count += 1
        self._idle.clear()

    def __exit__(self, *_: object) -> None:
        self._count -= 1
        if not self._count:
            self._idle.set()

    async def wait_idle(self) -> None:
        """Return when no call is in flight."""
        await self._idle.wait()

    async def wait_quiet(self) -> None:
        """Return when no call is in flight, and for a twentieth of a second none has come.

        Calls wait for their turn inside gRPC, where they cannot be counted. When a listener closes, gRPC cuts them off
        without a word; so while they come they are still taken, to be refused.
        """
        seen = -1
        while seen != self._seen:
            seen = self._seen
            await self.wait_idle()
            await asyncio.sleep(_QUIET_SECONDS)

    def _admit(self) -> None:
        """Raise ServiceError unless one more call may begin."""
        if self.refusing:
            raise ServiceError("SHUTTING_DOWN")
