"""A program's page for whoever sits at this machine: on loopback, at an address with a secret that nobody can guess.

A browser here runs scripts of strangers, and any program on the machine can connect. So:

1. Host must be the address that we gave out: a stranger's name that was made to point here (DNS rebinding) is none.
2. The path must begin with the token, 128 random bits, of this run. It is compared in constant time.
3. Whatever says or changes something is a POST with the page's own Origin, and with JSON, which no form can send.

What is answered may not be kept, framed, or looked at by another origin, and nothing but our own script and style runs.
"""

from __future__ import annotations

import hmac
import json
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import structlog

from wire.catalogue import ServiceError
from wire.http import HttpRequest, HttpResponse, HttpServer

_TOKEN_BYTES: Final = 16
_MAIN: Final = "page.html"
_KINDS: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
_HEADERS: Final = (
    ("Content-Security-Policy", _POLICY),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), display-capture=(), geolocation=(), microphone=()"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
)

Act = Callable[[str, dict[str, Any]], Awaitable[HttpResponse]]
"""Does what the page asks: the action's name, and what comes with it, a JSON object."""


@asynccontextmanager
async def open_local_page(
    static: Path, act: Act, port: int, log: structlog.stdlib.BoundLogger, *, max_content: int
) -> AsyncIterator[str]:
    """While the context lasts, the page can be opened. Yields its address, secret: whoever knows it is the user.

    Args:
        static: folder of its files, ``page.html`` and what that names.
        act: answers what the page asks, by ``told`` or ``refusal``.
        port: on 127.0.0.1; 0: a free one.
        log: where failures are told.
        max_content: bytes of what comes with an action.

    Raises:
        ServiceError: PAGE_PORT_TAKEN.
    """
    files, token = _read_files(static), secrets.token_urlsafe(_TOKEN_BYTES)
    with closing(_listen(port)) as listening:
        port = listening.getsockname()[1]
        door = _Door(token, port)

        async def handle(request: HttpRequest) -> HttpResponse:
            match door.let_in(request):
                case _Asked(action, content):
                    return await act(action, content)
                case HttpResponse() as stranger:
                    return stranger
                case name if name in files:
                    found, kind = files[name]
                    return HttpResponse(200, kind, found, headers=_HEADERS)
            return refusal(404)

        server = await HttpServer(handle, log, max_content=max_content).serve(listening)
        try:
            yield f"http://127.0.0.1:{port}/{token}/"
        finally:
            server.close()


def told(status: int, content: Mapping[str, Any]) -> HttpResponse:
    """An answer to the page, in JSON."""
    return HttpResponse(status, "application/json", json.dumps(content).encode(), headers=_HEADERS)


def refusal(status: int) -> HttpResponse:
    """An answer that says nothing but its status."""
    return HttpResponse(status, headers=(*_HEADERS, ("Allow", "GET, POST")))


@dataclass(frozen=True, slots=True)
class _Asked:
    """An action, and what comes with it, which may be secret."""

    action: str
    content: dict[str, Any] = field(repr=False)


class _Door:
    """Knows who is let in.

    Args:
        token: of this run.
        port: that is listened at.
    """

    def __init__(self, token: str, port: int) -> None:
        self._token = token.encode()
        self._host = f"127.0.0.1:{port}"

    def let_in(self, request: HttpRequest) -> str | _Asked | HttpResponse:
        """Who comes: the name of a file that is asked for, "" for the page; what the page asks; or a refusal."""
        headers, is_post = request.headers, request.method == "POST"
        _, token, name = [*request.path.split("/", 2), "", ""][:3]
        for holds, status in (
            (headers.get("host") == self._host, 421),
            (hmac.compare_digest(token.encode(), self._token), 404),
            (is_post or request.method == "GET", 405),
            (not is_post or headers.get("origin") == f"http://{self._host}", 403),
            (not is_post or headers.get("content-type") == "application/json", 415),
        ):
            if not holds:
                return refusal(status)
        if not is_post:
            return name
        content = _parse(request.content)
        return refusal(400) if content is None else _Asked(name, content)


def _parse(content: bytes) -> dict[str, Any] | None:
    try:
        parsed = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def _read_files(static: Path) -> dict[str, tuple[bytes, str]]:
    """Content and kind of each file, by its name; of the page itself by none."""
    files = {each.name: (each.read_bytes(), _KINDS[each.suffix]) for each in static.iterdir()}
    files[""] = files.pop(_MAIN)
    return files


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError:
        raise ServiceError("PAGE_PORT_TAKEN", port=port) from None
