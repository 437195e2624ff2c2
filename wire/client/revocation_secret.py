"""Revocation secrets, as they stand on paper.

32 random bytes and a checksum, the first three bytes of SHA-256("fourseal revocation secret" || bytes), in base32 (RFC
4648): 56 letters and digits, 14 groups of four. Base32 has no 0, 1 and 8: they are read as what they look like.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from hashlib import sha256
from typing import Final, Self

from mpc.secret import Secret
from wire.catalogue import ServiceError

SECRET_BYTES: Final = 32
_CHECK_BYTES: Final = 3
_GROUP: Final = 4
_LENGTH: Final = 56
_DOMAIN: Final = b"fourseal revocation secret"
_READ_AS: Final = str.maketrans("018", "OIB", " -\t\r\n")


class RevocationSecret(Secret):
    """What blocks an agent, whoever has it.

    Args:
        value: 32 bytes.
    """

    __slots__ = ("value",)

    def __init__(self, value: bytes) -> None:
        if len(value) != SECRET_BYTES:
            raise ValueError("no revocation secret")
        self.value = value

    @classmethod
    def generate(cls, random: Callable[[int], bytes]) -> Self:
        """A fresh one."""
        return cls(random(SECRET_BYTES))

    @property
    def sha256(self) -> bytes:
        """What the server keeps."""
        return sha256(self.value).digest()

    def to_text(self) -> str:
        """As it is written down."""
        text = base64.b32encode(self.value + _checksum(self.value)).decode()
        return " ".join(text[start : start + _GROUP] for start in range(0, len(text), _GROUP))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what somebody typed: spaces, hyphens and case do not matter.

        Raises:
            ServiceError: REVOCATION_SECRET_MISTYPED.
        """
        typed = text.upper().translate(_READ_AS)
        if len(typed) != _LENGTH:
            raise ServiceError(
                "REVOCATION_SECRET_MISTYPED", problem=f"it has {len(typed)} letters and digits, not {_LENGTH}"
            )
        try:
            value = base64.b32decode(typed)
        except (binascii.Error, ValueError):
            raise ServiceError(
                "REVOCATION_SECRET_MISTYPED", problem="there is a character in it that none has"
            ) from None
        if value[SECRET_BYTES:] != _checksum(value[:SECRET_BYTES]):
            raise ServiceError("REVOCATION_SECRET_MISTYPED", problem="something in it is mistyped")
        return cls(value[:SECRET_BYTES])


def _checksum(value: bytes) -> bytes:
    return sha256(_DOMAIN + value).digest()[:_CHECK_BYTES]
