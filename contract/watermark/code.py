"""The code that makes a watermark survive: Reed-Solomon over GF(256), interleaved, cut into slices.

A message of 64 bytes becomes a codeword of 255, so that any 64 of them that arrive are enough, or fewer wrong ones
among more. The codewords' bytes are dealt out in turns, each codeword's in an order that the key says, and 17
consecutive ones are a slice: codewords * 15 slices. Documents have room for the first few or for all several times;
what is missing is an erasure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from reedsolo import ReedSolomonError, RSCodec

from contract.watermark.key import Use, WatermarkKey
from mpc.errors import MalformedInput

MESSAGE_BYTES: Final = 64
SLICE_BYTES: Final = 17
SLICES_OF_CODEWORD: Final = 15
_CODEWORD_BYTES: Final = SLICE_BYTES * SLICES_OF_CODEWORD

_RS: Final = RSCodec(_CODEWORD_BYTES - MESSAGE_BYTES, nsize=_CODEWORD_BYTES)


@dataclass(frozen=True, slots=True)
class Decoded:
    """What the code made of slices.

    Args:
        message: whole messages, one behind the other.
        corrected: bytes that were there, and wrong.
        erased: bytes that were not there.
    """

    message: bytes
    corrected: int
    erased: int


def encode(message: bytes, key: WatermarkKey) -> list[bytes]:
    """Encode whole messages: the slices, in order."""
    count = len(message) // MESSAGE_BYTES
    words = [
        bytes(_RS.encode(message[at : at + MESSAGE_BYTES])) for at in range(0, count * MESSAGE_BYTES, MESSAGE_BYTES)
    ]
    dealt = bytes(words[word][place] for word, place in _dealing(count, key))
    return [dealt[at : at + SLICE_BYTES] for at in range(0, len(dealt), SLICE_BYTES)]


def decode(slices: Mapping[int, Sequence[int | None]], count: int, key: WatermarkKey) -> Decoded:
    """Decode slices.

    Args:
        slices: by number, each of 17 bytes; None for a byte that could not be measured.
        count: codewords.
        key: as for ``encode``.

    Raises:
        MalformedInput: WATERMARK_DAMAGED: too few bytes arrived, or too many are wrong. What is returned may still be
            wrong, as with every code: only a check code of the message tells.
    """
    found: list[list[int | None]] = [[None] * _CODEWORD_BYTES for _ in range(count)]
    for number, (word, place) in enumerate(_dealing(count, key)):
        arrived = slices.get(number // SLICE_BYTES)
        if arrived is not None:
            found[word][place] = arrived[number % SLICE_BYTES]
    words = [_decode_word(word) for word in found]
    return Decoded(
        b"".join(each.message for each in words),
        sum(each.corrected for each in words),
        sum(each.erased for each in words),
    )


def _decode_word(found: Sequence[int | None]) -> Decoded:
    erasures = [place for place, byte in enumerate(found) if byte is None]
    if len(erasures) > _CODEWORD_BYTES - MESSAGE_BYTES:
        raise damaged()  # reedsolo would say so too, after looking for a long time
    try:
        message, whole, _ = _RS.decode(bytes(byte or 0 for byte in found), erase_pos=erasures)
    except (ReedSolomonError, ZeroDivisionError):  # the second comes of locators that no errors have
        raise damaged() from None
    wrong = sum(byte is not None and byte != right for byte, right in zip(found, whole, strict=True))
    return Decoded(bytes(message), wrong, len(erasures))


@lru_cache(maxsize=32)
def _dealing(count: int, key: WatermarkKey) -> tuple[tuple[int, int], ...]:
    """Codeword and place in it of each byte, in the order in which they are dealt out."""
    orders = [_order(bytes([count, word]), key) for word in range(count)]
    return tuple((word, orders[word][turn]) for turn in range(_CODEWORD_BYTES) for word in range(count))


def _order(of: bytes, key: WatermarkKey) -> list[int]:
    random = key.stream(Use.INTERLEAVER, of, 4 * _CODEWORD_BYTES)
    return sorted(range(_CODEWORD_BYTES), key=lambda place: random[4 * place : 4 * place + 4])


def damaged() -> MalformedInput:
    """The error for a watermark of which too little is left."""
    return MalformedInput("WATERMARK_DAMAGED", "there is a watermark, but too little of it is left to read it")
