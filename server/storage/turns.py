"""A queue in which callers take turns: who has much waiting there does not make others wait for all of it.

First come, first served would let one caller fill the queue with all that it may have under way. Here each caller has a
queue of its own, and the next item comes from the caller whose turn was longest ago. Who comes with one item waits for
one of each other caller that has any, however many they have.
"""

from __future__ import annotations

import queue
import threading
from collections import OrderedDict, deque
from contextvars import ContextVar
from typing import Final, Generic, TypeVar

T = TypeVar("T")

NOBODY: Final = "-"

current_caller: ContextVar[str] = ContextVar("fourseal_caller", default=NOBODY)
"""Name of the agent for which this call's work is done; each call runs in a context of its own."""


class TurnQueue(Generic[T]):
    """Items of callers, of each in order. Safe to use from several threads."""

    def __init__(self) -> None:
        self._items: OrderedDict[str, deque[T]] = OrderedDict()  # of callers that have some; the next turn first
        self._lock = threading.Lock()
        self._tokens: queue.SimpleQueue[None] = queue.SimpleQueue()  # one an item, and one for each ``end``

    def put(self, item: T, caller: str) -> None:
        """Queue an item of a caller."""
        with self._lock:
            self._items.setdefault(caller, deque()).append(item)
        self._tokens.put(None)

    def get(self) -> T | None:
        """Wait for an item and take it; None if there is none and will be none, see ``end``."""
        self._tokens.get()
        with self._lock:
            if not self._items:
                return None
            caller, items = self._items.popitem(last=False)
            item = items.popleft()
            if items:
                self._items[caller] = items
            return item

    def end(self, takers: int) -> None:
        """Let each of so many who take items get None, once all items are taken. Nothing may be put any more."""
        for _ in range(takers):
            self._tokens.put(None)

    def __len__(self) -> int:
        return self._tokens.qsize()
