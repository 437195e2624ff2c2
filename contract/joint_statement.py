"""Statements that accounts make: each jointly signed by the key of the personal certificate that it names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.asymmetric import rsa

from contract import der
from contract.errors import VerificationFailed
from contract.signer_keys import MAX_SIGNATURE_BYTES
from mpc.four_prime_rsa import SignatureAlgorithm

STATEMENT_ALGORITHM: Final = SignatureAlgorithm.PSS_SHA256
"""Of every signature of a statement. Its salt has 32 bytes."""
MAX_STATEMENT_BYTES: Final = 16 << 10
"""Longest statement that is looked at."""

_JOINT_STATEMENT_REASON: Final = "JOINT_STATEMENT_MALFORMED"


class PersonalStatement(Protocol):
    """What all of them have."""

    @property
    def signer(self) -> str:
        """The account that signs it."""

    @property
    def signer_certificate(self) -> bytes:
        """SHA-256 of that account's personal certificate, 32 bytes."""

    def to_der(self) -> bytes:
        """What is signed."""


@dataclass(frozen=True, slots=True)
class JointStatement:
    """A statement as it is kept and shown. Whether the signature holds says ``check``.

    Args:
        statement: DER of the statement.
        signature: big-endian, as long as the joint modulus.

    Raises:
        MalformedInput: JOINT_STATEMENT_MALFORMED.
    """

    statement: bytes
    signature: bytes

    def __post_init__(self) -> None:
        fits = 1 <= len(self.statement) <= MAX_STATEMENT_BYTES
        der.require_that(fits, "a statement of a wrong length", reason=_JOINT_STATEMENT_REASON)
        fits = 1 <= len(self.signature) <= MAX_SIGNATURE_BYTES
        der.require_that(fits, "a signature of a wrong length", reason=_JOINT_STATEMENT_REASON)

    def check(self, public_key: rsa.RSAPublicKey) -> None:
        """Check the signature. Its caller MUST check whose certificate the key stands in.

        Args:
            public_key: of the personal certificate that the statement names.

        Raises:
            VerificationFailed: SIGNATURE_INVALID.
        """
        algorithm = STATEMENT_ALGORITHM
        try:
            public_key.verify(
                self.signature, self.statement, algorithm.to_cryptography_padding(), algorithm.hash.to_cryptography()
            )
        except InvalidSignature:
            raise VerificationFailed("SIGNATURE_INVALID", "the signature of the statement does not hold") from None

    def to_der(self) -> bytes:
        """DER of JointStatement: docs/formats.md."""
        return der.write_structure(_JointStatement(statement=self.statement, signature=self.signature))

    @classmethod
    def from_der(cls, data: bytes) -> Self:
        """Read ``to_der``. Raises as the constructor does."""
        maximum = MAX_STATEMENT_BYTES + MAX_SIGNATURE_BYTES + 64
        read = der.read_structure(_JointStatement, data, maximum, reason=_JOINT_STATEMENT_REASON)
        signed = cls(read.statement, read.signature)
        der.require_canonical(data, signed.to_der(), reason=_JOINT_STATEMENT_REASON)
        return signed


@asn1.sequence
class _JointStatement:
    statement: bytes
    signature: bytes
