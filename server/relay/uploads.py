"""Uploads under way: what has been written so far, and who follows.

An upload lives here while somebody sends or follows it, and in file and row all the time. It has one sender: another
stream for the same envelope takes its place, for the first one may hang in a connection that is dead.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from contract.envelope import EnvelopeHeader
from contract.stream import SEALED_SEGMENT_BYTES
from server.relay.content import Content, ContentFolder
from server.relay.store import Envelope
from server.storage import Threads
from wire.catalogue import ServiceError

_FLUSH_SEGMENTS = 64  # are written to the disk meanwhile, so that the end has not to wait for all


class Upload:
    """One upload. Belongs to the event loop that it was made on.

    Args:
        envelope: its row.
        content: its file.
        segments: how many are there.
        files: threads for the file.
    """

    def __init__(self, envelope: Envelope, content: Content, segments: int, files: Threads) -> None:
        self.envelope = envelope
        self.recipients = recipients_of(envelope)
        self.segments = segments
        self._last_length = SEALED_SEGMENT_BYTES
        self.coming_bytes = 0
        """Of the segment that is being written."""
        self.finished: Envelope | None = None
        self.abandoned = False
        self.left = False
        """Whether followers are sent away, for the server is shutting down."""
        self.users = 0
        self._content = content
        self._files = files
        self._sender: object = None
        self._changed = asyncio.Condition()
        self._writing: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def sending(self) -> AsyncIterator[object]:
        """Be the sender, until another one comes; what was taken is written before anything else is."""
        me = object()
        self._sender = me
        await self._quiet()
        try:
            yield me
        finally:
            if self._sender is me:
                await self._quiet()

    async def append(self, sender: object, segment: bytes) -> None:
        """Take the next segment. Returns when the one before is written: so one waits, and no more.

        Raises:
            ServiceError: UPLOAD_TAKEN_OVER, CONTENT_UNWRITABLE.
        """
        await self.settle(sender)
        self.coming_bytes = len(segment)
        self._writing = asyncio.create_task(self._append(self.segments, segment))

    async def settle(self, sender: object) -> None:
        """Wait until all that was taken is written. Raises as ``append``."""
        if self._sender is not sender:
            raise ServiceError("UPLOAD_TAKEN_OVER", envelope_id=self.envelope.envelope_id)
        if self._writing is not None:
            writing, self._writing = self._writing, None
            await writing

    async def _quiet(self) -> None:
        if self._writing is not None:
            await asyncio.gather(self._writing, return_exceptions=True)
            self._writing = None

    async def _append(self, number: int, segment: bytes) -> None:
        try:
            await self._files.run(self._append_now, number, segment)
        except OSError as error:
            raise ServiceError("CONTENT_UNWRITABLE", problem=error.strerror or "it failed") from None
        async with self._changed:
            self.segments = number + 1
            self._last_length, self.coming_bytes = len(segment), 0
            self._changed.notify_all()

    def _append_now(self, number: int, segment: bytes) -> None:
        self._content.append(number, segment)
        if number % _FLUSH_SEGMENTS == _FLUSH_SEGMENTS - 1:
            self._content.flush()

    async def flush(self) -> None:
        """Have all of it on the disk. Raises ServiceError (CONTENT_UNWRITABLE)."""
        try:
            await self._files.run(self._content.flush)
        except OSError as error:
            raise ServiceError("CONTENT_UNWRITABLE", problem=error.strerror or "it failed") from None

    async def end(self, finished: Envelope | None) -> None:
        """Tell followers that it was finished, or (None) abandoned."""
        async with self._changed:
            self.finished, self.abandoned = finished, finished is None
            self._changed.notify_all()

    async def leave(self) -> None:
        """Send followers away."""
        async with self._changed:
            self.left = True
            self._changed.notify_all()

    async def wait_beyond(self, segments: int) -> None:
        """Return when there are more segments than that, or there will be none."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.segments > segments or self.ended)

    @property
    def content_bytes(self) -> int:
        """Bytes of content ciphertext that are there."""
        return (self.segments - 1) * SEALED_SEGMENT_BYTES + self._last_length if self.segments else 0

    def accepts(self, segment: bytes) -> bool:
        """Whether this segment may follow: only the last one is shorter than the others."""
        before = self.coming_bytes or self._last_length
        return before == SEALED_SEGMENT_BYTES and len(segment) <= SEALED_SEGMENT_BYTES

    @property
    def ended(self) -> bool:
        """Whether nothing more comes."""
        return self.left or self.abandoned or self.finished is not None

    async def read(self, number: int) -> bytes:
        """A segment that is there. Raises ServiceError (CONTENT_LOST)."""
        return await self._files.run(self._content.read, number)

    def close(self) -> None:
        """Close the file."""
        self._content.close()


class Uploads:
    """The uploads that somebody sends or follows now.

    Args:
        folder: the files.
        files: threads for them.
    """

    def __init__(self, folder: ContentFolder, files: Threads) -> None:
        self._folder = folder
        self._files = files
        self._open: dict[str, Upload] = {}
        self._opening = asyncio.Lock()

    @asynccontextmanager
    async def use(self, envelope: Envelope) -> AsyncIterator[Upload]:
        """The upload of an envelope, opened if nobody has it open. After a crash what does not hold is cut off.

        Raises:
            ServiceError: CONTENT_UNWRITABLE.
        """
        async with self._opening:
            upload = self._open.get(envelope.envelope_id)
            if upload is None:
                upload = await self._open_now(envelope)
                self._open[envelope.envelope_id] = upload
            upload.users += 1
        try:
            yield upload
        finally:
            upload.users -= 1
            if not upload.users:
                del self._open[envelope.envelope_id]
                upload.close()

    async def abandon(self, envelope_id: str) -> None:
        """Tell who follows an upload that nothing more comes."""
        upload = self._open.get(envelope_id)
        if upload is not None:
            await upload.end(None)

    async def leave(self) -> None:
        """Send all followers away."""
        for upload in list(self._open.values()):
            await upload.leave()

    def of_mailbox(self, session_id: str, recipient: str) -> list[Upload]:
        """Those that are for somebody in a session and not finished."""
        return [
            upload
            for upload in self._open.values()
            if upload.envelope.session_id == session_id and not upload.ended and recipient in upload.recipients
        ]

    async def _open_now(self, envelope: Envelope) -> Upload:
        try:
            content = await self._files.run(self._create, envelope)
            segments = await self._files.run(content.count_sound)
        except OSError as error:
            raise ServiceError("CONTENT_UNWRITABLE", problem=error.strerror or "it failed") from None
        return Upload(envelope, content, segments, self._files)

    def _create(self, envelope: Envelope) -> Content:
        return self._folder.open(envelope.envelope_id, envelope.check_key, create=True)


def recipients_of(envelope: Envelope) -> frozenset[str]:
    """Names of the recipients; none of one that was delivered."""
    if envelope.header is None:
        return frozenset()
    return frozenset(EnvelopeHeader.from_der(envelope.header).core.recipients)
