"""What proves that an attempt at a PIN was the right one; signed by the agent, checked by the server."""

from __future__ import annotations

from typing import Final

_DOMAIN: Final = b"fourseal/v1/pin proof"


def proof_message(guard_sha256: bytes, attempt: int) -> bytes:
    """The bytes that are signed.

    Args:
        guard_sha256: SHA-256 of the guard's name, 32 bytes.
        attempt: its number, from 1.
    """
    return _DOMAIN + guard_sha256 + attempt.to_bytes(8, "big")
