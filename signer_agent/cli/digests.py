"""Digests as they are typed."""

from __future__ import annotations

import re
from typing import Final

from wire.catalogue import ServiceError

_DIGEST: Final = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)


def read_digest(text: str, what: str) -> bytes:
    """Read a digest, 64 hexadecimal digits of either case. Raises ServiceError (FIELD_INVALID)."""
    if not _DIGEST.fullmatch(text):
        raise ServiceError("FIELD_INVALID", field=what, problem="no digest, which is 64 hexadecimal digits")
    return bytes.fromhex(text)
