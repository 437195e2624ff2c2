"""Where the page is served: on loopback alone, at an address with a secret that nobody can guess."""

from __future__ import annotations

import secrets
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import structlog

from signer_agent.signing_device.desk import Desk
from signer_agent.signing_device.page.door import HEADERS, MAX_CONTENT, Asked, Door, refusal
from signer_agent.signing_device.page.face import Face
from wire.catalogue import ServiceError
from wire.http import HttpRequest, HttpResponse, HttpServer

_TOKEN_BYTES: Final = 16
_STATIC: Final = Path(__file__).with_name("static")
_FILES: Final = {
    "": ("page.html", "text/html; charset=utf-8"),
    "page.css": ("page.css", "text/css; charset=utf-8"),
    "page.js": ("page.js", "text/javascript; charset=utf-8"),
    "icon.svg": ("icon.svg", "image/svg+xml"),
}


@asynccontextmanager
async def open_page(
    desk: Desk,
    account: str,
    port: int,
    log: structlog.stdlib.BoundLogger,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> AsyncIterator[str]:
    """While the context lasts, the page can be opened. Yields its address, secret: whoever knows it is the user.

    Args:
        desk: that it shows; of ``SIZE``.
        account: whose device it is.
        port: on 127.0.0.1; 0: a free one.
        log: where failures are told.
        now: the clock, UTC.

    Raises:
        ServiceError: PAGE_PORT_TAKEN.
    """
    files = {name: ((_STATIC / file).read_bytes(), kind) for name, (file, kind) in _FILES.items()}
    face, token = Face(desk, account, now), secrets.token_urlsafe(_TOKEN_BYTES)
    with closing(_listen(port)) as listening:
        port = listening.getsockname()[1]
        door = Door(token, port)

        async def handle(request: HttpRequest) -> HttpResponse:
            match door.let_in(request):
                case Asked() as asked:
                    return await face.answer(asked)
                case HttpResponse() as stranger:
                    return stranger
                case name if name in files:
                    content, kind = files[name]
                    return HttpResponse(200, kind, content, headers=HEADERS)
            return refusal(404)

        server = await HttpServer(handle, log, max_content=MAX_CONTENT).serve(listening)
        try:
            yield f"http://127.0.0.1:{port}/{token}/"
        finally:
            server.close()


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError:
        raise ServiceError("PAGE_PORT_TAKEN", port=port) from None
