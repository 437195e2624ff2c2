"""A log with its key, a witness, and a receipt to test with. Keys are fixed: a failure can be repeated."""

from __future__ import annotations

import hashlib
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.transparency.trees import LEAVES, NODES, ROOTS
from transparency.checkpoint import Checkpoint
from transparency.keys import VerifierKey
from transparency.proofs import inclusion_proof
from transparency.receipt import Receipt


def private_key(name: str) -> Ed25519PrivateKey:
    """The same for the same name."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())


ORIGIN: Final = "example.com/log"
LOG: Final = private_key(ORIGIN)
LOG_KEY: Final = VerifierKey.of(ORIGIN, LOG)


def checkpoint(size: int) -> Checkpoint:
    """Of the small tree."""
    return Checkpoint(ORIGIN, size, ROOTS[size])


def receipt(index: int, size: int) -> Receipt:
    """Of a leaf of the small tree."""
    return Receipt(index, inclusion_proof(index, size, NODES), checkpoint(size).sign(LOG))


def leaf(index: int) -> bytes:
    """Data of a leaf of the small tree."""
    return LEAVES[index]
