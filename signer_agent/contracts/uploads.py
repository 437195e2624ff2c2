"""An upload: one envelope's segments to the media server or the evidence server, going on where a stream broke.

Segments are sealed on a worker thread while those before them are on their way. The last few stay in memory: after a
break the server mostly lacks only some of these. If it lacks more, the source is read again from its beginning.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Final, Generic, Protocol, TypeVar

from mpc.errors import FoursealError
from signer_agent.contracts.envelopes import BATCH_SEGMENTS, ContentSealing
from wire.catalogue import ServiceError
from wire.segments import Segment
from wire.streams import STREAM_SECONDS, Post, StreamCut, is_break

OnProgress = Callable[[int], None]
"""Is told how many bytes of the content have been sent; on the thread of the event loop."""

_KEPT_SEGMENTS: Final = 2 * BATCH_SEGMENTS
_ALL: Final = -1
_MAX_FRUITLESS: Final = 5  # breaks one after the other without a segment in between
_SENDING_SECONDS: Final = 0.75 * STREAM_SECONDS  # of a stream; after that another one goes on, so that none is cut off

_Part = TypeVar("_Part")
_Answer = TypeVar("_Answer")


class Destination(Protocol[_Part, _Answer]):
    """Where an upload goes, and what its streams consist of."""

    async def segments_there(self) -> int:
        """How many segments are there already, from the first on. Raises RemoteError."""

    def post(self) -> AbstractAsyncContextManager[Post[_Part, _Answer]]:
        """A stream, under way while the context lasts. Raises RemoteError, perhaps a break (``is_break``)."""

    async def start(self, segment: int) -> _Part:
        """What a stream begins with that goes on with the segment of that number, from 0. Raises ServiceError."""

    def part(self, segment: Segment) -> _Part:
        """A segment as it travels."""


class Upload(Generic[_Part, _Answer]):
    """One upload. Belongs to the event loop that it was made on.

    Args:
        destination: where it goes.
        begin: begins to seal the content, from its first segment; blocks.
        repeatable: whether ``begin`` can be called again.
        finish: makes the part that ends the upload; called once.
        on_progress: see ``OnProgress``.
    """

    def __init__(
        self,
        destination: Destination[_Part, _Answer],
        begin: Callable[[], ContentSealing],
        *,
        repeatable: bool,
        finish: Callable[[ContentSealing], Awaitable[_Part]],
        on_progress: OnProgress,
    ) -> None:
        self._destination = destination
        self._begin = begin
        self._repeatable = repeatable
        self._make_finish = finish
        self._on_progress = on_progress
        self._content: ContentSealing | None = None
        self._kept: deque[tuple[int, Segment]] = deque(maxlen=_KEPT_SEGMENTS)
        self._ahead: asyncio.Task[list[Segment]] | None = None
        self._finish: _Part | None = None

    async def run(self, first: int) -> _Answer:
        """Send everything.

        Args:
            first: number of the first segment that is not there.

        Raises:
            FoursealError: of the source, of ``finish``, or what the server answered; SOURCE_NOT_REPEATABLE.
        """
        fruitless = 0
        limits: list[int] = []  # of segments, for the next streams
        try:
            while True:
                try:
                    return await self._stream(first, limits.pop(0) if limits else _ALL)
                except FoursealError as error:
                    if not is_break(error):
                        raise
                    if fruitless == _MAX_FRUITLESS:
                        raise StreamCut from error
                    if isinstance(error, StreamCut):
                        limits = [0, 1]  # short streams, which learn why they are refused
                there = await self._destination.segments_there()
                fruitless = 0 if there > first else fruitless + 1
                first = there
        finally:
            await self._stop()

    async def _stream(self, first: int, limit: int) -> _Answer:
        """One stream, of some segments. Raises as ``run``, and if it was over before the content: another goes on."""
        loop = asyncio.get_running_loop()
        end = loop.time() + _SENDING_SECONDS
        async with self._destination.post() as post:
            await post.write(await self._destination.start(first))
            number = first
            while (segment := await self._segment(number)) is not None:
                if number - first == limit or loop.time() >= end:
                    return await post.answer()  # which says that this was not all
                await post.write(self._destination.part(segment))
                number += 1
            await post.write(await self._finish_of())
            return await post.answer()

    async def _segment(self, number: int) -> Segment | None:
        """The sealed segment of that number; None beyond the last."""
        if self._content is None or (self._kept and number < self._kept[0][0]):
            await self._begin_again()
        while True:
            for kept_number, segment in self._kept:
                if kept_number == number:
                    return segment
            if not await self._seal_more():
                return None

    async def _begin_again(self) -> None:
        if self._content is not None and not self._repeatable:
            raise ServiceError("SOURCE_NOT_REPEATABLE", problem="the connection broke")
        await self._stop()
        self._kept.clear()
        self._content = await asyncio.to_thread(self._begin)

    async def _seal_more(self) -> bool:
        """Take the next batch, and let the one after it be sealed meanwhile. False at the end."""
        content = self._content
        if content is None:
            return False
        ahead, self._ahead = self._ahead, None
        first = self._kept[-1][0] + 1 if self._kept else 0
        batch = await (ahead or asyncio.to_thread(content.next_batch))
        self._kept.extend((first + index, segment) for index, segment in enumerate(batch))
        self._on_progress(content.length)
        if not content.ended:
            self._ahead = asyncio.create_task(asyncio.to_thread(content.next_batch))
        return bool(batch)

    async def _finish_of(self) -> _Part:
        if self._finish is None:
            content = self._content
            if content is None or not content.ended:
                raise AssertionError("the content has not ended")
            self._finish = await self._make_finish(content)
        return self._finish

    async def _stop(self) -> None:
        """Let go of the source, after what is being sealed."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            await asyncio.gather(ahead, return_exceptions=True)
        if self._content is not None:
            self._content.close()
            self._content = None
