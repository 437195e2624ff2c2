"""Items of any number through calls that take some at a time: several calls under way, what is held bounded.

Items are taken from the iterable as far ahead as the calls need, and those that wait at the same time go in one call
(``JoinedCalls``). Outcomes come in the order of the items. What waiting helps against is tried again here, with the
same items, so with the same request ids: what was done is not done twice.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing, suppress
from functools import partial
from typing import Final, TypeVar

import grpc

from mpc.errors import FoursealError
from signer_agent.client.joined_calls import JoinedCalls
from wire.status import RemoteError

CALLS: Final = 4
"""Under way at a time: our half of some is computed while the server works for others."""

ITEMS: Final = 64
"""In one call at most. All calls together take half of what a server does for one caller at a time, by default."""

AHEAD: Final = 2 * CALLS * ITEMS
"""Items that were taken and whose outcomes were not: the next calls are full when those under way end."""

_PATIENCE_SECONDS: Final = 60.0
_FIRST_PAUSE_SECONDS: Final = 0.2
_LONGEST_PAUSE_SECONDS: Final = 5.0
_AGAIN: Final = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)

_Item = TypeVar("_Item")
_Outcome = TypeVar("_Outcome")

Batch = Callable[[Sequence[_Item]], Awaitable[Sequence[_Outcome | FoursealError]]]
"""Makes one call; returns an outcome for each item, in order. A FoursealError that it raises is that of all of them."""


async def pipelined(
    items: Iterable[_Item] | AsyncIterable[_Item], batch: Batch[_Item, _Outcome]
) -> AsyncGenerator[tuple[_Item, _Outcome | FoursealError]]:
    """Yield each item with its outcome, in order. Raises what the iterable raises, after the outcomes before it.

    Args:
        items: read on a thread of its own unless it is asynchronous: it may block.
        batch: makes one call; an item may come again where that is harmless.
    """
    joined: JoinedCalls[_Item, _Outcome] = JoinedCalls(partial(patiently, batch), calls=CALLS, room=ITEMS)
    room = asyncio.Semaphore(AHEAD)
    under_way: asyncio.Queue[tuple[_Item, asyncio.Future[_Outcome | Exception]] | None] = asyncio.Queue()

    async def feed() -> None:
        async with aclosing(_read(items)) as read:
            async for item in read:
                await room.acquire()
                under_way.put_nowait((item, joined.add(item)))

    feeding = asyncio.create_task(feed())
    feeding.add_done_callback(lambda _: under_way.put_nowait(None))
    try:
        while (next_one := await under_way.get()) is not None:
            item, future = next_one
            outcome = await future
            if isinstance(outcome, Exception) and not isinstance(outcome, FoursealError):
                raise outcome
            room.release()
            yield item, outcome
        await feeding
    finally:
        feeding.cancel()
        await asyncio.gather(feeding, joined.close(), return_exceptions=True)


async def patiently(batch: Batch[_Item, _Outcome], items: Sequence[_Item]) -> list[_Outcome | FoursealError]:
    """Make a call, and make it again for those items that were refused for now; for a minute at most.

    A refusal is one for now if it says after what time another try makes sense (OVERLOADED), if the server was
    unavailable, or if a deadline passed.
    """
    loop, pause = asyncio.get_running_loop(), _FIRST_PAUSE_SECONDS
    end = loop.time() + _PATIENCE_SECONDS
    outcomes: dict[int, _Outcome | FoursealError] = {}
    waiting = dict(enumerate(items))
    while True:
        outcomes.update(zip(waiting, await _outcomes(batch, list(waiting.values())), strict=True))
        refusals = [pause]
        for place in list(waiting):
            seconds = _seconds_to_wait(outcomes[place])
            if seconds is None:
                del waiting[place]
            else:
                refusals.append(seconds)
        wait = max(refusals) * random.uniform(1.0, 1.5)  # noqa: S311  # so that many callers do not come back at once
        if not waiting or loop.time() + wait > end:
            return [outcomes[place] for place in range(len(items))]
        await asyncio.sleep(wait)
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


async def _outcomes(batch: Batch[_Item, _Outcome], items: Sequence[_Item]) -> Sequence[_Outcome | FoursealError]:
    try:
        return await batch(items)
    except FoursealError as error:
        return [error] * len(items)


def _seconds_to_wait(outcome: object) -> float | None:
    """How long to wait at least before another try; None if none is to be made."""
    if not isinstance(outcome, RemoteError):
        return None
    return 0.0 if outcome.retry_seconds is None and outcome.code in _AGAIN else outcome.retry_seconds


async def _read(items: Iterable[_Item] | AsyncIterable[_Item]) -> AsyncGenerator[_Item]:
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield item
        return
    async with aclosing(_read_on_thread(items)) as read:
        async for item in read:
            yield item


async def _read_on_thread(items: Iterable[_Item]) -> AsyncGenerator[_Item]:
    loop = asyncio.get_running_loop()
    arrived: asyncio.Queue[tuple[_Item] | Exception | None] = asyncio.Queue()
    room, stopped = threading.Semaphore(ITEMS), threading.Event()

    def hand_over(what: tuple[_Item] | Exception | None) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(arrived.put_nowait, what)

    def read() -> None:
        try:
            for item in items:
                hand_over((item,))
                room.acquire()
                if stopped.is_set():
                    return
        except Exception as error:  # noqa: BLE001  # carried to who waits as it is, not handled
            hand_over(error)
        else:
            hand_over(None)

    threading.Thread(target=read, name="fourseal-reader", daemon=True).start()
    try:
        while (what := await arrived.get()) is not None:
            if isinstance(what, Exception):
                raise what
            yield what[0]
            room.release()
    finally:
        stopped.set()
        room.release()
