"""Who is let in to the page. A browser on this machine runs scripts of strangers, and any program here can connect.

1. Host must be the address that we gave out: a stranger's name that was made to point here (DNS rebinding) is none.
2. The path must begin with the token, 128 random bits, of this run. It is compared in constant time.
3. Whatever says or changes something is a POST with the page's own Origin, and with JSON, which no form can send.

What is answered may not be kept, framed, or looked at by another origin, and nothing but our own script and style runs.
"""

from __future__ import annotations

import hmac
import json
from dataclasses import dataclass
from typing import Final

from wire.http import HttpRequest, HttpResponse

MAX_CONTENT: Final = 8 * 1024
"""Bytes of a request's content: a passphrase of 1024 bytes in JSON's longest writing has room."""
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS: Final = (
    ("Content-Security-Policy", _POLICY),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), display-capture=(), geolocation=(), microphone=()"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the page asks.

    Args:
        action: name of it.
        revision: of the view that its user looks at.
        pin: secret; may be empty.
    """

    action: str
    revision: int
    pin: str = ""

    def __repr__(self) -> str:
        return f"Asked({self.action!r}, {self.revision})"


class Door:
    """Knows the token.

    Args:
        token: of this run.
        port: that is listened at.
    """

    def __init__(self, token: str, port: int) -> None:
        self._token = token.encode()
        self._host = f"127.0.0.1:{port}"

    def let_in(self, request: HttpRequest) -> str | Asked | HttpResponse:
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
        return (_parse(name, request.content) or refusal(400)) if is_post else name


def refusal(status: int) -> HttpResponse:
    """An answer that says nothing but its status."""
    return HttpResponse(status, headers=(*HEADERS, ("Allow", "GET, POST")))


def _parse(action: str, content: bytes) -> Asked | None:
    try:
        asked = json.loads(content)
    except (ValueError, RecursionError):
        return None
    match asked:
        case {"revision": int(revision), **more} if not isinstance(revision, bool):
            pin = more.pop("pin", "")
            return Asked(action, revision, pin) if isinstance(pin, str) and not more else None
    return None
