"""The trailer: signed statement and content description, sealed. It follows the content, whose digest it has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from contract import der
from contract.content_key import TrailerKey
from contract.description import ContentDescription
from contract.errors import ContentDamaged
from contract.key_ciphertext import TAG_BYTES
from contract.signatures import (
    Signature,
    SignatureStructure,
    signature_from_structure,
    signature_to_structure,
)
from contract.statement import MAX_STATEMENT_BYTES, Statement

MAX_TRAILER_BYTES: Final = MAX_STATEMENT_BYTES + (16 << 10)
"""Longest sealed trailer that is looked at: statement, description, signature, and what frames them."""

_TRAILER_REASON: Final = "TRAILER_MALFORMED"
_ZERO_NONCE: Final = bytes(12)


@dataclass(frozen=True, slots=True)
class SignedStatement:
    """What the author signed, what it is about, and the signature. Well-formed; whether it holds says ``verification``.

    Confidential: the description says what the content is. Author and recipients have it, and whom they show it to.

    Args:
        statement: what was signed.
        description: of the content.
        signature: of the statement.
    """

    statement: Statement
    description: ContentDescription
    signature: Signature

    def to_der(self) -> bytes:
        """DER of SignedStatement: docs/formats.md."""
        return der.write_structure(
            _SignedStatement(
                statement=self.statement.to_der(),
                description=self.description.to_der(),
                signature=signature_to_structure(self.signature),
            )
        )

    @classmethod
    def from_der(cls, data: bytes) -> Self:
        """Read ``to_der``.

        Raises:
            MalformedInput: TRAILER_MALFORMED, and what statement, description and signature raise.
        """
        read = der.read_structure(_SignedStatement, data, MAX_TRAILER_BYTES, reason=_TRAILER_REASON)
        signed = cls(
            Statement.from_der(read.statement),
            ContentDescription.from_der(read.description),
            signature_from_structure(read.signature),
        )
        der.require_canonical(data, signed.to_der(), reason=_TRAILER_REASON)
        return signed


def seal_trailer(key: TrailerKey, signed: SignedStatement) -> bytes:
    """Seal the trailer of an envelope. A trailer key seals one trailer, so its nonce is fixed.

    To seal the same one again gives the same bytes. Another one under the same key would undo AES-GCM: who sends again
    after a break must have kept the signed statement.
    """
    return AESGCM(key.to_secret_bytes()).encrypt(_ZERO_NONCE, signed.to_der(), None)


def open_trailer(key: TrailerKey, sealed: bytes) -> SignedStatement:
    """Open and read the trailer of an envelope.

    Raises:
        ContentDamaged: it does not open, for whatever cause.
        MalformedInput: it opens, so its author sealed it, and is not what it must be: as ``SignedStatement.from_der``.
    """
    if not TAG_BYTES <= len(sealed) <= MAX_TRAILER_BYTES:
        raise ContentDamaged
    try:
        opened = AESGCM(key.to_secret_bytes()).decrypt(_ZERO_NONCE, sealed, None)
    except InvalidTag:
        raise ContentDamaged from None
    return SignedStatement.from_der(opened)


@asn1.sequence
class _SignedStatement:
    statement: bytes
    description: bytes
    signature: SignatureStructure
