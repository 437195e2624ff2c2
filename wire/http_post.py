"""Posting to somebody's URL: HTTP/1.1, one request a connection. ``h11`` has the protocol, asyncio the sockets.

Redirects are not followed, and no proxy is asked, whatever the environment says. Time and answer have bounds.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

import h11

_URL: Final = re.compile(r"https?://[!-~]{1,2000}", re.ASCII)
_HTTPS_PORT: Final = 443
_HTTP_PORT: Final = 80
_SUCCESS: Final = 2
_READ_BYTES: Final = 16 * 1024
_MAX_HEAD: Final = 16 * 1024


class NotAnswered(Exception):
    """No whole answer came: nobody knows whether the request was taken. Says why, without the request."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What came back.

    Args:
        status: 200 to 999.
        headers: by name in lower case.
        content: the begin of it, as far as it was to be read.
    """

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return self.status // 100 == _SUCCESS


class HttpTarget:
    """A URL that is posted to.

    Args:
        url: https, or http to this very machine: "localhost" or an address of the loopback.
        anywhere: http to other machines too: for what is no secret, and whose answer is signed.
        authorities: PEM file of those that the server's certificate must come from; empty: the system's.
        seconds: for all of it, from the name's look-up to the answer's end.
        most_bytes: of the answer's content that are read, at least 1.

    Raises:
        ValueError: the URL cannot be used.
        OSError: the file of the authorities cannot be read, or has none.
    """

    def __init__(
        self, url: str, *, anywhere: bool = False, authorities: str = "", seconds: float, most_bytes: int
    ) -> None:
        parts = _parse(url)
        if parts.scheme == "http" and not anywhere and not _is_this_machine(parts.hostname or ""):
            raise ValueError("http to another machine: what is sent could be read on its way")
        self._host = parts.hostname or ""
        self._port = parts.port or (_HTTPS_PORT if parts.scheme == "https" else _HTTP_PORT)
        self._authority = parts.netloc
        self._path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        self._tls = ssl.create_default_context(cafile=authorities or None) if parts.scheme == "https" else None
        self._seconds = seconds
        self._most_bytes = most_bytes

    async def post(self, content: bytes, headers: Mapping[str, str]) -> HttpAnswer:
        """Post once.

        Args:
            content: of the request.
            headers: Content-Type, and others; not those of the protocol itself.

        Raises:
            NotAnswered: nobody was there, or not who the certificate must name; too late, cut off, or no HTTP.
        """
        try:
            async with asyncio.timeout(self._seconds):
                return await self._post(content, headers)
        except TimeoutError:
            raise NotAnswered(f"not within {self._seconds:g} s") from None
        except (OSError, UnicodeError, h11.ProtocolError) as error:
            raise NotAnswered(str(error) or type(error).__name__) from None

    def post_now(self, content: bytes, headers: Mapping[str, str]) -> HttpAnswer:
        """``post`` for a thread that may wait."""
        return asyncio.run(self.post(content, headers))

    async def _post(self, content: bytes, headers: Mapping[str, str]) -> HttpAnswer:
        own = {"Host": self._authority, "Content-Length": str(len(content)), "Connection": "close"}
        connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MAX_HEAD)
        request = h11.Request(method="POST", target=self._path, headers=[*own.items(), *headers.items()])
        parts = (connection.send(each) for each in (request, h11.Data(data=content), h11.EndOfMessage()))
        reader, writer = await asyncio.open_connection(self._host, self._port, ssl=self._tls, limit=_READ_BYTES)
        try:
            writer.write(b"".join(part or b"" for part in parts))
            return await self._read(connection, reader)
        finally:
            writer.transport.abort()

    async def _read(self, connection: h11.Connection, reader: asyncio.StreamReader) -> HttpAnswer:
        head: h11.Response | None = None
        content = bytearray()
        while len(content) < self._most_bytes:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                connection.receive_data(await reader.read(_READ_BYTES))
            elif isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                content += event.data
            elif isinstance(event, h11.EndOfMessage):
                break
        if head is None:  # h11 lets nothing come before it
            raise NotAnswered("no answer")
        headers = {name.decode("ascii"): value.decode("latin-1") for name, value in head.headers}
        return HttpAnswer(head.status_code, headers, bytes(content[: self._most_bytes]))


def _parse(url: str) -> SplitResult:
    try:
        parts = urlsplit(url if _URL.fullmatch(url) else "")
        usable = parts.hostname and parts.username is None and parts.port != 0
    except ValueError:
        usable, parts = False, urlsplit("")
    if not usable:
        raise ValueError("it is no URL of http or https, in ASCII")
    return parts


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
