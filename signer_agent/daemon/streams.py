"""Content between gRPC's streams on the event loop, and what reads and writes it on worker threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, TypeVar

from fourseal.v1 import agent_contract_service_pb2 as pb

from signer_agent.contracts.sources import UNKNOWN_TYPE, BytesSource, Source, StreamSource
from signer_agent.daemon.spool import SpooledSource
from wire.catalogue import ServiceError

_SHORT_BYTES: Final = 1 << 20
_MAX_PIECE_BYTES: Final = 1 << 20
_PIECES_AHEAD: Final = 4
DIGEST_BYTES: Final = 32
"""Of SHA-256."""

_Item = TypeVar("_Item")


@asynccontextmanager
async def source_of(
    start: pb.SendMessageStart,
    parts: AsyncIterator[pb.SendMessageRequest],
    read_twice: Callable[[], Awaitable[bool]],
    folder: Path,
) -> AsyncIterator[Source]:
    """The content that comes after its start, while the context lasts.

    A short one is read here, and can be read again; a long one only if that is necessary. No content is signed but the
    one that the finish names.

    Args:
        start: of the message.
        parts: what follows.
        read_twice: whether it must be possible to read it twice; asked for long ones.
        folder: where it lies then, see ``SpooledSource``.

    Raises:
        ServiceError: FIELD_INVALID: a part that must not be there, or the content is cut off; also while it is read.
        FoursealError: as ``read_twice`` and ``SpooledSource.of``.
    """
    content_type = start.content_type or UNKNOWN_TYPE
    pieces = _Pieces(parts)
    head = bytearray()
    async for piece in pieces:
        head += piece
        if len(head) > _SHORT_BYTES:
            break
    else:
        short = BytesSource(bytes(head), content_type, start.name)
        short.held = pieces.digest
        yield short
        return

    async def everything() -> AsyncIterator[bytes]:
        yield bytes(head)
        async for piece in pieces:
            yield piece

    if await read_twice():
        spooled = await SpooledSource.of(everything(), folder, content_type, start.name)
        spooled.held = pieces.digest
        try:
            yield spooled
        finally:
            spooled.close()
        return

    async def held() -> AsyncIterator[bytes]:
        async for piece in everything():
            yield piece
        stream.held = pieces.digest

    stream = StreamSource(held(), asyncio.get_running_loop(), content_type, start.name)
    yield stream


async def content_of(write_content: Callable[[Callable[[bytes], object]], Awaitable[None]]) -> AsyncGenerator[bytes]:
    """A content, piece by piece; a few are read ahead.

    Args:
        write_content: writes it on a worker thread, by what it is given: ``Messages.write_content`` of a message.

    Raises:
        FoursealError: as that.
    """
    loop, room, gone = asyncio.get_running_loop(), threading.Semaphore(_PIECES_AHEAD), threading.Event()
    queue = asyncio.Queue[bytes | None]()

    def write(piece: bytes) -> None:
        room.acquire()
        if gone.is_set():
            raise _ReaderGoneError
        loop.call_soon_threadsafe(queue.put_nowait, bytes(piece))

    work = asyncio.ensure_future(write_content(write))
    work.add_done_callback(lambda _: queue.put_nowait(None))
    try:
        while (piece := await queue.get()) is not None:
            room.release()
            yield piece
        await work
    finally:
        gone.set()
        room.release()
        await asyncio.wait([work])
        work.exception()  # of one whose reader is gone, nobody wants to know


async def until(results: AsyncGenerator[_Item], closing: asyncio.Event, seconds: float) -> AsyncGenerator[_Item]:
    """Yield results until their end, until ``closing`` is set, or for so many seconds."""
    loop = asyncio.get_running_loop()
    end, ending = loop.time() + seconds, asyncio.create_task(closing.wait())
    try:
        while True:
            following = asyncio.ensure_future(anext(results))
            left = max(0.0, end - loop.time())
            done, _ = await asyncio.wait({following, ending}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            if following not in done:
                following.cancel()
                await asyncio.wait([following])
                return
            try:
                result = following.result()
            except StopAsyncIteration:
                return
            yield result
    finally:
        ending.cancel()


class _Pieces:
    """The pieces of a content, up to its finish; then ``digest`` is what that said."""

    def __init__(self, parts: AsyncIterator[pb.SendMessageRequest]) -> None:
        self._parts = parts
        self.digest = b""

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._read()

    async def _read(self) -> AsyncIterator[bytes]:
        async for part in self._parts:
            match part.WhichOneof("part"):
                case "piece" if len(part.piece) <= _MAX_PIECE_BYTES:
                    yield part.piece
                case "finish" if len(part.finish.content_sha256) == DIGEST_BYTES:
                    self.digest = part.finish.content_sha256
                    return
                case found:
                    raise ServiceError("FIELD_INVALID", field=found or "part", problem="it must not be there like this")
        raise ServiceError("FIELD_INVALID", field="finish", problem="the content is cut off")


class _ReaderGoneError(OSError):
    """Nobody reads the content any more."""
