"""The unfinished uploads, each open while somebody sends or follows it; it lies in file and row all the time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from contract.stream import SEALED_SEGMENT_BYTES
from server.relay.content import Content, ContentFolder
from server.relay.store import Envelope, EnvelopeState
from server.relay.upload import Progress, Upload, unwritable
from server.storage import Threads
from wire.catalogue import ServiceError

FindEnvelope = Callable[[str], Awaitable[Envelope | None]]
"""Looks an envelope's row up."""


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

    def end(self, envelope: Envelope, finished: Envelope | None) -> None:
        """Forget an upload that was finished, or (None) abandoned; tell those who follow it."""
        known = self._progress.get((envelope.session_id, envelope.author), {})
        known.pop(envelope.envelope_id, None)
        if not known:
            self._progress.pop((envelope.session_id, envelope.author), None)
        entry = self._entries.pop(envelope.envelope_id, None)
        if entry is not None and (upload := _opened(entry.opening)) is not None:
            upload.end(finished)

    def leave(self) -> None:
        """Send all followers away, those that come too."""
        self._leaving = True
        for entry in list(self._entries.values()):
            if (upload := _opened(entry.opening)) is not None:
                upload.leave(ServiceError("SHUTTING_DOWN"))

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
            raise unwritable(error) from None
        upload = Upload(envelope, content, progress.segments, progress, self._files)
        upload.left = ServiceError("SHUTTING_DOWN") if self._leaving else None
        return upload

    def _create(self, envelope: Envelope) -> Content:
        return self._folder.open(envelope.envelope_id, envelope.check_key, create=True)


def _opened(opening: asyncio.Task[Upload | None]) -> Upload | None:
    """The upload, if it is open by now."""
    if not opening.done() or opening.cancelled() or opening.exception() is not None:
        return None
    return opening.result()


def _close(opening: asyncio.Task[Upload | None]) -> None:
    upload = _opened(opening)
    if upload is not None:
        upload.close()
