"""Counts what is in flight, so that closing waits for it."""

from __future__ import annotations

from wire.catalogue import ServiceError
from wire.in_flight import InFlight


class Usage:
    """Whether an agent is open, and how many calls it is working on."""

    def __init__(self) -> None:
        self._in_flight = InFlight()
        self._closed = False

    def call(self) -> InFlight:
        """Return a context for one call. Raises ServiceError (AGENT_CLOSED)."""
        if self._closed:
            raise ServiceError("AGENT_CLOSED")
        return self._in_flight

    async def end(self) -> None:
        """Let no call begin, and wait for those under way."""
        self._closed = True
        await self._in_flight.wait_idle()
