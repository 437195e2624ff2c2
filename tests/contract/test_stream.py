"""Sealed content: whatever is cut, moved, repeated, appended or flipped does not open, and all fail alike."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from itertools import pairwise

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from contract.content_key import ContentKey, StreamKey
from contract.stream import (
    SEALED_SEGMENT_BYTES,
    SEGMENT_BYTES,
    SegmentOpener,
    SegmentSealer,
    sealed_length,
)
from tests.contract.refusals import damaged
from tests.contract.structures import HEADER
from tests.mpc.refusals import malformed

KEY = ContentKey(b"K" * 32).stream_key(HEADER.core)
THREE = bytes(range(256)) * (2 * SEGMENT_BYTES // 256) + b"the end"


def seal(content: bytes, key: StreamKey = KEY) -> list[bytes]:
    """Every segment."""
    pieces = [content[begin : begin + SEGMENT_BYTES] for begin in range(0, len(content), SEGMENT_BYTES)] or [b""]
    sealer = SegmentSealer(key)
    return [bytes(sealer.seal(piece, last=number == len(pieces))) for number, piece in enumerate(pieces, start=1)]


def open_all(segments: list[bytes], key: StreamKey = KEY) -> bytes:
    """Everything, the last one as the last."""
    opener = SegmentOpener(key)
    return b"".join(
        bytes(opener.open(each, last=number == len(segments))) for number, each in enumerate(segments, start=1)
    )


@pytest.mark.parametrize(
    ("length", "segments"),
    [(0, 1), (1, 1), (SEGMENT_BYTES - 1, 1), (SEGMENT_BYTES, 1), (SEGMENT_BYTES + 1, 2), (2 * SEGMENT_BYTES, 2)],
)
def test_round_trip(length: int, segments: int) -> None:
    """Empty content too; each but the last segment is full."""
    content = THREE[:length]
    sealed = seal(content)
    assert len(sealed) == segments
    assert sum(map(len, sealed)) == sealed_length(length)
    assert open_all(sealed) == content
    assert seal(content) == sealed


@given(st.binary(max_size=300))
def test_any_short_content_round_trips(content: bytes) -> None:
    """In one segment."""
    assert open_all(seal(content)) == content


def test_nonces_are_counter_and_end() -> None:
    """As the format says: other software can open it."""
    first, second, third = seal(THREE)
    cipher = AESGCM(KEY.to_secret_bytes())
    assert cipher.decrypt(bytes(12), first, None) == THREE[:SEGMENT_BYTES]
    assert cipher.decrypt(bytes(10) + b"\x01\x00", second, None) == THREE[SEGMENT_BYTES : 2 * SEGMENT_BYTES]
    assert cipher.decrypt(bytes(10) + b"\x02\x01", third, None) == b"the end"


CHANGES: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "first dropped": lambda s: s[1:],
    "middle dropped": lambda s: [s[0], s[2]],
    "last dropped": lambda s: s[:2],
    "only the first": lambda s: s[:1],
    "swapped": lambda s: [s[1], s[0], s[2]],
    "repeated": lambda s: [s[0], s[0], s[1], s[2]],
    "last repeated": lambda s: [*s, s[2]],
    "full one appended": lambda s: [*s, s[0]],
    "empty one appended": lambda s: [*s, b""],
    "last cut": lambda s: [*s[:2], s[2][:-1]],
    "last empty": lambda s: [*s[:2], b""],
    "last without content": lambda s: [*s[:2], s[2][-16:]],
    "byte appended": lambda s: [*s[:2], s[2] + b"\x00"],
    "first short": lambda s: [s[0][:-1], *s[1:]],
    "first long": lambda s: [s[0] + b"\x00", *s[1:]],
    "flipped": lambda s: [bytes([s[0][0] ^ 1]) + s[0][1:], *s[1:]],
    "tag flipped": lambda s: [*s[:2], s[2][:-1] + bytes([s[2][-1] ^ 128])],
    "nothing": lambda _: [b""],
    "of other content": lambda s: [s[0], seal(THREE, ContentKey(b"L" * 32).stream_key(HEADER.core))[1], s[2]],
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_changed_segments_do_not_open(change: Callable[[list[bytes]], list[bytes]]) -> None:
    """One answer."""
    with damaged():
        open_all(change(seal(THREE)))


def test_what_is_not_authentic_stays_nowhere() -> None:
    """Not in the place either where the segment before it was opened."""
    sealed = seal(THREE)
    opener = SegmentOpener(KEY)
    opened = opener.open(sealed[0], last=False)
    assert opened == THREE[:SEGMENT_BYTES]
    with damaged():
        opener.open(sealed[1][:-1] + bytes([sealed[1][-1] ^ 1]), last=False)
    assert opened == bytes(SEGMENT_BYTES)


def test_last_segment_opens_as_the_last_alone() -> None:
    """And no other does."""
    sealed = seal(THREE)
    opener = SegmentOpener(KEY)
    with damaged():
        opener.open(sealed[0], last=True)
    opener = SegmentOpener(KEY)
    for segment in sealed[:2]:
        opener.open(segment, last=False)
    with damaged():
        opener.open(sealed[2], last=False)


def test_nothing_opens_after_a_failure_or_the_end() -> None:
    """Not even what would have opened before."""
    sealed = seal(THREE)
    opener = SegmentOpener(KEY)
    with damaged():
        opener.open(sealed[1], last=False)
    with damaged():
        opener.open(sealed[0], last=False)
    opener = SegmentOpener(KEY)
    [only] = seal(b"")
    assert bytes(opener.open(only, last=True)) == b""
    with damaged():
        opener.open(only, last=True)


def test_empty_segment_is_last_only_where_there_is_no_content() -> None:
    """Or the same content would have two forms: one that was sealed by other software is refused."""
    full = THREE[:SEGMENT_BYTES]
    cipher = AESGCM(KEY.to_secret_bytes())
    sealed = [cipher.encrypt(bytes(12), full, None), cipher.encrypt(bytes(10) + b"\x01\x01", b"", None)]
    with damaged():
        open_all(sealed)
    assert len(sealed[0]) == SEALED_SEGMENT_BYTES


@pytest.mark.parametrize(
    ("length", "last"), [(0, False), (1, False), (SEGMENT_BYTES - 1, False), (SEGMENT_BYTES + 1, True)]
)
def test_sealer_refuses_other_lengths(length: int, last: bool) -> None:  # noqa: FBT001  # a parameter of a test
    """There is one way to cut content."""
    with malformed("SEGMENT_LENGTH_WRONG"):
        SegmentSealer(KEY).seal(bytes(length), last=last)


def test_sealer_ends() -> None:
    """After the last segment, and with no empty one behind a full one."""
    sealer = SegmentSealer(KEY)
    sealer.seal(b"", last=True)
    with malformed("SEGMENT_LENGTH_WRONG"):
        sealer.seal(b"more", last=True)
    sealer = SegmentSealer(KEY)
    sealer.seal(bytes(SEGMENT_BYTES), last=False)
    with malformed("SEGMENT_LENGTH_WRONG"):
        sealer.seal(b"", last=True)


def test_keys_and_streams_are_secret() -> None:
    """They print nothing of the key, and cannot be copied or pickled."""
    content_key = ContentKey(b"K" * 32)
    for secret in (content_key, KEY, content_key.trailer_key(HEADER.core), SegmentSealer(KEY), SegmentOpener(KEY)):
        assert "redacted" in repr(secret)
        assert "KKKK" not in repr(secret)
        with pytest.raises(TypeError):
            copy.copy(secret)
        with pytest.raises(TypeError):
            pickle.dumps(secret)


def test_every_use_of_a_content_key_has_a_key_of_its_own() -> None:
    """Content and trailer, this envelope and another, this content key and another."""
    other_core = type(HEADER.core)(
        "envelope-" + "a" * 26, HEADER.session_id, HEADER.author, HEADER.session_certificate, HEADER.core.recipients
    )
    keys = sorted(
        derived.to_secret_bytes()
        for key in (ContentKey(b"K" * 32), ContentKey(b"L" * 32))
        for core in (HEADER.core, other_core)
        for derived in (key.stream_key(core), key.trailer_key(core))
    )
    assert len(keys) == 8
    assert all(first != second for first, second in pairwise(keys))
    assert ContentKey.new(bytes).to_secret_bytes() == bytes(32)
