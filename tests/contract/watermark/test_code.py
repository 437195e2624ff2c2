"""Payload, code and frames: what goes in comes out, whatever happened within the bounds; and nothing else does."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.watermark.code import MESSAGE_BYTES, SLICE_BYTES, decode, encode
from contract.watermark.frames import FRAME_BYTES, open_frame, read_at, scan, seal_frame, to_levels
from contract.watermark.key import WatermarkKey
from contract.watermark.payload import MAX_SERIAL, MAX_SIGNATURES, Payload, SignatureLayer
from mpc.errors import MalformedInput

KEY = WatermarkKey(bytes(range(32)))
OTHER = WatermarkKey(bytes(32))
TIME = datetime(2026, 11, 28, 12, 30, 15, 123456, tzinfo=UTC)
CODEWORD = 255


@given(st.integers(1, 3), st.randoms(use_true_random=False))
@settings(max_examples=15, deadline=None)
def test_code_corrects_to_its_bound_and_not_beyond(count: int, chance: random.Random) -> None:
    """A codeword stands as many erasures and twice as many errors as it has bytes more than its message."""
    message = chance.randbytes(count * MESSAGE_BYTES)
    slices = {number: list(piece) for number, piece in enumerate(encode(message, KEY))}
    assert len(slices) == 15 * count
    lost = chance.randrange(12)
    for number in chance.sample(range(15), lost):  # the same in each codeword: slices deal them out in turns
        for each in range(count):
            del slices[number * count + each]
    wrong = (CODEWORD - MESSAGE_BYTES - lost * SLICE_BYTES) // 2
    spoiled = _spoil(slices, count, wrong)
    found = decode(spoiled, count, KEY)
    assert (found.message, found.corrected, found.erased) == (message, count * wrong, count * lost * SLICE_BYTES)
    # Beyond the bound a code may find another message, and mostly finds none.
    with suppress(MalformedInput):
        assert decode(_spoil(slices, count, wrong + 8), count, KEY).message != message
    few = {number: piece for number, piece in slices.items() if number < 3 * count}
    with pytest.raises(MalformedInput) as refused:
        decode(few, count, KEY)
    assert refused.value.reason == "WATERMARK_DAMAGED"


def _spoil(slices: dict[int, list[int]], count: int, wrong: int) -> dict[int, list[int | None]]:
    """The first so many bytes of each codeword that are there, changed: bytes are dealt to codewords in turns."""
    left, spoiled = dict.fromkeys(range(count), wrong), {}
    for number, piece in slices.items():
        spoiled[number] = [*piece]
        for place, byte in enumerate(piece):
            word = (number * SLICE_BYTES + place) % count
            if left[word]:
                left[word] -= 1
                spoiled[number][place] = byte ^ 0x55
    return spoiled  # type: ignore[return-value]  # no None in it


def test_interleaver_is_keyed_and_loses_no_byte() -> None:
    """Every byte of the codewords is in the slices once, by another order under another key."""
    message = bytes(range(2 * MESSAGE_BYTES))
    mine, others = b"".join(encode(message, KEY)), b"".join(encode(message, OTHER))
    assert mine != others
    assert Counter(mine) == Counter(others)
    assert mine[0::2] != mine[1::2]


signatures = st.sampled_from(SignatureLayer).flatmap(
    lambda layer: st.tuples(
        st.just(layer),
        st.lists(
            st.binary(min_size=layer.entry_bytes, max_size=layer.entry_bytes),
            min_size=1 if layer else 0,
            max_size=MAX_SIGNATURES if layer else 0,
        ),
    )
)


@given(
    st.integers(1, MAX_SERIAL), st.datetimes(timezones=st.just(UTC)), st.binary(min_size=32, max_size=32), signatures
)
@settings(max_examples=60, deadline=None)
def test_payload_survives(
    serial: int, time: datetime, digest: bytes, entries: tuple[SignatureLayer, list[bytes]]
) -> None:
    """Every payload that can be made is read back, under its own key alone."""
    payload = Payload(serial, time, digest, entries[0], tuple(entries[1]))
    data = payload.to_bytes(KEY)
    assert Payload.from_bytes(data, KEY) == payload
    with pytest.raises(MalformedInput):
        Payload.from_bytes(data, OTHER)


def test_no_changed_bit_is_a_payload() -> None:
    """Not in the filling either; nor another length."""
    data = Payload(7, TIME, bytes(32), SignatureLayer.DIGESTS, (bytes(32),)).to_bytes(KEY)
    spoiled = [bytes(byte ^ (place == at) << at % 8 for place, byte in enumerate(data)) for at in range(len(data))]
    for each in (*spoiled, data[:-1], data[:64], data + bytes(64), b""):
        with pytest.raises(MalformedInput) as refused:
            Payload.from_bytes(each, KEY)
        assert refused.value.reason == "WATERMARK_PAYLOAD_MALFORMED"


@pytest.mark.parametrize(
    "wrong",
    [
        {"serial": 0},
        {"serial": MAX_SERIAL + 1},
        {"time": TIME.replace(tzinfo=None)},
        {"digest": bytes(31)},
        {"layer": SignatureLayer.WHOLE},
        {"entries": (bytes(64),)},
        {"layer": SignatureLayer.WHOLE, "entries": (bytes(32),)},
        {"layer": SignatureLayer.DIGESTS, "entries": (bytes(32),) * (MAX_SIGNATURES + 1)},
    ],
    ids=str,
)
def test_payload_refuses(wrong: dict[str, object]) -> None:
    """One thing is wrong."""
    with pytest.raises(MalformedInput) as refused:
        Payload(**{"serial": 7, "time": TIME, "digest": bytes(32), **wrong})  # type: ignore[arg-type]
    assert refused.value.reason == "WATERMARK_PAYLOAD_MALFORMED"


def test_payload_time_is_kept_in_utc() -> None:
    """One moment has one encoding."""
    there = TIME.astimezone(timezone(timedelta(hours=8)))
    assert Payload(7, there, bytes(32)).to_bytes(KEY) == Payload(7, TIME, bytes(32)).to_bytes(KEY)


@given(st.integers(1, 15), st.integers(0, 4095), st.binary(min_size=17, max_size=17), st.sampled_from([2, 3]))
@settings(max_examples=60, deadline=None)
def test_frame_is_found_wherever_it_begins(codewords: int, number: int, piece: bytes, bits: int) -> None:
    """Whole, behind levels of anything; with a bit flipped it is none, though its slice can be guessed."""
    levels = to_levels(seal_frame(codewords, number, piece, KEY), bits)
    assert len(levels) * bits == 8 * FRAME_BYTES
    found = list(scan([1, 0, 1, *levels, 1], bits, KEY))
    assert [(each.at, each.frame.codewords, each.frame.number) for each in found] == [(3, codewords, number)]
    assert bytes(byte or 0 for byte in found[0].frame.piece) == piece
    assert not list(scan(levels, bits, OTHER))
    levels[-1] ^= 1
    assert not list(scan(levels, bits, KEY))
    partial = read_at(levels, bits, 0, number, KEY)
    assert partial.codewords == 0
    assert partial.piece == (*piece[:-1], piece[-1] ^ 1)
    assert read_at([*levels[:-1], None], bits, 0, number, KEY).piece == (*piece[:-1], None)
    assert open_frame(seal_frame(0, number, piece, KEY), KEY) is None
