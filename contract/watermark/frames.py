"""Frames: slices that find themselves. Each says which it is, so nothing is lost with what was cut out before it.

A frame is 21 bytes: a header of 4 and a slice of 17. In a track one follows the other from the first place on; reading
tries every place until a header fits. The header is the count of codewords and the frame's number, twice: a bit that
flipped is seen, and what is not ours fits once in 2^16 times. All of it is masked by the key, the header by what it
stands before, so that nothing in a track repeats.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from contract.watermark.code import SLICE_BYTES
from contract.watermark.key import Use, WatermarkKey

FRAME_BYTES: Final = 4 + SLICE_BYTES
FRAME_BITS: Final = 8 * FRAME_BYTES
MAX_FRAMES: Final = 1 << 12
"""Most frames in a track; what comes behind them stays unmarked."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame.

    Args:
        codewords: that the watermark has, 1 to 15.
        number: in its track, from 0.
        piece: the slice; None for a byte that could not be measured.
    """

    codewords: int
    number: int
    piece: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class FoundFrame:
    """A frame whose header fits.

    Args:
        at: its first place in the track.
        frame: itself, whole.
    """

    at: int
    frame: Frame


def seal_frame(codewords: int, number: int, piece: bytes, key: WatermarkKey) -> bytes:
    """The 21 bytes of a frame."""
    masked = _xor(piece, _mask(number, key))
    word = (codewords << 12 | number).to_bytes(2, "big")
    return _xor(word + word, key.mac(Use.HEADER, masked, 4)) + masked


def open_frame(data: bytes, key: WatermarkKey) -> Frame | None:
    """Read ``seal_frame``; None if it is none."""
    header = _xor(data[:4], key.mac(Use.HEADER, data[4:], 4))
    if header[:2] != header[2:]:
        return None
    word = int.from_bytes(header[:2], "big")
    codewords, number = word >> 12, word & (MAX_FRAMES - 1)
    return Frame(codewords, number, tuple(_xor(data[4:], _mask(number, key)))) if codewords else None


def to_levels(data: bytes, bits: int) -> list[int]:
    """Cut bytes into levels, the highest bits first."""
    value, count = int.from_bytes(data, "big"), 8 * len(data) // bits
    return [value >> bits * (count - 1 - number) & (1 << bits) - 1 for number in range(count)]


def scan(levels: Sequence[int | None], bits: int, key: WatermarkKey) -> Iterator[FoundFrame]:
    """Find every frame that is whole, wherever it begins."""
    places, window, value = FRAME_BITS // bits, (1 << FRAME_BITS) - 1, 0
    begin = 0
    for end, level in enumerate(levels, start=1):
        if level is None:
            begin = end
            continue
        value = (value << bits | level) & window
        if end - begin >= places:
            frame = open_frame(value.to_bytes(FRAME_BYTES, "big"), key)
            if frame is not None:
                yield FoundFrame(end - places, frame)
                begin = end


def read_at(levels: Sequence[int | None], bits: int, at: int, number: int, key: WatermarkKey) -> Frame:
    """Read the frame that should stand at a place, whatever its header says: codewords are 0 if that does not fit.

    Args:
        levels: of the track; None where there is none.
        bits: of a level.
        at: the frame's first place.
        number: the frame's.
        key: of the watermark.
    """
    found = levels[at : at + FRAME_BITS // bits]
    value, unknown = 0, 0
    for level in found:
        value = value << bits | (level or 0)
        unknown = unknown << bits | (((1 << bits) - 1) if level is None else 0)
    data, lost = value.to_bytes(FRAME_BYTES, "big"), unknown.to_bytes(FRAME_BYTES, "big")
    if not unknown:
        frame = open_frame(data, key)
        if frame is not None and frame.number == number:
            return frame
    piece = _xor(data[4:], _mask(number, key))
    return Frame(0, number, tuple(None if gone else byte for byte, gone in zip(piece, lost[4:], strict=True)))


@lru_cache(maxsize=MAX_FRAMES)
def _mask(number: int, key: WatermarkKey) -> bytes:
    return key.mac(Use.WHITENING, number.to_bytes(2, "big"), SLICE_BYTES)


def _xor(one: bytes, other: bytes) -> bytes:
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).to_bytes(len(one), "big")
