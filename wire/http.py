"""A small HTTP/1.1 server: ``h11`` reads and writes the protocol, asyncio the sockets. Whoever comes has bounds.

* A request must be there, whole, within ``REQUEST_SECONDS`` of the last answer (or of the connection's begin), and an
  answer must be taken within as many: whoever is slower is shut out.
* Heads have at most 16 KiB, contents ``max_content``; more is refused before it is read.
* There are at most ``MAX_CONNECTIONS``: the next one takes the place of the one that has kept us waiting the longest.
  So slow clients, however many, hold nobody else up.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

import h11
import structlog

REQUEST_SECONDS: Final = 10.0
MAX_CONNECTIONS: Final = 512
_MAX_HEAD: Final = 16 * 1024
_READ_BYTES: Final = 16 * 1024


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request, whole.

    Args:
        method: of HTTP.
        path: as it was sent.
        headers: by name in small letters; what came twice stands there joined by commas (RFC 9110, section 5.2).
        content: may be empty.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    content: bytes


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """An answer.

    Args:
        status: of HTTP.
        content_type: of the content.
        content: may be empty.
        keep_seconds: for which others may hand out the same; 0: not at all.
        headers: besides those of the content.
    """

    status: int
    content_type: str = "text/plain"
    content: bytes = b""
    keep_seconds: int = 0
    headers: tuple[tuple[str, str], ...] = ()


Handler = Callable[[HttpRequest], Awaitable[HttpResponse]]


class HttpServer:
    """Serves a socket, in the event loop where ``serve`` is called.

    Args:
        handler: answers.
        log: where failures of the handler are told.
        max_content: bytes of a request's content.
    """

    def __init__(self, handler: Handler, log: structlog.stdlib.BoundLogger, *, max_content: int) -> None:
        self._handler = handler
        self._log = log
        self._max_content = max_content
        self._waiting: dict[asyncio.Task[None], None] = {}  # the one that waits the longest is the first

    async def serve(self, listening: socket.socket) -> asyncio.Server:
        """Begin to accept connections."""
        return await asyncio.start_server(self._connected, sock=listening, limit=_READ_BYTES)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError  # asyncio calls this in a task of its own
        if len(self._waiting) >= MAX_CONNECTIONS:
            slowest = next(iter(self._waiting))
            del self._waiting[slowest]
            slowest.cancel()
        try:
            with contextlib.suppress(OSError, TimeoutError, asyncio.CancelledError):
                await self._converse(task, reader, writer)
        finally:
            self._waiting.pop(task, None)
            writer.transport.abort() if writer.transport.get_write_buffer_size() else writer.close()

    async def _converse(
        self, task: asyncio.Task[None], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=_MAX_HEAD)
        while True:
            self._waiting.pop(task, None)
            self._waiting[task] = None
            async with asyncio.timeout(REQUEST_SECONDS):
                response = await self._answer(connection, reader)
                if response is None:
                    return
                writer.write(_encode(connection, response))
                await writer.drain()
            if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
                return
            connection.start_next_cycle()

    async def _answer(self, connection: h11.Connection, reader: asyncio.StreamReader) -> HttpResponse | None:
        """The answer to the next request; None when there is none, because the other side has ended."""
        try:
            request = await self._read(connection, reader)
        except h11.RemoteProtocolError as error:
            return HttpResponse(error.error_status_hint)
        if request is None or isinstance(request, HttpResponse):
            return request
        try:
            return await self._handler(request)
        except Exception as error:  # noqa: BLE001  # whoever asks is told nothing; the log is
            self._log.error("http_failed", method=request.method, cause=repr(error))  # a path may have a secret in it
            return HttpResponse(500)

    async def _read(
        self, connection: h11.Connection, reader: asyncio.StreamReader
    ) -> HttpRequest | HttpResponse | None:
        """A request; or the answer to one that is not read to its end; or None."""
        head: h11.Request | None = None
        content = bytearray()
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                connection.receive_data(await reader.read(_READ_BYTES))
            elif isinstance(event, h11.Request):
                head = event
                if int(dict(head.headers).get(b"content-length", b"0")) > self._max_content:
                    return HttpResponse(413)
            elif isinstance(event, h11.Data):
                content += event.data
                if len(content) > self._max_content:
                    return HttpResponse(413)
            elif isinstance(event, h11.EndOfMessage) and head is not None:
                method, path = head.method.decode("ascii"), head.target.decode("ascii")
                return HttpRequest(method, path, _headers(head), bytes(content))
            else:  # the connection was closed
                return None


def _headers(head: h11.Request) -> Mapping[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in head.headers:
        name, value = raw_name.decode("ascii"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _encode(connection: h11.Connection, response: HttpResponse) -> bytes:
    """Bytes to send. After a request that was not read to its end the connection cannot go on, and says so."""
    if connection.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
        return b""
    headers = [
        ("Content-Type", response.content_type),
        ("Content-Length", str(len(response.content))),
        ("Cache-Control", f"max-age={response.keep_seconds}, public" if response.keep_seconds else "no-store"),
        *response.headers,
    ]
    if connection.their_state is not h11.DONE:
        headers.append(("Connection", "close"))
    parts = (
        connection.send(h11.Response(status_code=response.status, headers=headers)),
        connection.send(h11.Data(data=response.content)),
        connection.send(h11.EndOfMessage()),
    )
    return b"".join(part or b"" for part in parts)
