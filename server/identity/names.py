"""Names that identity gives out, and tokens that come back: 256 random bits need no slow hash, SHA-256 is kept."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Final

from server.identity.tickets import token_digest

TOKEN_LENGTH: Final = 43
_ID_BYTES: Final = 10


def new_id(random: Callable[[int], bytes]) -> str:
    """A fresh name for a login or a second factor: 16 characters of lower-case base32."""
    return base64.b32encode(random(_ID_BYTES)).decode().lower()


def foreign_token_digest(token: str) -> bytes | None:
    """What the database would keep of a token that a caller sent; None for what cannot be one."""
    return token_digest(token) if len(token) == TOKEN_LENGTH and token.isascii() else None
