"""MGF1 and the exclusive or beside it."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpc.four_prime_rsa import HashAlgorithm
from mpc.four_prime_rsa.encodings.mgf1 import mgf1, xor


def test_mask_is_hashes_of_seed_and_counter() -> None:
    """SHA-256 of seed || 00000000, then of seed || 00000001, cut to the length (RFC 8017 appendix B.2.1)."""
    blocks = hashlib.sha256(b"seed\0\0\0\0").digest() + hashlib.sha256(b"seed\0\0\0\1").digest()
    assert mgf1(b"seed", 40, HashAlgorithm.SHA256) == blocks[:40]


@pytest.mark.parametrize("algorithm", HashAlgorithm)
@pytest.mark.parametrize("length", [0, 1, 31, 32, 33, 64, 65, 1024])
def test_mask_has_the_length_asked_for(algorithm: HashAlgorithm, length: int) -> None:
    """A shorter mask is the beginning of a longer one."""
    mask = mgf1(b"seed", length, algorithm)
    assert len(mask) == length
    assert mgf1(b"seed", length + 100, algorithm)[:length] == mask


def test_xor_of_bytes() -> None:
    """0f ^ f0 = ff, 01 ^ 01 = 00: leading zeros stay."""
    assert xor(b"\x01\x0f", b"\x01\xf0") == b"\x00\xff"


@given(st.binary(max_size=200), st.data())
def test_xor_twice_is_nothing(left: bytes, data: st.DataObject) -> None:
    """Each byte by itself, and back."""
    right = data.draw(st.binary(min_size=len(left), max_size=len(left)))
    mixed = xor(left, right)
    assert list(mixed) == [a ^ b for a, b in zip(left, right, strict=True)]
    assert xor(mixed, right) == left
