"""A PIN, and the keys that it gives together with the server."""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from mpc.secret import Secret
from signer_agent.keystore.sealing import Passphrase
from wire.catalogue import ServiceError
from wire.pin_proof import proof_message

MIN_PIN_CHARACTERS: Final = 6
"""Shortest new PIN: what NIST SP 800-63B-4 section 3.2.10 recommends for one that is verified centrally."""

_KEY_BYTES: Final = 32


def require_pin_length(pin: Passphrase) -> None:
    """Raise ServiceError (PIN_UNSUITABLE) unless it is long enough for a new PIN."""
    if pin.characters < MIN_PIN_CHARACTERS:
        raise ServiceError("PIN_UNSUITABLE", problem=f"it is shorter than {MIN_PIN_CHARACTERS} characters")


class PinKeys(Secret):
    """What a PIN and the server's guard give together.

    Args:
        output: of the oblivious PRF, 64 bytes.
    """

    __slots__ = ("_proof_key", "wrapping_key")

    def __init__(self, output: bytes) -> None:
        self.wrapping_key = _derive(output, b"fourseal key store v1: PIN")
        """Wraps the data key, 32 bytes."""
        self._proof_key = Ed25519PrivateKey.from_private_bytes(_derive(output, b"fourseal key store v1: PIN proof"))

    @property
    def proof_public_key(self) -> bytes:
        """By which the server knows a right PIN, 32 bytes."""
        return self._proof_key.public_key().public_bytes_raw()

    def prove(self, guard_sha256: bytes, attempt: int) -> bytes:
        """The proof that an attempt was with the right PIN, 64 bytes."""
        return self._proof_key.sign(proof_message(guard_sha256, attempt))


def _derive(output: bytes, purpose: bytes) -> bytes:
    return HKDFExpand(SHA256(), _KEY_BYTES, purpose).derive(output)
