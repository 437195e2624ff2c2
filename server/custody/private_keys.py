"""Private keys in custody as objects of ``cryptography``: each does one of the two, signs or decrypts, and stays."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, NoReturn, Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import AsymmetricPadding
from cryptography.hazmat.primitives.asymmetric.utils import NoDigestInfo, Prehashed
from cryptography.hazmat.primitives.serialization import Encoding, KeySerializationEncryption, PrivateFormat

from mpc.errors import DecryptionFailed, WrongPurpose
from mpc.four_prime_rsa import HashAlgorithm, OaepParameters, Purpose, SignatureAlgorithm, digest_of

Buffer = bytes | bytearray | memoryview


class _InCustody:
    """What all named keys have in common: one purpose, and no way out."""

    name: str
    purpose: Purpose

    def _require(self, wanted: Purpose) -> None:
        if self.purpose is not wanted:
            raise WrongPurpose(wanted=wanted, found=self.purpose)

    def private_numbers(self) -> NoReturn:
        """Raise UnsupportedAlgorithm: they stay in custody."""
        raise UnsupportedAlgorithm("the private key stays in custody")

    def private_bytes(
        self,
        encoding: Encoding,  # noqa: ARG002  # the signature of cryptography
        format: PrivateFormat,  # noqa: A002, ARG002
        encryption_algorithm: KeySerializationEncryption,  # noqa: ARG002
    ) -> NoReturn:
        """Raise UnsupportedAlgorithm: they stay in custody."""
        raise UnsupportedAlgorithm("the private key stays in custody")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} {self.purpose}>"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self


class NamedRsaKey(_InCustody, rsa.RSAPrivateKey):
    """An RSA key in custody.

    Args:
        name: of the key.
        purpose: the one thing that it does.
        public_key: its public key.
    """

    def __init__(self, name: str, purpose: Purpose, public_key: rsa.RSAPublicKey) -> None:
        self.name = name
        self.purpose = purpose
        self._public_key = public_key

    @property
    def key_size(self) -> int:
        """Bits of the modulus."""
        return self._public_key.key_size

    def public_key(self) -> rsa.RSAPublicKey:
        """Its public key."""
        return self._public_key

    def sign(
        self, data: bytes, padding: AsymmetricPadding, algorithm: Prehashed | hashes.HashAlgorithm | NoDigestInfo
    ) -> bytes:
        """Sign data, or its digest (Prehashed). Waits.

        Raises:
            UnsupportedAlgorithm: see ``SignatureAlgorithm.from_cryptography``.
            FoursealError: WRONG_PURPOSE, DIGEST_LENGTH_WRONG; CUSTODY_UNAVAILABLE, NAMED_KEY_DAMAGED.
        """
        self._require(Purpose.SIGN)
        chosen = SignatureAlgorithm.from_cryptography(padding, algorithm)
        return self._sign(digest_of(data, algorithm), chosen)

    def decrypt(self, ciphertext: bytes, padding: AsymmetricPadding) -> bytes:
        """Decrypt an RSAES-OAEP ciphertext. Waits.

        Raises:
            ValueError: the one failure of decryption, as ``cryptography`` has it; or what is no ciphertext for the key.
            UnsupportedAlgorithm: another padding or hash.
            FoursealError: WRONG_PURPOSE, LABEL_TOO_LONG; CUSTODY_UNAVAILABLE, NAMED_KEY_DAMAGED.
        """
        self._require(Purpose.DECRYPT)
        parameters = OaepParameters.from_cryptography(padding)
        size, modulus = (self.key_size + 7) // 8, self._public_key.public_numbers().n
        if len(ciphertext) != size or int.from_bytes(ciphertext, "big") >= modulus:
            raise ValueError("this is no ciphertext for this key")
        try:
            return self._decrypt(bytes(ciphertext), parameters)
        except DecryptionFailed:
            raise ValueError("Decryption failed") from None

    @abstractmethod
    def _sign(self, digest: bytes, algorithm: SignatureAlgorithm) -> bytes:
        """Sign."""

    @abstractmethod
    def _decrypt(self, ciphertext: bytes, parameters: OaepParameters) -> bytes:
        """Decrypt. Raises DecryptionFailed, or ValueError of the same words."""


class NamedEcKey(_InCustody, ec.EllipticCurvePrivateKey):
    """An ECDSA key in custody. It signs.

    Args:
        name: of the key.
        public_key: its public key.
    """

    purpose = Purpose.SIGN

    def __init__(self, name: str, public_key: ec.EllipticCurvePublicKey) -> None:
        self.name = name
        self._public_key = public_key

    @property
    def curve(self) -> ec.EllipticCurve:
        """P-256 or P-384."""
        return self._public_key.curve

    @property
    def key_size(self) -> int:
        """Bits of the curve."""
        return self.curve.key_size

    def public_key(self) -> ec.EllipticCurvePublicKey:
        """Its public key."""
        return self._public_key

    def sign(self, data: Buffer, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        """Sign data, or its digest (Prehashed), by ECDSA. Waits. Raises as ``NamedRsaKey.sign``."""
        if not isinstance(signature_algorithm, ec.ECDSA):
            raise UnsupportedAlgorithm("signatures are made by ECDSA")
        chosen = HashAlgorithm.from_cryptography(signature_algorithm.algorithm)
        return self._sign(digest_of(bytes(data), signature_algorithm.algorithm), chosen)

    def exchange(self, algorithm: ec.ECDH, peer_public_key: ec.EllipticCurvePublicKey) -> NoReturn:  # noqa: ARG002
        """Raise UnsupportedAlgorithm: it signs, and does nothing else."""
        raise UnsupportedAlgorithm("this key signs, and does nothing else")

    @abstractmethod
    def _sign(self, digest: bytes, algorithm: HashAlgorithm) -> bytes:
        """Sign."""


NamedKey = NamedRsaKey | NamedEcKey
