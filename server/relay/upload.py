"""An upload under way: what was taken and written so far, who sends, and who follows.

It has one sender: another stream for the same envelope takes its place, for the first one may hang in a connection that
is dead.

What is on the disk when: segments are passed on as they come, written a few at a time, and forced to the disk every 32,
when the author asks how far the upload is, and at the finish. So what ``GetUpload`` promises outlives a power failure;
what lies beyond may be lost. Then who follows has segments that the author sends again. They are the same: an author
that sends others instead makes an envelope whose content does not hold. After a crash the checks of the records decide,
not the length of the file (``content``).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Final

from contract.envelope import EnvelopeHeader
from contract.stream import SEALED_SEGMENT_BYTES
from server.relay.content import Content
from server.relay.recent import KEPT_SEGMENTS, RecentSegments
from server.relay.store import Envelope
from server.storage import Threads
from wire.catalogue import ServiceError
from wire.segments import Segment

_BATCH_SEGMENTS: Final = 2
"""Segments that one visit to a thread writes: while they are written as many come."""
_GATHER_SECONDS: Final = 0.02  # so long the first of them waits for the others
_FLUSH_SEGMENTS: Final = 32  # are forced to the disk meanwhile, so that the end has not to wait for all


@dataclass(slots=True)
class Progress:
    """How far an unfinished upload is. Kept while it is not open, so that nothing is checked twice.

    Args:
        content_bytes: content ciphertext in the file.
        segments: how many hold; None: this process has not looked yet.
        last_length: bytes of the last one; shorter than the others only if nothing can follow.
    """

    content_bytes: int = 0
    segments: int | None = None
    last_length: int = SEALED_SEGMENT_BYTES

    def add(self, length: int) -> None:
        """Count a segment."""
        self.segments = (self.segments or 0) + 1
        self.content_bytes += length
        self.last_length = length

    def take_back(self, segments: Collection[Segment]) -> None:
        """Do not count the newest ones any more, unless all were forgotten."""
        if segments and self.segments:
            self.segments -= len(segments)
            self.content_bytes -= sum(map(len, segments))
            self.last_length = SEALED_SEGMENT_BYTES

    def forget(self) -> None:
        """Begin again, when the file is opened the next time."""
        self.content_bytes, self.segments, self.last_length = 0, 0, SEALED_SEGMENT_BYTES


class Upload:
    """One upload. Belongs to the event loop that it was made on.

    Args:
        envelope: its row.
        content: its file.
        segments: how many are there.
        progress: is kept up to date.
        files: threads for the file.
    """

    def __init__(self, envelope: Envelope, content: Content, segments: int, progress: Progress, files: Threads) -> None:
        self.envelope = envelope
        self.recipients = recipients_of(envelope)
        self.segments = segments
        self.recent = RecentSegments()
        self.finished: Envelope | None = None
        self.finishing = False
        """Whether it is being finished: nothing more is taken."""
        self.abandoned = False
        self.left: ServiceError | None = None
        """Why followers are sent away."""
        self._content = content
        self._progress = progress
        self._files = files
        self._sender: object = None
        self._changed = asyncio.Event()
        self._unwritten: deque[Segment] = deque()
        self._hurry = asyncio.Event()
        self._writing: asyncio.Task[None] | None = None
        self._failed: Exception | None = None

    @asynccontextmanager
    async def sending(self) -> AsyncIterator[object]:
        """Be the sender, until another one comes; what was taken is written before anything else is."""
        me = object()
        self._sender = me
        await self._quiet()
        self._failed = None  # the sender that it belonged to has heard of it, or has gone
        try:
            yield me
        finally:
            if self._sender is me:
                await self._quiet()

    async def append(self, sender: object, segment: Segment) -> None:
        """Take the next segment, once there is room for it. Followers have it at once, the disk with those after it.

        Raises:
            ServiceError: UPLOAD_TAKEN_OVER, UPLOAD_ABANDONED, CONTENT_UNWRITABLE.
        """
        while len(self._unwritten) == KEPT_SEGMENTS:  # those that are not written must be in memory
            await self._change()
        await self.recent.keep_pace(self.segments)
        self._require_going_on(sender)
        self.recent.add(self.segments, segment)
        self._unwritten.append(segment)
        self.segments += 1
        self._progress.add(len(segment))
        if len(self._unwritten) >= _BATCH_SEGMENTS:
            self._hurry.set()
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        self._changed.set()

    def require_sender(self, sender: object) -> None:
        """Raise ServiceError (UPLOAD_TAKEN_OVER) unless it is still the sender, and something can be sent."""
        if self._sender is not sender or self.finishing or self.finished is not None:
            raise ServiceError("UPLOAD_TAKEN_OVER", envelope_id=self.envelope.envelope_id)

    async def settle(self, sender: object) -> None:
        """Wait until all that was taken is written. Raises as ``append``."""
        await self._written()
        self._require_going_on(sender)

    async def flush(self) -> int:
        """Have all that was taken on the disk. Returns how many segments. Raises ServiceError (CONTENT_UNWRITABLE)."""
        await self._written()
        written = self._written_segments
        await self._on_disk(self._content.flush)
        return written

    async def seal(self) -> None:
        """As ``flush``, and nothing follows the last segment. Raises ServiceError (CONTENT_UNWRITABLE)."""
        await self._on_disk(partial(self._content.settle, self.segments, self.content_bytes))

    def end(self, finished: Envelope | None) -> None:
        """Tell followers that it was finished, or (None) abandoned."""
        self.finished, self.abandoned = finished, finished is None
        self._changed.set()

    def leave(self, why: ServiceError) -> None:
        """Send followers away."""
        self.left = why
        self._changed.set()

    async def wait_beyond(self, segments: int) -> None:
        """Return when there are more segments than that, or there will be none."""
        while not (self.segments > segments or self.ended):
            await self._change()

    @property
    def content_bytes(self) -> int:
        """Bytes of content ciphertext that are there."""
        return self._progress.content_bytes

    @property
    def accepts_more(self) -> bool:
        """Whether a segment may follow: only the last one is shorter than the others."""
        return self._progress.last_length == SEALED_SEGMENT_BYTES

    @property
    def ended(self) -> bool:
        """Whether nothing more comes to followers."""
        return self.left is not None or self.abandoned or self.finished is not None

    async def read(self, number: int) -> Segment:
        """A segment that is there. Raises ServiceError (CONTENT_LOST)."""
        recent = self.recent.find(number)
        return recent if recent is not None else await self._files.run(self._content.read, number)

    def close(self) -> None:
        """Close the file."""
        self._content.close()

    @property
    def _written_segments(self) -> int:
        return self.segments - len(self._unwritten)

    def _require_going_on(self, sender: object) -> None:
        self.require_sender(sender)
        if self._failed is not None:
            raise self._failed
        if self.abandoned:
            raise ServiceError("UPLOAD_ABANDONED", envelope_id=self.envelope.envelope_id)

    async def _written(self) -> None:
        """Return when all that was taken until now is written, or that has failed.

        When the caller is cancelled here the write goes on: its thread cannot be stopped.
        """
        taken = self.segments
        while self._writing is not None and self._written_segments < taken:
            self._hurry.set()
            await self._change()

    async def _quiet(self) -> None:
        """Return when nothing is being written, however often the caller is cancelled meanwhile."""
        cancelled = False
        while self._writing is not None:
            self._hurry.set()
            try:
                await asyncio.wait([self._writing])
            except asyncio.CancelledError:
                cancelled = True
        if cancelled:
            raise asyncio.CancelledError

    async def _write(self) -> None:
        """Write what was taken, and what is taken meanwhile. What cannot be written was not taken."""
        try:
            while self._unwritten:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_GATHER_SECONDS):
                        await self._hurry.wait()
                self._hurry.clear()
                await self._write_batch([*islice(self._unwritten, _BATCH_SEGMENTS)])
        except Exception as error:  # noqa: BLE001  # its sender is told
            self._failed = error
            self.segments = self._written_segments
            self.recent.forget(self.segments)
            self._progress.take_back(self._unwritten)
            self._unwritten.clear()
        finally:
            self._writing = None
            self._changed.set()

    async def _write_batch(self, batch: list[Segment]) -> None:
        first = self._written_segments
        try:
            await self._files.run(self._content.append, first, batch)
        except OSError as error:
            raise unwritable(error) from None
        for _ in batch:
            self._unwritten.popleft()
        if len(self._unwritten) >= _BATCH_SEGMENTS:
            self._hurry.set()
        self._changed.set()
        if first // _FLUSH_SEGMENTS != (first + len(batch)) // _FLUSH_SEGMENTS:
            await self._on_disk(self._content.flush)

    async def _on_disk(self, work: Callable[[], None]) -> None:
        try:
            await self._files.run(work)
        except OSError as error:
            self._progress.forget()  # what is in the file may not be on the disk: it is sent again
            raise unwritable(error) from None

    async def _change(self) -> None:
        """Return when something has changed."""
        self._changed.clear()
        await self._changed.wait()


def recipients_of(envelope: Envelope) -> frozenset[str]:
    """Names of the recipients; none of one that was delivered."""
    if envelope.header is None:
        return frozenset()
    return frozenset(EnvelopeHeader.from_der(envelope.header).core.recipients)


def unwritable(error: OSError) -> ServiceError:
    """What the author is told when something cannot be written."""
    return ServiceError("CONTENT_UNWRITABLE", problem=error.strerror or "it failed")
