"""Contents of finished envelopes: read, checked and deleted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from hashlib import sha256

from server.relay.content import Content, ContentFolder, name_of
from server.relay.store import Envelope, EnvelopeState
from server.relay.uploads import FindEnvelope
from server.storage import Threads
from wire.catalogue import ServiceError


class FinishedContents:
    """Contents of finished envelopes.

    Args:
        find: rows.
        folder: the files.
        files: threads for them.
    """

    def __init__(self, find: FindEnvelope, folder: ContentFolder, files: Threads) -> None:
        self._find = find
        self._folder = folder
        self._files = files

    @asynccontextmanager
    async def reading(self, envelope: Envelope) -> AsyncIterator[Content]:
        """The content of a finished envelope; closed at the end, also if its reader has gone before it was open."""
        opening = asyncio.create_task(self._files.run(self._open_finished, envelope))
        try:
            yield await self._opened(opening, envelope.envelope_id)
        finally:
            opening.add_done_callback(_close)

    async def remove(self, envelopes: Sequence[Envelope]) -> None:
        """Delete contents. What cannot be deleted now is an orphan, which the next start deletes."""
        for envelope in envelopes:
            with suppress(OSError):
                await self._files.run(self._folder.remove, name_of(envelope.envelope_id, envelope.check_key))

    def is_sound(self, envelope: Envelope) -> bool:
        """Whether header and content are as they came. Reads all of it; blocks."""
        try:
            content = self._open_finished(envelope)
            try:
                for number in range(envelope.segments):
                    content.read(number)
            finally:
                content.close()
        except ServiceError:
            return False
        return sha256(envelope.header or b"").digest() == envelope.header_sha256

    async def _opened(self, opening: asyncio.Task[Content], envelope_id: str) -> Content:
        try:
            return await asyncio.shield(opening)
        except ServiceError:
            found = await self._find(envelope_id)
            if found is None or found.state is not EnvelopeState.FINISHED:  # it went while it was looked for
                raise ServiceError("ENVELOPE_NOT_FOUND", envelope_id=envelope_id) from None
            raise

    def _open_finished(self, envelope: Envelope) -> Content:
        try:
            return self._folder.open(envelope.envelope_id, envelope.check_key)
        except OSError as error:
            raise ServiceError("CONTENT_UNWRITABLE", problem=error.strerror or "it failed") from None


def _close(opening: asyncio.Task[Content]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
