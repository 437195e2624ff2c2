"""Keys as announcements carry them: DER SubjectPublicKeyInfo, in its one encoding, named by its SHA-256."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from contract import der
from contract.profiles import SignerKey, require_signer_key
from contract.signer_requests import MAX_KEY_BYTES
from mpc.errors import MalformedInput
from mpc.four_prime_rsa import Purpose

_KNOWN_KEYS: Final = 1024


def fingerprint_of(public_key: bytes) -> bytes:
    """SHA-256 of a key's SubjectPublicKeyInfo, 32 bytes."""
    return hashlib.sha256(public_key).digest()


def write_signer_key(public_key: SignerKey) -> bytes:
    """DER SubjectPublicKeyInfo."""
    return public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@lru_cache(maxsize=_KNOWN_KEYS)
def read_signer_key(data: bytes) -> SignerKey:
    """Read a key that signs.

    Raises:
        MalformedInput: SIGNER_KEY_UNSUITABLE: for every cause, a second encoding too.
    """
    try:
        key = require_signer_key(Purpose.SIGN, load_der_public_key(data)) if len(data) <= MAX_KEY_BYTES else None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if key is None or write_signer_key(key) != data:
        raise MalformedInput("SIGNER_KEY_UNSUITABLE", "this is no key that signs", purpose=Purpose.SIGN)
    return key


def require_key_bytes(data: bytes, *, reason: str) -> None:
    """Raise MalformedInput (``reason``) unless the key has 1 to 2048 bytes."""
    der.require_that(1 <= len(data) <= MAX_KEY_BYTES, "a key of a wrong length", reason=reason)


def require_fingerprints(keys: Iterable[bytes], *, reason: str) -> None:
    """Raise MalformedInput (``reason``) unless each has 32 bytes, and they rise strictly."""
    given = tuple(keys)
    for key in given:
        der.require_digest(key, "a key", reason=reason)
    der.require_that(all(one < next_ for one, next_ in pairwise(given)), "keys that do not rise", reason=reason)
