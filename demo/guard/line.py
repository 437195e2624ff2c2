"""A line from a gateway to the guard, which can be cut: TCP that is handed on, on a port of its own."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

from signer_agent.loop_thread import LoopThread

_CHUNK: Final = 1 << 16


class Line:
    """A line that leads nowhere yet. Close it at the end.

    Args:
        loop: where it is served.
        host: address that it begins at.
    """

    def __init__(self, loop: LoopThread, host: str) -> None:
        self._loop = loop
        self._calls: set[asyncio.Task[None]] = set()
        self._is_cut = False
        self._target = ("", 0)
        self._listener = loop.run(asyncio.start_server(self._serve, host, 0))
        self.address = f"{host}:{self._listener.sockets[0].getsockname()[1]}"
        """host:port where it begins."""

    def lead_to(self, address: str) -> None:
        """Have it end at a "host:port" from now on."""
        host, _, port = address.rpartition(":")
        self._target = (host, int(port))

    def cut(self) -> None:
        """Break what goes over it, and let nothing over it from now on."""
        self._is_cut = True
        self._loop.run(self._break())

    def mend(self) -> None:
        """Let over it again what comes."""
        self._is_cut = False

    def close(self) -> None:
        """Serve no more."""
        self._loop.run(self._close())

    async def _close(self) -> None:
        self._listener.close()
        await self._break()

    async def _break(self) -> None:
        for call in self._calls:
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        call = asyncio.ensure_future(self._hand_on(reader, writer))
        self._calls.add(call)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await call
        self._calls.discard(call)
        writer.transport.abort()

    async def _hand_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            return
        there_reader, there_writer = await asyncio.open_connection(*self._target)
        try:
            await asyncio.gather(_copy(reader, there_writer), _copy(there_reader, writer))
        finally:
            there_writer.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()
    writer.transport.abort()  # TLS ends on both sides at once
