"""Signatures by one key alone: a signer's in the separate scheme and in proofs of possession, and a session's half.

One algorithm belongs to each kind of key, so none is chosen:

* RSA: RSASSA-PSS with SHA-256, MGF1 with SHA-256, a salt of 32 bytes; exactly the length of the modulus;
* ECDSA on P-256 with SHA-256: DER, s at most half the order. Of (r, s) and (r, n - s), which both hold, one is
  accepted: a signature in evidence has no second form that somebody else could make;
* Ed25519 (RFC 8032), over the data itself.

Each makes its own randomness (OpenSSL's). What is signed must say what it is: every structure that a signer's key signs
begins differently, docs/formats.md.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from contract.errors import VerificationFailed
from contract.profiles import require_signer_key
from mpc.errors import MalformedInput
from mpc.four_prime_rsa import Purpose

SignerPrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
"""A key that signs alone. May be a subclass that reaches a smart card."""

MAX_SIGNATURE_BYTES: Final = 1024
"""Longest signature by one key: RSA of 8192 bits."""

_SALT_BYTES: Final = 32
_P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # SP 800-186, 3.2.1.3


class SignerAlgorithm(StrEnum):
    """The algorithm of each kind of key."""

    RSA_PSS_SHA256 = "rsa-pss-sha256"
    ECDSA_P256_SHA256 = "ecdsa-p256-sha256"
    ED25519 = "ed25519"

    @property
    def number(self) -> int:
        """As it stands in a signature: 1, 2 or 3."""
        return _ALGORITHM_NUMBERS[self]


_ALGORITHM_NUMBERS: Final = {
    SignerAlgorithm.RSA_PSS_SHA256: 1,
    SignerAlgorithm.ECDSA_P256_SHA256: 2,
    SignerAlgorithm.ED25519: 3,
}
SIGNER_ALGORITHMS: Final = {number: algorithm for algorithm, number in _ALGORITHM_NUMBERS.items()}
"""By number."""


def algorithm_of(public_key: object) -> SignerAlgorithm:
    """The algorithm that a key signs with.

    Raises:
        MalformedInput: SIGNER_KEY_UNSUITABLE.
    """
    key = require_signer_key(Purpose.SIGN, public_key)
    if isinstance(key, rsa.RSAPublicKey):
        return SignerAlgorithm.RSA_PSS_SHA256
    if isinstance(key, ec.EllipticCurvePublicKey):
        return SignerAlgorithm.ECDSA_P256_SHA256
    return SignerAlgorithm.ED25519


def sign_alone(private_key: SignerPrivateKey, data: bytes) -> bytes:
    """Sign with the algorithm of the key.

    Raises:
        MalformedInput: SIGNER_KEY_UNSUITABLE.
    """
    algorithm_of(private_key.public_key())
    if isinstance(private_key, rsa.RSAPrivateKey):
        return private_key.sign(data, _pss(), SHA256())
    if isinstance(private_key, ec.EllipticCurvePrivateKey):
        r, s = decode_dss_signature(private_key.sign(data, ec.ECDSA(SHA256())))
        return encode_dss_signature(r, min(s, _P256_ORDER - s))
    return private_key.sign(data)


def check_signature_alone(public_key: object, signature: bytes, data: bytes) -> None:
    """Check a signature by one key.

    Raises:
        MalformedInput: SIGNER_KEY_UNSUITABLE.
        VerificationFailed: SIGNATURE_INVALID, for every cause.
    """
    key = require_signer_key(Purpose.SIGN, public_key)
    try:
        if isinstance(key, rsa.RSAPublicKey):
            _require_valid(len(signature) == key.key_size // 8)  # OpenSSL takes shorter ones as well
            key.verify(signature, data, _pss(), SHA256())
        elif isinstance(key, ec.EllipticCurvePublicKey):
            r, s = decode_dss_signature(signature)
            _require_valid(s <= _P256_ORDER // 2 and encode_dss_signature(r, s) == signature)
            key.verify(signature, data, ec.ECDSA(SHA256()))
        elif isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, data)
        else:
            raise MalformedInput("SIGNER_KEY_UNSUITABLE", "a signer cannot have this key to sign", purpose="sign")
    except (InvalidSignature, ValueError):
        raise VerificationFailed("SIGNATURE_INVALID", "the signature does not hold") from None


def _require_valid(holds: object) -> None:
    if not holds:
        raise InvalidSignature


def _pss() -> padding.PSS:
    return padding.PSS(padding.MGF1(SHA256()), _SALT_BYTES)
