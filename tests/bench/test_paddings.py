"""Padded messages with one thing wrong: the test of decryption times is worth nothing unless each is what it says."""

from __future__ import annotations

import pytest

from bench.rig.paddings import CONTROL, KINDS, OAEP, RANDOM, RANDOM_LARGE, REFERENCE, VALID, make_padded
from mpc.errors import DecryptionFailed
from mpc.four_prime_rsa.encodings import oaep
from mpc.four_prime_rsa.encodings.mgf1 import mgf1, xor

BYTES = 512


def _data_block(padded: bytes) -> bytes:
    size = OAEP.hash.digest_size
    seed = xor(padded[1 : 1 + size], mgf1(padded[1 + size :], size, OAEP.mgf_hash))
    return xor(padded[1 + size :], mgf1(seed, len(padded) - 1 - size, OAEP.mgf_hash))


def test_valid_one_is_decoded() -> None:
    """A content key comes out."""
    assert len(oaep.decode(make_padded(VALID, BYTES), OAEP)) == 32


@pytest.mark.parametrize("kind", KINDS[1:])
def test_each_other_one_fails(kind: str) -> None:
    """Of the right length, below every modulus, and refused."""
    padded = make_padded(kind, BYTES)
    assert len(padded) == BYTES
    assert padded[0] < 0x80
    with pytest.raises(DecryptionFailed):
        oaep.decode(padded, OAEP)


def test_one_thing_alone_is_wrong() -> None:
    """Each differs from a valid one in what its name says."""
    size, zeros = 32, BYTES - 2 * 32 - 2 - 32
    label = OAEP.hash.digest(b"")
    assert make_padded("first byte not zero, else valid", BYTES)[0] != 0
    assert _data_block(make_padded("first byte not zero, else valid", BYTES))[:size] == label
    other_label = _data_block(make_padded("label's hash wrong", BYTES))
    assert other_label[:size] != label
    assert other_label[size : size + zeros + 1] == bytes(zeros) + b"\x01"
    early = _data_block(make_padded("wrong byte early in the padding", BYTES))
    assert early[:size] == label
    assert early[size] > 1
    late = _data_block(make_padded("wrong byte at the separator", BYTES))
    assert late[size : size + zeros] == bytes(zeros)
    assert late[size + zeros] > 1
    for kind in (REFERENCE, CONTROL):
        assert _data_block(make_padded(kind, BYTES)) == label + bytes(zeros + 1 + 32)
    assert make_padded(RANDOM, BYTES)[0] == 0
    assert make_padded(RANDOM_LARGE, BYTES)[0] != 0


def test_each_is_fresh() -> None:
    """No value is timed twice."""
    assert all(make_padded(kind, BYTES) != make_padded(kind, BYTES) for kind in KINDS)
