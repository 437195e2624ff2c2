"""Integers as fixed-length big-endian bytes (RFC 8017 I2OSP and OS2IP), and hashing of several fields at once."""

from __future__ import annotations

import hashlib

from mpc.errors import MalformedInput


def integer_to_bytes(value: int, length: int) -> bytes:
    """I2OSP: ``value`` (0 <= value < 256^length) as exactly ``length`` bytes."""
    return value.to_bytes(length, "big")


def integer_from_bytes(data: bytes, length: int, *, reason: str, what: str) -> int:
    """OS2IP of exactly ``length`` bytes.

    Raises:
        MalformedInput: with ``reason``, when ``data`` has another length. There is one encoding of every number, so
            that a repeated request is equal byte by byte.
    """
    if len(data) != length:
        raise MalformedInput(
            reason, f"{what} has {len(data)} bytes, must have {length}", what=what, expected=length, found=len(data)
        )
    return int.from_bytes(data, "big")


def hash_fields(domain: str, *fields: bytes) -> bytes:
    """SHA-256 over a domain string and fields, each preceded by its length, so that no two lists collide.

    Args:
        domain: names protocol, version and step; hashed first, as UTF-8.
        fields: each at most 2^32 - 1 bytes.

    Returns:
        32 bytes: SHA-256(len(domain) || domain || len(field 1) || field 1 || ...), lengths as four big-endian bytes.
    """
    digest = hashlib.sha256()
    for field in (domain.encode(), *fields):
        digest.update(len(field).to_bytes(4, "big"))
        digest.update(field)
    return digest.digest()
