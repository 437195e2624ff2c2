"""The algorithms there are: hashes, signature algorithms, OAEP parameters. All else is refused."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding as rsa_padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

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

    @classmethod
    def from_cryptography(cls, chosen: object) -> HashAlgorithm:
        """The hash that ``cryptography`` names so, or that is named by its ``Prehashed``.

        Raises:
            UnsupportedAlgorithm: another one.
        """
        named = chosen._algorithm if isinstance(chosen, Prehashed) else chosen  # noqa: SLF001  # it has no public name
        for algorithm, known in _CRYPTOGRAPHY_HASHES.items():
            if type(named) is known:
                return algorithm
        raise UnsupportedAlgorithm("SHA-256, SHA-384 and SHA-512 are taken")


def digest_of(data: bytes, chosen: object) -> bytes:
    """The digest of what ``cryptography`` is given to sign: data, or with ``Prehashed`` the digest itself."""
    return bytes(data) if isinstance(chosen, Prehashed) else HashAlgorithm.from_cryptography(chosen).digest(data)


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

    @classmethod
    def from_cryptography(cls, padding: object, chosen: object) -> SignatureAlgorithm:
        """The algorithm that ``cryptography`` names by a padding and a hash, or its ``Prehashed``.

        Raises:
            UnsupportedAlgorithm: another one.
        """
        hash_algorithm = HashAlgorithm.from_cryptography(chosen)
        if isinstance(padding, rsa_padding.PKCS1v15):
            return cls(f"rsa-pkcs1-{hash_algorithm}")
        if not isinstance(padding, rsa_padding.PSS):
            raise UnsupportedAlgorithm("signatures are made with PSS or PKCS1v15")
        length = padding._salt_length  # noqa: SLF001  # it has no public name
        if length not in (rsa_padding.PSS.DIGEST_LENGTH, hash_algorithm.digest_size):
            raise UnsupportedAlgorithm("PSS takes a salt of the hash's length: PSS.DIGEST_LENGTH")
        if _mgf_hash(padding) is not hash_algorithm:
            raise UnsupportedAlgorithm("PSS takes MGF1 of the same hash")
        return cls(f"rsa-pss-{hash_algorithm}")


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

    @classmethod
    def from_cryptography(cls, padding: object) -> OaepParameters:
        """What ``cryptography`` names so.

        Raises:
            UnsupportedAlgorithm: another padding, or another hash.
            MalformedInput: LABEL_TOO_LONG.
        """
        if not isinstance(padding, rsa_padding.OAEP):
            raise UnsupportedAlgorithm("OAEP is decrypted, and no other padding")
        label = padding._label or b""  # noqa: SLF001  # it has no public name
        return cls(HashAlgorithm.from_cryptography(padding.algorithm), _mgf_hash(padding), label)


def _mgf_hash(padding: rsa_padding.PSS | rsa_padding.OAEP) -> HashAlgorithm:
    return HashAlgorithm.from_cryptography(padding.mgf._algorithm)  # noqa: SLF001  # it has no public name
