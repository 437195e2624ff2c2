"""The newest segments of an upload, in memory for those who follow closely.

Who falls behind reads from the disk, where each segment is checked: that costs more than to relay it. So a sender waits
for the foremost of those who follow, but only for a moment with each segment: long enough for who can keep up, and too
short for anybody to hold an author up.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from wire.segments import Segment

KEPT_SEGMENTS: Final = 4
"""How many are kept."""
_PACE_SECONDS: Final = 0.01  # with each segment of 2 MiB: an author sends 200 MiB/s whoever follows


class RecentSegments:
    """Of one upload. Belongs to the event loop that it is used on."""

    def __init__(self) -> None:
        self._segments: deque[tuple[int, Segment]] = deque(maxlen=KEPT_SEGMENTS)
        self._wanted: dict[object, int] = {}  # by each who follows
        self._moved = asyncio.Event()

    def add(self, number: int, segment: Segment) -> None:
        """Keep a segment, the next one, in place of the oldest."""
        self._segments.append((number, segment))

    def forget(self, number: int) -> None:
        """Drop a segment and those after it."""
        while self._segments and self._segments[-1][0] >= number:
            self._segments.pop()

    def find(self, number: int) -> Segment | None:
        """A segment, if it is still there."""
        for kept, segment in self._segments:
            if kept == number:
                return segment
        return None

    @contextmanager
    def following(self) -> Iterator[object]:
        """Be one who follows; yields what ``want`` takes."""
        follower = object()
        try:
            yield follower
        finally:
            self._wanted.pop(follower, None)
            self._moved.set()

    def want(self, follower: object, number: int) -> None:
        """Say that somebody comes for a segment now, and wants none before it any more."""
        self._wanted[follower] = number
        self._moved.set()

    async def keep_pace(self, number: int) -> None:
        """Wait a moment, if segment ``number`` would push out what the foremost of those who follow has to read."""
        if self._has_room(number):
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(_PACE_SECONDS):
                while not self._has_room(number):
                    self._moved.clear()
                    await self._moved.wait()

    def _has_room(self, number: int) -> bool:
        return not self._wanted or number - max(self._wanted.values()) < KEPT_SEGMENTS
