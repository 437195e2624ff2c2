"""What an organisation's key does in one use: it signs a digest, or decrypts a ciphertext, by an algorithm."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from mpc.four_prime_rsa import HashAlgorithm, OaepParameters, Purpose, SignatureAlgorithm

OrganisationPublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey
"""Kinds of key that organisations have."""

_OAEP: Final = "rsa-oaep"
_ECDSA: Final = "ecdsa"


class KeyOperation(StrEnum):
    """An algorithm, by the name that stands in a use's request. OAEP: the label's hash, then that of MGF1."""

    PSS_SHA256 = "rsa-pss-sha256"
    PSS_SHA384 = "rsa-pss-sha384"
    PSS_SHA512 = "rsa-pss-sha512"
    PKCS1_SHA256 = "rsa-pkcs1-sha256"
    PKCS1_SHA384 = "rsa-pkcs1-sha384"
    PKCS1_SHA512 = "rsa-pkcs1-sha512"
    ECDSA_SHA256 = "ecdsa-sha256"
    ECDSA_SHA384 = "ecdsa-sha384"
    ECDSA_SHA512 = "ecdsa-sha512"
    OAEP_SHA256_SHA256 = "rsa-oaep-sha256-sha256"
    OAEP_SHA256_SHA384 = "rsa-oaep-sha256-sha384"
    OAEP_SHA256_SHA512 = "rsa-oaep-sha256-sha512"
    OAEP_SHA384_SHA256 = "rsa-oaep-sha384-sha256"
    OAEP_SHA384_SHA384 = "rsa-oaep-sha384-sha384"
    OAEP_SHA384_SHA512 = "rsa-oaep-sha384-sha512"
    OAEP_SHA512_SHA256 = "rsa-oaep-sha512-sha256"
    OAEP_SHA512_SHA384 = "rsa-oaep-sha512-sha384"
    OAEP_SHA512_SHA512 = "rsa-oaep-sha512-sha512"

    @classmethod
    def of_oaep(cls, parameters: OaepParameters) -> KeyOperation:
        """The decryption with these hashes; the label stands beside it."""
        return cls(f"{_OAEP}-{parameters.hash}-{parameters.mgf_hash}")

    @classmethod
    def of_ecdsa(cls, hash_algorithm: HashAlgorithm) -> KeyOperation:
        """The ECDSA signature of digests by that hash."""
        return cls(f"{_ECDSA}-{hash_algorithm}")

    @classmethod
    def of_signature(cls, algorithm: SignatureAlgorithm) -> KeyOperation:
        """The RSA signature by that algorithm."""
        return cls(algorithm.value)

    @property
    def purpose(self) -> Purpose:
        """Whether it signs or decrypts."""
        return Purpose.DECRYPT if self.value.startswith(_OAEP) else Purpose.SIGN

    @property
    def is_ecdsa(self) -> bool:
        """Whether it is for keys on elliptic curves; all others are for RSA keys."""
        return self.value.startswith(_ECDSA)

    @property
    def hash(self) -> HashAlgorithm:
        """Of the document that is signed, or of MGF1."""
        return HashAlgorithm(self.value.rpartition("-")[2])

    def signature_algorithm(self) -> SignatureAlgorithm:
        """The RSA signature algorithm. Raises ValueError for what is none."""
        return SignatureAlgorithm(self.value)

    def oaep(self, label: bytes) -> OaepParameters:
        """The parameters of a decryption. Raises ValueError for what is none."""
        _, _, hash_name, mgf_name = self.value.split("-")
        return OaepParameters(HashAlgorithm(hash_name), HashAlgorithm(mgf_name), label)

    def fits(self, public_key: OrganisationPublicKey) -> bool:
        """Whether a key of that kind can do it."""
        return self.is_ecdsa is isinstance(public_key, ec.EllipticCurvePublicKey)
