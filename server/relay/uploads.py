"""Uploads under way: what has been written so far, who sends, and who follows.

An upload is open here while somebody sends or follows it, and lies in file and row all the time. It has one sender:
another stream for the same envelope takes its place, for the first one may hang in a connection that is dead.

What is on the disk when: segments are written as they come, and forced to the disk every 64, when its author asks how
far the upload is, and at the finish. So what ``GetUpload`` promises outlives a power failure; what lies beyond outlives
the end of this process. Either way the checks of the records decide, not the length of the file (``content``).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

from contract.envelope import EnvelopeHeader
from contract.stream import SEALED_SEGMENT_BYTES
from server.relay.content import Content, ContentFolder
from server.relay.recent import RecentSegments
from server.relay.store import Envelope, EnvelopeState
from server.storage import Threads
from wire.catalogue import ServiceError
from wire.segments import Segment

_FLUSH_SEGMENTS: Final = 64  # are forced to the disk meanwhile, so that the end has not to wait for all

FindEnvelope = Callable[[str], Awaitable[Envelope | None]]
"""Looks an envelope's row up."""


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
        self._changed = asyncio.Condition()
        self._writing: asyncio.Task[None] | None = None
        self._coming_length = 0

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

    async def append(self, sender: object, segment: Segment) -> None:
        """Take the next segment. Returns when the one before is written: so one waits, and no more.

        Raises:
            ServiceError: UPLOAD_TAKEN_OVER, UPLOAD_ABANDONED, CONTENT_UNWRITABLE.
        """
        await self.settle(sender)
        await self.recent.keep_pace(self.segments)
        self.require_sender(sender)
        self._coming_length = len(segment)
        self._writing = asyncio.create_task(self._append(self.segments, segment))

    def require_sender(self, sender: object) -> None:
        """Raise ServiceError (UPLOAD_TAKEN_OVER) unless it is still the sender, and something can be sent."""
        if self._sender is not sender or self.finishing or self.finished is not None:
            raise ServiceError("UPLOAD_TAKEN_OVER", envelope_id=self.envelope.envelope_id)

    async def settle(self, sender: object) -> None:
        """Wait until all that was taken is written. Raises as ``append``.

        When the sender is cancelled here the write goes on: its thread cannot be stopped, and whoever comes next waits
        for it (``_quiet``).
        """
        self.require_sender(sender)
        if self._writing is not None:
            await asyncio.shield(self._writing)
            self._writing = None
            self.require_sender(sender)  # another one may have come meanwhile, and waits for its turn
        if self.abandoned:
            raise ServiceError("UPLOAD_ABANDONED", envelope_id=self.envelope.envelope_id)

    async def _quiet(self) -> None:
        """Wait until nothing is being written, however often the caller is cancelled meanwhile."""
        writing, cancelled = self._writing, False
        while writing is not None and not writing.done():
            try:
                await asyncio.wait([writing])
            except asyncio.CancelledError:
                cancelled = True
        if writing is not None:
            writing.exception()  # the sender that it belonged to has heard of it, or has gone
            if self._writing is writing:
                self._writing, self._coming_length = None, 0
        if cancelled:
            raise asyncio.CancelledError

    async def _append(self, number: int, segment: Segment) -> None:
        try:
            await self._files.run(self._content.append, number, segment)
        except OSError as error:
            raise ServiceError("CONTENT_UNWRITABLE", problem=error.strerror or "it failed") from None
        async with self._changed:
            self.recent.add(number, segment)
            self.segments = number + 1
            self._coming_length = 0
            self._progress.segments = self.segments
            self._progress.last_length = len(segment)
            self._progress.content_bytes += len(segment)
            self._changed.notify_all()
        if self.segments % _FLUSH_SEGMENTS == 0:
            await self.flush()

    async def flush(self) -> None:
        """Have all of it on the disk. Raises ServiceError (CONTENT_UNWRITABLE)."""
        await self._on_disk(self._content.flush)

    async def seal(self) -> None:
        """As ``flush``, and nothing follows the last segment. Raises ServiceError (CONTENT_UNWRITABLE)."""
        await self._on_disk(partial(self._content.settle, self.segments, self.content_bytes))

    async def _on_disk(self, work: Callable[[], None]) -> None:
        try:
            await self._files.run(work)
        except OSError as error:
            self._progress.forget()  # what is in the file may not be on the disk: it is sent again
            raise ServiceError("CONTENT_UNWRITABLE", problem=error.strerror or "it failed") from None

    async def end(self, finished: Envelope | None) -> None:
        """Tell followers that it was finished, or (None) abandoned."""
        async with self._changed:
            self.finished, self.abandoned = finished, finished is None
            self._changed.notify_all()

    async def leave(self, why: ServiceError) -> None:
        """Send followers away."""
        async with self._changed:
            self.left = why
            self._changed.notify_all()

    async def wait_beyond(self, segments: int) -> None:
        """Return when there are more segments than that, or there will be none."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.segments > segments or self.ended)

    @property
    def content_bytes(self) -> int:
        """Bytes of content ciphertext that are there."""
        return self._progress.content_bytes

    @property
    def coming_bytes(self) -> int:
        """Bytes of the segment that is being written."""
        return self._coming_length

    @property
    def accepts_more(self) -> bool:
        """Whether a segment may follow: only the last one is shorter than the others."""
        before = self._coming_length or self._progress.last_length
        return before == SEALED_SEGMENT_BYTES

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


@dataclass(slots=True)
class _Entry:
    """An upload that is open or being opened; None comes of it where there is no upload of that id any more."""

    opening: asyncio.Task[Upload | None]
    users: int = 0


class Uploads:
    """The unfinished uploads: how far each is, and those open that somebody sends or follows now.

    Args:
        find: rows.
        folder: the files.
        files: threads for them.
    """

    def __init__(self, find: FindEnvelope, folder: ContentFolder, files: Threads) -> None:
        self._find = find
        self._folder = folder
        self._files = files
        self._entries: dict[str, _Entry] = {}
        self._progress: dict[tuple[str, str], dict[str, Progress]] = {}
        self._leaving = False

    @asynccontextmanager
    async def use(self, envelope_id: str) -> AsyncIterator[Upload | None]:
        """The upload of an envelope, opened if nobody has it open; None if there is none.

        The row is looked up by who opens: who asked may have seen it before it was finished, and a finished file must
        not be taken for an upload.

        Raises:
            ServiceError: CONTENT_UNWRITABLE, STORAGE_UNAVAILABLE.
        """
        entry = self._entries.get(envelope_id)
        if entry is None:
            entry = self._entries[envelope_id] = _Entry(asyncio.create_task(self._open(envelope_id)))
        entry.users += 1
        try:
            yield await asyncio.shield(entry.opening)
        finally:
            entry.users -= 1
            if not entry.users:
                if self._entries.get(envelope_id) is entry:
                    del self._entries[envelope_id]
                entry.opening.add_done_callback(_close)

    def restore(self, envelope: Envelope) -> None:
        """Know of an upload that an earlier process began. Blocks."""
        self._progress_of(envelope).content_bytes = self._folder.size(envelope.envelope_id, envelope.check_key)

    def bytes_of(self, session_id: str, author: str) -> int:
        """Content of all unfinished uploads of an author in a session."""
        return sum(each.content_bytes for each in self._progress.get((session_id, author), {}).values())

    async def end(self, envelope: Envelope, finished: Envelope | None) -> None:
        """Forget an upload that was finished, or (None) abandoned; tell those who follow it."""
        known = self._progress.get((envelope.session_id, envelope.author), {})
        known.pop(envelope.envelope_id, None)
        if not known:
            self._progress.pop((envelope.session_id, envelope.author), None)
        entry = self._entries.pop(envelope.envelope_id, None)
        if entry is not None and (upload := _opened(entry.opening)) is not None:
            await upload.end(finished)

    async def leave(self) -> None:
        """Send all followers away, those that come too."""
        self._leaving = True
        for entry in list(self._entries.values()):
            if (upload := _opened(entry.opening)) is not None:
                await upload.leave(ServiceError("SHUTTING_DOWN"))

    def of_mailbox(self, session_id: str, recipient: str) -> list[Upload]:
        """Those that are for somebody in a session and not so short that the end comes at once."""
        opened = (_opened(entry.opening) for entry in self._entries.values())
        return [
            upload
            for upload in opened
            if upload is not None
            and upload.envelope.session_id == session_id
            and upload.segments
            and recipient in upload.recipients
        ]

    def _progress_of(self, envelope: Envelope) -> Progress:
        known = self._progress.setdefault((envelope.session_id, envelope.author), {})
        return known.setdefault(envelope.envelope_id, Progress())

    async def _open(self, envelope_id: str) -> Upload | None:
        envelope = await self._find(envelope_id)
        if envelope is None or envelope.state is not EnvelopeState.UPLOADING:
            return None
        progress = self._progress_of(envelope)
        try:
            content = await self._files.run(self._create, envelope)
            if progress.segments is None:
                progress.segments = await self._files.run(content.count_sound)
                progress.content_bytes = progress.segments * SEALED_SEGMENT_BYTES
        except OSError as error:
            raise ServiceError("CONTENT_UNWRITABLE", problem=error.strerror or "it failed") from None
        upload = Upload(envelope, content, progress.segments, progress, self._files)
        upload.left = ServiceError("SHUTTING_DOWN") if self._leaving else None
        return upload

    def _create(self, envelope: Envelope) -> Content:
        return self._folder.open(envelope.envelope_id, envelope.check_key, create=True)


def recipients_of(envelope: Envelope) -> frozenset[str]:
    """Names of the recipients; none of one that was delivered."""
    if envelope.header is None:
        return frozenset()
    return frozenset(EnvelopeHeader.from_der(envelope.header).core.recipients)


def _opened(opening: asyncio.Task[Upload | None]) -> Upload | None:
    """The upload, if it is open by now."""
    if not opening.done() or opening.cancelled() or opening.exception() is not None:
        return None
    return opening.result()


def _close(opening: asyncio.Task[Upload | None]) -> None:
    upload = _opened(opening)
    if upload is not None:
        upload.close()
