"""Integers as bytes of a fixed length, and hashing of several fields."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpc.errors import MalformedInput
from mpc.four_prime_rsa.integers import hash_fields, integer_from_bytes, integer_to_bytes
from tests.mpc.refusals import malformed

field_lists = st.lists(st.binary(max_size=6), max_size=4)


@given(st.integers(0, 1 << 4096), st.integers(513, 600))
def test_there_and_back(value: int, length: int) -> None:
    """Every number, at every length that holds it."""
    data = integer_to_bytes(value, length)
    assert len(data) == length
    assert integer_from_bytes(data, length, reason="R", what="it") == value


def test_byte_order() -> None:
    """258 = 1 * 256 + 2, the large part first."""
    assert integer_to_bytes(258, 3) == b"\0\1\2"
    assert integer_from_bytes(b"\0\1\2", 3, reason="R", what="it") == 258


@pytest.mark.parametrize("data", [b"", b"\1", b"\0\0\1"])
def test_other_lengths_are_refused(data: bytes) -> None:
    """For the reason that the caller gives, saying what it is and how long it should be."""
    with malformed("THING_MALFORMED"):
        integer_from_bytes(data, 2, reason="THING_MALFORMED", what="the thing")
    with pytest.raises(MalformedInput, match=f"the thing has {len(data)} bytes, must have 2") as caught:
        integer_from_bytes(data, 2, reason="THING_MALFORMED", what="the thing")
    assert caught.value.metadata == {"what": "the thing", "expected": "2", "found": str(len(data))}


def test_hash_of_fields_is_that_of_the_protocol() -> None:
    """docs/protocol.md: lengths as four bytes, domain first."""
    expected = hashlib.sha256(bytes.fromhex("00000001 61 00000002 6263 00000000")).digest()
    assert hash_fields("a", b"bc", b"") == expected


@given(st.text(max_size=3), field_lists, st.text(max_size=3), field_lists)
def test_different_fields_have_different_hashes(
    domain: str, fields: list[bytes], other_domain: str, other_fields: list[bytes]
) -> None:
    """No way of cutting the same bytes gives the same hash."""
    same = (domain, fields) == (other_domain, other_fields)
    assert (hash_fields(domain, *fields) == hash_fields(other_domain, *other_fields)) is same


@given(field_lists.filter(len))
def test_moving_a_boundary_changes_the_hash(fields: list[bytes]) -> None:
    """All in one field is another list."""
    joined = b"".join(fields)
    assert fields == [joined] or hash_fields("d", *fields) != hash_fields("d", joined)
