"""Hashes of the tree: RFC 9162 section 2.1.1, with SHA-256.

A leaf and an inner node are hashed with different first bytes, so that neither passes for the other.
"""

from __future__ import annotations

import hashlib
from typing import Final

HASH_BYTES: Final = 32
"""Bytes of every hash."""
EMPTY_ROOT: Final = hashlib.sha256().digest()
"""Root hash of the tree without leaves."""

_LEAF: Final = b"\x00"
_INNER: Final = b"\x01"


def hash_leaf(data: bytes) -> bytes:
    """SHA-256(0x00 || data), 32 bytes.

    Args:
        data: the leaf, of any length.
    """
    return hashlib.sha256(_LEAF + data).digest()


def hash_children(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right), 32 bytes.

    Args:
        left: hash of the left child, 32 bytes.
        right: hash of the right child, 32 bytes.
    """
    return hashlib.sha256(_INNER + left + right).digest()
