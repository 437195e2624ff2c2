"""Keys of notes: names, ids and the text form of public keys, as https://c2sp.org/signed-note has them. Ed25519 only.

A key's id is short, and tells which key is meant among those that are known; it proves nothing. So keys come from
configuration, never from what they are to verify.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from transparency.errors import require_that
from transparency.text import read_base64, write_base64

KEY_ID_BYTES: Final = 4
"""Bytes of a key's id."""
MAX_NAME: Final = 255
"""Characters of a key's name."""

_NAME: Final = re.compile(rf"[^\s+\x00-\x1f]{{1,{MAX_NAME}}}")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_KEY_REASON: Final = "LOG_KEY_MALFORMED"
_ED25519: Final = b"\x01"
_PUBLIC_BYTES: Final = 32
_PARTS: Final = 3


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key that notes are verified with.

    Args:
        name: see ``check_key_name``.
        public_key: Ed25519, 32 bytes (RFC 8032).

    Raises:
        MalformedInput: LOG_KEY_MALFORMED.
    """

    name: str
    public_key: bytes

    def __post_init__(self) -> None:
        check_key_name(self.name, reason=_KEY_REASON)
        fits = len(self.public_key) == _PUBLIC_BYTES
        require_that(fits, f"an Ed25519 key has {_PUBLIC_BYTES} bytes", reason=_KEY_REASON)

    @classmethod
    def of(cls, name: str, private_key: Ed25519PrivateKey) -> Self:
        """The public key of a private one, under that name. Raises as the constructor does."""
        return cls(name, private_key.public_key().public_bytes_raw())

    @property
    def key_id(self) -> bytes:
        """SHA-256(name || 0x0A || 0x01 || public key), the first 4 bytes."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.public_key).digest()[:KEY_ID_BYTES]

    def to_text(self) -> str:
        """The text form: ``name+id+key``, the id in lower-case hexadecimal, the key in base64 after a byte 0x01."""
        return f"{self.name}+{self.key_id.hex()}+{write_base64(_ED25519 + self.public_key)}"

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read ``to_text``. Raises as the constructor does; also for another algorithm, or an id of another key."""
        parts = text.split("+", _PARTS - 1)
        require_that(len(parts) == _PARTS, "not of the form name+id+key", reason=_KEY_REASON)
        name, key_id, encoded = parts
        key = read_base64(encoded, "the key", reason=_KEY_REASON)
        require_that(key[:1] == _ED25519, "no Ed25519 key", reason=_KEY_REASON)
        made = cls(name, key[1:])
        require_that(made.key_id.hex() == key_id, "the id is of another name or key", reason=_KEY_REASON)
        return made

    def holds(self, signature: bytes, text: str) -> bool:
        """Whether it is this key's signature of a note's text. ``Note.verify`` is what acts on it."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, text.encode())
        except InvalidSignature:
            return False
        return True


def check_key_name(name: str, *, reason: str) -> None:
    """Raise MalformedInput (``reason``) unless keys can have that name.

    That is 1 to 255 characters; none is a space of any kind (Unicode's White_Space), a plus or a control character
    (below U+0020).
    """
    require_that(_NAME.fullmatch(name) and is_unicode(name), "no name of a key", reason=reason)


def is_unicode(text: str) -> bool:
    """Whether it can be encoded: it has no lone surrogates."""
    return _SURROGATE.search(text) is None
