"""What was read and never changes, kept in memory as long as it is among the last that were used."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Newest(Generic[K, V]):
    """A cache of least recent use. Any thread may ask.

    Args:
        capacity: how many stay in memory, at least 1.
    """

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError("capacity must be at least 1")
        self._capacity = capacity
        self._lock = threading.Lock()
        self._known: OrderedDict[K, V] = OrderedDict()

    def find(self, key: K, load: Callable[[], V]) -> V:
        """What is known for a key, or else what ``load`` finds. What that raises is raised, and not remembered."""
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        loaded = load()
        with self._lock:
            self._known[key] = loaded
            if len(self._known) > self._capacity:
                self._known.popitem(last=False)
        return loaded
