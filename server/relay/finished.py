"""Contents of finished envelopes, for those who read them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from server.relay.content import Content, ContentFolder
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
