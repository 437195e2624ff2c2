"""A sealed content on its way to the evidence server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeAlias

from fourseal.v1 import evidence_service_pb2 as pb

from contract.stream import SEALED_SEGMENT_BYTES
from signer_agent.contracts.signer import Signer
from wire.segments import Segment
from wire.streams import Post

ContentPost: TypeAlias = "Post[pb.PutContentRequest, pb.PutContentResponse]"


class ContentUpload:
    """See ``Destination``. Belongs to the event loop that it was made on.

    Args:
        signer: whose content it is.
        session_id: in which session.
        envelope_id: of the message.
        length: bytes of the whole sealed content.
    """

    def __init__(self, signer: Signer, session_id: str, envelope_id: str, length: int) -> None:
        self._signer = signer
        self._session_id = session_id
        self._envelope_id = envelope_id
        self._length = length

    async def is_finished(self) -> bool:
        """Whether all of it is there. Raises RemoteError."""
        return (await self._state()).finished

    async def segments_there(self) -> int:
        """See ``Destination``. Part of a segment does not count: it is sent again."""
        state = await self._state()
        there = self._length if state.finished else state.first_byte
        return -(-there // SEALED_SEGMENT_BYTES) if there == self._length else there // SEALED_SEGMENT_BYTES

    @asynccontextmanager
    async def post(self) -> AsyncIterator[ContentPost]:
        """See ``Destination``."""
        async with self._signer.stream(self._signer.line.evidence.PutContent) as call:
            yield Post(call)

    async def start(self, segment: int) -> pb.PutContentRequest:
        """See ``Destination``."""
        return pb.PutContentRequest(
            start=pb.ContentStart(
                session_id=self._session_id,
                envelope_id=self._envelope_id,
                content_length=self._length,
                first_byte=min(segment * SEALED_SEGMENT_BYTES, self._length),
            )
        )

    def part(self, segment: Segment) -> pb.PutContentRequest:
        """See ``Destination``."""
        return pb.PutContentRequest(piece=bytes(segment.data))

    async def _state(self) -> pb.GetContentUploadResponse:
        request = pb.GetContentUploadRequest(envelope_id=self._envelope_id)
        return await self._signer.call(self._signer.line.evidence.GetContentUpload, request)


def content_finish(digest: bytes) -> pb.PutContentRequest:
    """The part that ends an upload; ``digest`` is that of the whole sealed content."""
    return pb.PutContentRequest(finish=pb.ContentFinish(content_digest=digest))
