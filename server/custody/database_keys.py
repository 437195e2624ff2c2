"""Named keys whose numbers are in this process, opened from sealed rows."""

from __future__ import annotations

from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from sqlalchemy import Connection

from mpc.four_prime_rsa import HashAlgorithm, OaepParameters, Purpose, SignatureAlgorithm
from server.custody.key_holder import CURVES, KeyKind
from server.custody.private_keys import NamedEcKey, NamedKey, NamedRsaKey
from server.custody.sealed_keys import PlainKey, PublicKey, context_of_key, private_key_from_bytes, private_key_to_bytes
from server.custody.sealing import SealBroken

_EXPONENT = 65537


class OpenedRsaKey(NamedRsaKey):
    """One that was opened."""

    def __init__(self, name: str, purpose: Purpose, key: rsa.RSAPrivateKey) -> None:
        super().__init__(name, purpose, key.public_key())
        self.opened = key

    def _sign(self, digest: bytes, algorithm: SignatureAlgorithm) -> bytes:
        hashed = Prehashed(algorithm.hash.to_cryptography())
        return self.opened.sign(digest, algorithm.to_cryptography_padding(), hashed)

    def _decrypt(self, ciphertext: bytes, parameters: OaepParameters) -> bytes:
        return self.opened.decrypt(ciphertext, parameters.to_cryptography_padding())


class OpenedEcKey(NamedEcKey):
    """One that was opened."""

    def __init__(self, name: str, key: ec.EllipticCurvePrivateKey) -> None:
        super().__init__(name, key.public_key())
        self.opened = key

    def _sign(self, digest: bytes, algorithm: HashAlgorithm) -> bytes:
        return self.opened.sign(digest, ec.ECDSA(Prehashed(algorithm.to_cryptography())))


class DatabaseKeys:
    """See ``KeyHolder``."""

    kind = context_of_key("").kind
    in_token = False

    def make(self, name: str, kind: KeyKind, purpose: Purpose) -> NamedKey:
        """See ``KeyHolder``."""
        if kind.rsa_bits is not None:
            return _opened(name, purpose, rsa.generate_private_key(_EXPONENT, kind.rsa_bits))
        return _opened(name, purpose, ec.generate_private_key(CURVES[kind]))

    def to_bytes(self, key: NamedKey) -> bytes:
        """Its numbers."""
        assert isinstance(key, OpenedRsaKey | OpenedEcKey)  # noqa: S101  # it gives no others
        return private_key_to_bytes(key.opened)

    def from_bytes(self, name: str, purpose: Purpose, public_key: PublicKey, data: bytes) -> NamedKey:
        """See ``KeyHolder``."""
        key = private_key_from_bytes(data)
        if key.public_key() != public_key:
            raise SealBroken(name)
        return _opened(name, purpose, key)

    def kept(self, connection: Connection, key: NamedKey, now: datetime) -> None:
        """Its row is all there is of it."""


def _opened(name: str, purpose: Purpose, key: PlainKey) -> NamedKey:
    return OpenedRsaKey(name, purpose, key) if isinstance(key, rsa.RSAPrivateKey) else OpenedEcKey(name, key)
