"""Threads that work for event loops, and how their results come back: many with one wake-up.

Waking an event loop from another thread costs a system call and a round of the loop. Under load results come faster
than rounds; so a result that finds a wake-up on its way rides along with it.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar, TypeVarTuple
from weakref import WeakKeyDictionary

from server.storage.turns import TurnQueue, current_caller

A = TypeVarTuple("A")
T = TypeVar("T")

Step = Callable[[], None]
Failed = Callable[[Exception], None]


class Handover:
    """Hands outcomes over to futures of any event loop, from any thread."""

    def __init__(self) -> None:
        self._waiting: WeakKeyDictionary[asyncio.AbstractEventLoop, deque[tuple[asyncio.Future[Any], Any]]]
        self._waiting = WeakKeyDictionary()
        self._lock = threading.Lock()

    def hand_over(self, future: asyncio.Future[Any], outcome: object) -> None:
        """Make ``outcome`` the future's result, or its exception if it is one."""
        loop = future.get_loop()
        with self._lock:
            waiting = self._waiting.get(loop)
            on_its_way = waiting is not None
            if waiting is None:
                waiting = self._waiting[loop] = deque()
            waiting.append((future, outcome))
        if not on_its_way:
            try:
                loop.call_soon_threadsafe(self._arrive, loop)
            except RuntimeError:  # the loop is closed: nobody waits any more
                with self._lock:
                    self._waiting.pop(loop, None)

    def _arrive(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._lock:
            arrived = self._waiting.pop(loop)
        for future, outcome in arrived:
            if future.done():  # cancelled by its caller
                continue
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)


class Threads:
    """A fixed number of threads that work through a queue, in which callers take turns (``TurnQueue``).

    Args:
        count: at least 1.
        name: for thread names.
    """

    def __init__(self, count: int, name: str) -> None:
        self._steps: TurnQueue[tuple[Step, Failed]] = TurnQueue()
        self._handover = Handover()
        self._threads = [
            threading.Thread(target=self._run, name=f"{name}-{index}", daemon=True) for index in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def post(self, step: Step, failed: Failed, caller: str | None = None) -> None:
        """Have a step done in one of the threads; what it raises is given to ``failed``, there too.

        Args:
            step: what is done.
            failed: is given what it raised.
            caller: whose turn it takes; None: that of the call that this is called in, if it is in one.
        """
        self._steps.put((step, failed), current_caller.get() if caller is None else caller)

    async def run(self, function: Callable[[*A], T], *args: *A) -> T:
        """Call a function in one of the threads; its result, or what it raised, comes back here."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def step() -> None:
            if not future.cancelled():  # else nobody waits any more: the turn is the next one's
                self._handover.hand_over(future, function(*args))

        self.post(step, lambda error: self._handover.hand_over(future, error))
        return await future

    @property
    def waiting(self) -> int:
        """How many steps no thread has begun."""
        return len(self._steps)

    def close(self) -> None:
        """Finish what is queued and end the threads."""
        self._steps.end(len(self._threads))
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while (work := self._steps.get()) is not None:
            step, failed = work
            try:
                step()
            except Exception as error:  # noqa: BLE001  # carried to who waits as it is, not handled
                failed(error)
            del work, step, failed  # nothing of one caller stays while the thread waits
