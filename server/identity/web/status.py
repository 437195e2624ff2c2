"""What can be asked by HTTP: about a certificate (RFC 6960 appendix A.1), and for the list of revoked ones."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import unquote

from server.identity.certificates.responder import Responder
from server.identity.certificates.revocation import IssuedList
from wire.http import HttpRequest, HttpResponse

OCSP_PATH: Final = "/ocsp"
LIST_PATH: Final = "/revoked.crl"
_OCSP_TYPE: Final = "application/ocsp-response"
_LIST_TYPE: Final = "application/pkix-crl"
_LIST_KEPT_SECONDS: Final = 60

CurrentList = Callable[[], Awaitable[IssuedList]]


class StatusPages:
    """Answers requests.

    Args:
        responder: about single certificates.
        current_list: the list that knows every revocation until now.
    """

    def __init__(self, responder: Responder, current_list: CurrentList) -> None:
        self._responder = responder
        self._current_list = current_list

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """As ``http.Handler``."""
        path = request.path.partition("?")[0]
        if path == LIST_PATH:
            return await self._list() if request.method == "GET" else HttpResponse(405)
        if path.rstrip("/") == OCSP_PATH:
            return await self._ocsp(request.content, kept=False) if request.method == "POST" else HttpResponse(405)
        if path.startswith(f"{OCSP_PATH}/"):
            asked = _from_path(path.removeprefix(f"{OCSP_PATH}/"))
            return await self._ocsp(asked, kept=True) if request.method == "GET" else HttpResponse(405)
        return HttpResponse(404)

    async def _ocsp(self, asked: bytes, *, kept: bool) -> HttpResponse:
        answer = await self._responder.answer(asked)
        return HttpResponse(200, _OCSP_TYPE, answer.der, answer.keep_seconds if kept else 0)

    async def _list(self) -> HttpResponse:
        found = await self._current_list()
        return HttpResponse(200, _LIST_TYPE, found.der, _LIST_KEPT_SECONDS)


def _from_path(text: str) -> bytes:
    """The request in a path. What is no base64 gives nothing, which the responder refuses."""
    try:
        return b64decode(unquote(text), validate=True)
    except (binascii.Error, ValueError):
        return b""
