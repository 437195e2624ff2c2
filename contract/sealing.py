"""Sealing a few bytes for one key alone, bound to a label: one mechanism for each kind of key.

* X25519: HPKE (RFC 9180, base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM), the label as its info;
* RSA: RSAES-OAEP with SHA-256, MGF1 with SHA-256, the label as its label (RFC 8017).

Both take OpenSSL's randomness: the same bytes, sealed twice, never look the same.
"""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import rsa, x25519
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from contract.key_ciphertext import TAG_BYTES
from mpc.errors import DecryptionFailed, MalformedInput
from mpc.four_prime_rsa import DecryptionShare, HashAlgorithm, OaepParameters, Purpose, decrypt_alone

SealingPublicKey = rsa.RSAPublicKey | x25519.X25519PublicKey
"""A key that can be sealed for."""
SealingPrivateKey = rsa.RSAPrivateKey | x25519.X25519PrivateKey | DecryptionShare
"""A key that opens what was sealed for it: a half too. May be a subclass that reaches a smart card."""

HPKE_OVERHEAD: Final = 32 + TAG_BYTES
"""Bytes that HPKE adds: the encapsulated key, and the tag."""

_HPKE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def oaep_parameters(label: bytes) -> OaepParameters:
    """The OAEP parameters for a label: SHA-256, MGF1 with SHA-256."""
    return OaepParameters(HashAlgorithm.SHA256, HashAlgorithm.SHA256, label)


def seal(plaintext: bytes, public_key: object, label: bytes) -> bytes:
    """Seal bytes for one key.

    Args:
        plaintext: secret; at most 190 bytes.
        public_key: RSA or X25519.
        label: what it is bound to.

    Raises:
        MalformedInput: SIGNER_KEY_UNSUITABLE: a key of another kind.
    """
    if isinstance(public_key, rsa.RSAPublicKey):
        return public_key.encrypt(plaintext, oaep_parameters(label).to_cryptography_padding())
    if isinstance(public_key, x25519.X25519PublicKey):
        return _HPKE.encrypt(plaintext, public_key, label)
    raise MalformedInput("SIGNER_KEY_UNSUITABLE", "a signer cannot have this key to decrypt", purpose=Purpose.DECRYPT)


def unseal(private_key: SealingPrivateKey, ciphertext: bytes, label: bytes) -> bytes:
    """Open what ``seal`` made, with the same label.

    Raises:
        DecryptionFailed: for every cause.
    """
    try:
        if isinstance(private_key, DecryptionShare):
            return decrypt_alone(private_key, ciphertext, oaep_parameters(label))
        if isinstance(private_key, rsa.RSAPrivateKey):
            return private_key.decrypt(ciphertext, oaep_parameters(label).to_cryptography_padding())
        return _HPKE.decrypt(ciphertext, private_key, label)
    except (ValueError, InvalidTag):
        raise DecryptionFailed from None
