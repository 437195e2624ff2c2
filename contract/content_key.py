"""The content key of a message, and the two keys that are derived from it (HKDF-SHA256, RFC 5869).

Both are bound to the core of the envelope's header: sealed content or a trailer that is moved to another envelope does
not open there. One content key belongs to one envelope and one content: a stream key never seals two contents, and that
is why its nonces may be a counter.
"""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from contract.envelope import EnvelopeCore
from mpc.engines.interface import Random
from mpc.errors import MalformedInput
from mpc.secret import Secret

CONTENT_KEY_BYTES: Final = 32
"""Bytes of a content key, and of each key derived."""

_CONTENT_DOMAIN: Final = b"fourseal/v1/content"
_TRAILER_DOMAIN: Final = b"fourseal/v1/trailer"


class _Key(Secret):
    """32 secret bytes. Raises MalformedInput (CONTENT_KEY_MALFORMED) for another number of them."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        if len(value) != CONTENT_KEY_BYTES:
            raise MalformedInput("CONTENT_KEY_MALFORMED", f"a content key has {CONTENT_KEY_BYTES} bytes")
        self._value = value

    def to_secret_bytes(self) -> bytes:
        """The key: for what seals with it, or seals it, at once."""
        return self._value


class StreamKey(_Key):
    """Seals one content, in segments: ``stream``."""

    __slots__ = ()


class TrailerKey(_Key):
    """Seals one trailer: ``trailer``."""

    __slots__ = ()


class ContentKey(_Key):
    """What recipients get in their key ciphertexts. From ``new``, or out of a key ciphertext."""

    __slots__ = ()

    @classmethod
    def new(cls, random: Random) -> ContentKey:
        """A fresh one, for one envelope."""
        return cls(random(CONTENT_KEY_BYTES))

    def stream_key(self, core: EnvelopeCore) -> StreamKey:
        """The key of that envelope's content."""
        return StreamKey(self._derive(_CONTENT_DOMAIN, core))

    def trailer_key(self, core: EnvelopeCore) -> TrailerKey:
        """The key of that envelope's trailer."""
        return TrailerKey(self._derive(_TRAILER_DOMAIN, core))

    def _derive(self, domain: bytes, core: EnvelopeCore) -> bytes:
        return HKDF(SHA256(), CONTENT_KEY_BYTES, salt=b"", info=domain + core.digest).derive(self._value)
