"""What happens in mailboxes, for those who watch them. All methods are called on one event loop."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable

from wire.catalogue import ServiceError


class Bells:
    """One bell a mailbox: it rings when something comes.

    A watcher looks at the count before it looks into the mailbox, and then waits for another count: what comes in
    between is not missed.
    """

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], int] = defaultdict(int)
        self._rung = asyncio.Condition()
        self.ended = False

    def count(self, session_id: str, recipient: str) -> int:
        """How often the bell has rung."""
        return self._counts.get((session_id, recipient), 0)

    async def ring(self, session_id: str, recipients: Iterable[str]) -> None:
        """Ring the bells of some mailboxes."""
        async with self._rung:
            for recipient in recipients:
                self._counts[session_id, recipient] += 1
            self._rung.notify_all()

    async def end(self) -> None:
        """Wake all who wait, for good."""
        async with self._rung:
            self.ended = True
            self._rung.notify_all()

    async def wait(self, session_id: str, recipient: str, count: int) -> None:
        """Return when the bell has rung more often than that.

        Raises:
            ServiceError: SHUTTING_DOWN.
        """
        async with self._rung:
            await self._rung.wait_for(lambda: self.ended or self.count(session_id, recipient) != count)
            if self.ended:
                raise ServiceError("SHUTTING_DOWN")
