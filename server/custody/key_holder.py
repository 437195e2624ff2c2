"""Who has named keys, and which kinds of them there are."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import Connection

from mpc.four_prime_rsa import Purpose
from server.custody.private_keys import NamedKey
from server.custody.sealed_keys import PublicKey


class KeyKind(StrEnum):
    """Algorithm and size of a named key."""

    RSA_3072 = "rsa-3072"
    RSA_4096 = "rsa-4096"
    ECDSA_P256 = "ecdsa-p256"
    ECDSA_P384 = "ecdsa-p384"

    @property
    def rsa_bits(self) -> int | None:
        """Bits of the modulus; None for another algorithm. Only RSA keys decrypt."""
        return {KeyKind.RSA_3072: 3072, KeyKind.RSA_4096: 4096}.get(self)


CURVES: Final[dict[KeyKind, ec.EllipticCurve]] = {
    KeyKind.ECDSA_P256: ec.SECP256R1(),
    KeyKind.ECDSA_P384: ec.SECP384R1(),
}


class KeyHolder(Protocol):
    """Makes named keys, and knows them again. Safe to use from several threads at once."""

    @property
    def kind(self) -> str:
        """What its sealed secrets are, so that one holder's are not taken for another's."""

    @property
    def in_token(self) -> bool:
        """Whether its keys are objects of a token."""

    def make(self, name: str, kind: KeyKind, purpose: Purpose) -> NamedKey:
        """A new key. Takes up to some seconds.

        Raises:
            ServiceError: CUSTODY_UNAVAILABLE, CUSTODY_FULL.
        """

    def to_bytes(self, key: NamedKey) -> bytes:
        """What is to be sealed of a key."""

    def from_bytes(self, name: str, purpose: Purpose, public_key: PublicKey, data: bytes) -> NamedKey:
        """The key again.

        Raises:
            SealBroken: it is not that public key's.
        """

    def kept(self, connection: Connection, key: NamedKey, now: datetime) -> None:
        """Somebody has the key now: note it in the transaction that stores what was sealed of it."""
