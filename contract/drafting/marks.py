"""Marks: the signatures that a watermark carries, M_1, M_2, ... in the source. Ed25519 (RFC 8032), 64 bytes.

Each is made over a ``ContractStatement`` by a key that the statement names, made for this one contract and forgotten
right after. So whoever gets hold of a signer's agent later finds no key that could mark another contract.
"""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from contract.drafting.statements import ContractStatement
from contract.errors import VerificationFailed
from mpc.engines.interface import Random

MARK_BYTES: Final = 64
"""Of every mark."""

_SEED_BYTES: Final = 32


def new_document_key(random: Random) -> Ed25519PrivateKey:
    """A key for one contract. Its caller MUST NOT keep it once the statement is marked.

    Args:
        random: gives that many random bytes; of cryptographic quality.
    """
    return Ed25519PrivateKey.from_private_bytes(random(_SEED_BYTES))


def make_mark(key: Ed25519PrivateKey, statement: ContractStatement) -> bytes:
    """The mark over a statement, by the key whose public half it names: 64 bytes."""
    return key.sign(statement.to_der())


def check_mark(statement: ContractStatement, mark: bytes) -> None:
    """Check a mark. Its caller MUST check the statement's joint signature: that vouches for the key.

    Raises:
        VerificationFailed: CONTRACT_MARK_INVALID.
    """
    try:
        Ed25519PublicKey.from_public_bytes(statement.document_key).verify(mark, statement.to_der())
    except (InvalidSignature, ValueError):
        raise VerificationFailed(
            "CONTRACT_MARK_INVALID", "the mark is not by the key that the statement names", account=statement.signer
        ) from None
