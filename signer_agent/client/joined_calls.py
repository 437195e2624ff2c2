"""How single items go to the other end: those that wait at the same time in one call, each with its own outcome.

What goes in one call costs it and us one call. An item that comes alone waits for nobody: it goes in the next round of
the event loop, unless enough calls are under way.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

_Item = TypeVar("_Item")
_Outcome = TypeVar("_Outcome")

Call = Callable[[list[_Item]], Awaitable[Sequence[_Outcome | Exception]]]
"""Makes a call for some items; returns an outcome for each, in order. What it raises is the outcome of all of them."""


class JoinedCalls(Generic[_Item, _Outcome]):
    """Joins items into calls. Belongs to the event loop that it was made on.

    Args:
        call: makes one call.
        calls: at most so many are under way at a time.
        room: how much goes in one call; an item that is larger goes alone.
        size_of: how much of that an item takes, more than 0.
    """

    def __init__(
        self, call: Call[_Item, _Outcome], *, calls: int, room: int, size_of: Callable[[_Item], int] = lambda _: 1
    ) -> None:
        self._call_for = call
        self._most_calls = calls
        self._room = room
        self._size_of = size_of
        self._waiting: deque[tuple[_Item, asyncio.Future[_Outcome | Exception]]] = deque()
        self._calls: set[asyncio.Task[None]] = set()

    def add(self, item: _Item) -> asyncio.Future[_Outcome | Exception]:
        """Have an item go with the next call. The future's result is its outcome, an exception if it has none.

        Whoever does not want it any more cancels the future: an item that waits is then left out; one that went may
        have been done nevertheless.
        """
        future: asyncio.Future[_Outcome | Exception] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        self._send()
        return future

    async def close(self) -> None:
        """End the calls under way, and cancel all who wait."""
        for _, future in self._waiting:
            future.cancel()
        self._waiting.clear()
        for call in self._calls:
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)

    def _send(self) -> None:
        if self._waiting and len(self._calls) < self._most_calls:
            call = asyncio.create_task(self._call())
            self._calls.add(call)
            call.add_done_callback(self._called)

    def _called(self, call: asyncio.Task[None]) -> None:
        self._calls.discard(call)
        self._send()  # those who came meanwhile

    async def _call(self) -> None:
        taken = self._take()
        if not taken:  # a call that began a moment before took all
            return
        outcomes: Sequence[_Outcome | Exception]
        try:
            outcomes = await self._call_for([item for item, _ in taken])
        except Exception as error:  # noqa: BLE001  # carried to all who wait as it is, not handled
            outcomes = [error] * len(taken)
        except asyncio.CancelledError:  # the loop ends, and with it all who wait
            for _, future in taken:
                future.cancel()
            raise
        for (_, future), outcome in zip(taken, outcomes, strict=True):
            if not future.done():
                future.set_result(outcome)

    def _take(self) -> list[tuple[_Item, asyncio.Future[_Outcome | Exception]]]:
        """Those who have waited longest and still do: so many as go in one call, one at least if any waits."""
        taken: list[tuple[_Item, asyncio.Future[_Outcome | Exception]]] = []
        room = self._room
        while self._waiting:
            item, future = self._waiting[0]
            if not future.done():
                room -= self._size_of(item)
                if taken and room < 0:
                    break
                taken.append((item, future))
            self._waiting.popleft()
        return taken
