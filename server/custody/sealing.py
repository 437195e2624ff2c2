"""Sealing: AES-256-GCM under the master key, bound to what the secret is.

A sealed secret, byte by byte::

    1     version, 0x01
    8     id of the master key
    12    nonce, random
    n     ciphertext
    16    tag

Associated data: "fourseal sealed secret", the first nine bytes above, then every field of the context, each with its
length as four bytes before it. So a row that is moved to another key id, or whose purpose is changed, does not open.

Nonces are random: NIST SP 800-38D section 8.3 allows 2^32 seals under one key; a server makes two a key generation, and
one a use of an organisation's key.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from server.custody.master_key import KEY_ID_BYTES, MasterKeys

_VERSION: Final = b"\x01"
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_HEADER_BYTES: Final = 1 + KEY_ID_BYTES
_DOMAIN: Final = b"fourseal sealed secret"


class SealBroken(Exception):
    """A sealed secret does not open as what it is said to be. Says no more: the cause is the attacker's business."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a secret is, in every respect that matters.

    Args:
        kind: which sort of secret, such as "key-share".
        name: which one of its sort.
        facts: whatever else must not be exchanged: purpose, role, digest of the public half.
    """

    kind: str
    name: str
    facts: tuple[bytes, ...] = ()

    def to_bytes(self) -> bytes:
        """Every field with its length before it, so that no two contexts have the same bytes."""
        fields = (self.kind.encode(), self.name.encode(), *self.facts)
        return b"".join(struct.pack(">I", len(item)) + item for item in fields)


class Sealer:
    """Seals and opens secrets.

    Args:
        keys: master keys.
        random: randomness for nonces.
    """

    def __init__(self, keys: MasterKeys, random: Callable[[int], bytes]) -> None:
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.keys.items()}
        self._active = keys.active
        self._random = random

    def seal(self, context: Context, secret: bytes) -> bytes:
        """Seal a secret under the active master key."""
        header = _VERSION + self._active
        nonce = self._random(_NONCE_BYTES)
        sealed = self._ciphers[self._active].encrypt(nonce, secret, _associated_data(header, context))
        return header + nonce + sealed

    def open(self, context: Context, sealed: bytes) -> bytes:
        """Open what was sealed for exactly this context.

        Raises:
            SealBroken: damaged, moved, of another context, or under a master key that is not here.
        """
        header, nonce = sealed[:_HEADER_BYTES], sealed[_HEADER_BYTES : _HEADER_BYTES + _NONCE_BYTES]
        cipher = self._ciphers.get(header[1:])
        if header[:1] != _VERSION or cipher is None or len(sealed) < _HEADER_BYTES + _NONCE_BYTES + _TAG_BYTES:
            raise SealBroken(context.kind)
        try:
            return cipher.decrypt(nonce, sealed[_HEADER_BYTES + _NONCE_BYTES :], _associated_data(header, context))
        except InvalidTag:
            raise SealBroken(context.kind) from None


def _associated_data(header: bytes, context: Context) -> bytes:
    return _DOMAIN + header + context.to_bytes()
