"""The algorithms there are: hashes, signature algorithms, OAEP parameters. All else is refused."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding as rsa_padding

from mpc.errors import MalformedInput

if TYPE_CHECKING:
    from hashlib import _Hash

MAX_LABEL_BYTES = 1024
"""Longest OAEP label. RFC 8017 sets no useful limit; nobody needs more."""


class HashAlgorithm(StrEnum):
    """A hash function of FIPS 180-4."""

    SHA256 = "sha256"
    SHA384 = "sha384"
    SHA512 = "sha512"

    @property
    def digest_size(self) -> int:
        """Bytes of a digest: 32, 48 or 64."""
        return _DIGEST_SIZES[self]

    def new(self) -> _Hash:
        """Start a hash, to be fed with ``update``."""
        return hashlib.new(self.value)

    def digest(self, data: bytes) -> bytes:
        """Hash ``data`` at once."""
        return hashlib.new(self.value, data).digest()

    def to_cryptography(self) -> hashes.HashAlgorithm:
        """The same hash as ``cryptography`` names it."""
        return _CRYPTOGRAPHY_HASHES[self]()


_DIGEST_SIZES = {HashAlgorithm.SHA256: 32, HashAlgorithm.SHA384: 48, HashAlgorithm.SHA512: 64}
_CRYPTOGRAPHY_HASHES: dict[HashAlgorithm, type[hashes.HashAlgorithm]] = {
    HashAlgorithm.SHA256: hashes.SHA256,
    HashAlgorithm.SHA384: hashes.SHA384,
    HashAlgorithm.SHA512: hashes.SHA512,
}


class SignaturePadding(StrEnum):
    """The two signature paddings of RFC 8017."""

    PSS = "pss"
    PKCS1 = "pkcs1"


class SignatureAlgorithm(StrEnum):
    """Padding and hash together. PSS uses MGF1 with the same hash, and a salt of the hash's length."""

    PSS_SHA256 = "rsa-pss-sha256"
    PSS_SHA384 = "rsa-pss-sha384"
    PSS_SHA512 = "rsa-pss-sha512"
    PKCS1_SHA256 = "rsa-pkcs1-sha256"
    PKCS1_SHA384 = "rsa-pkcs1-sha384"
    PKCS1_SHA512 = "rsa-pkcs1-sha512"

    @property
    def hash(self) -> HashAlgorithm:
        """The hash of the document, and of MGF1."""
        return HashAlgorithm(self.value.rpartition("-")[2])

    @property
    def padding(self) -> SignaturePadding:
        """The padding."""
        return SignaturePadding(self.value.split("-")[1])

    @property
    def salt_length(self) -> int:
        """Bytes of salt: the hash's length for PSS, 0 for PKCS#1 v1.5."""
        return self.hash.digest_size if self.padding is SignaturePadding.PSS else 0

    def to_cryptography_padding(self) -> rsa_padding.PSS | rsa_padding.PKCS1v15:
        """The same padding as ``cryptography`` names it."""
        if self.padding is SignaturePadding.PKCS1:
            return rsa_padding.PKCS1v15()
        return rsa_padding.PSS(rsa_padding.MGF1(self.hash.to_cryptography()), self.salt_length)


@dataclass(frozen=True, slots=True)
class OaepParameters:
    """What sender and recipient of an RSAES-OAEP ciphertext must agree on (RFC 8017 section 7.1).

    Args:
        hash: hash of the label.
        mgf_hash: hash of MGF1. Software differs in its default here, so it is a field of its own.
        label: at most 1 KiB; nearly always empty.

    Raises:
        MalformedInput: LABEL_TOO_LONG.
    """

    hash: HashAlgorithm
    mgf_hash: HashAlgorithm
    label: bytes = b""

    def __post_init__(self) -> None:
        if len(self.label) > MAX_LABEL_BYTES:
            raise MalformedInput(
                "LABEL_TOO_LONG",
                f"the OAEP label has {len(self.label)} bytes, at most {MAX_LABEL_BYTES} are allowed",
                maximum=MAX_LABEL_BYTES,
                found=len(self.label),
            )

    def max_plaintext_bytes(self, modulus_bytes: int) -> int:
        """Longest plaintext for a modulus of that many bytes: k - 2 hLen - 2 (RFC 8017 section 7.1.1)."""
        return modulus_bytes - 2 * self.hash.digest_size - 2

    def to_cryptography_padding(self) -> rsa_padding.OAEP:
        """The same padding as ``cryptography`` names it."""
        return rsa_padding.OAEP(
            rsa_padding.MGF1(self.mgf_hash.to_cryptography()), self.hash.to_cryptography(), self.label or None
        )
