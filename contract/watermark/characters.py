"""Which characters can carry a watermark, in whatever format they stand."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

# Scripts whose characters stand alone, so that each may look a little different from the next. In others, such as
# Arabic and Devanagari, letters join.
_ALONE: Final = (
    (0x0021, 0x058F),
    (0x10A0, 0x10FF),
    (0x1E00, 0x2BFF),
    (0x2E80, 0xA4CF),
    (0xAC00, 0xD7A3),
    (0xF900, 0xFAFF),
    (0xFE10, 0xFE4F),
    (0xFF01, 0xFFEE),
    (0x20000, 0x3FFFF),
)
_VISIBLE: Final = ("L", "N", "P", "S")
_WIDE: Final = ("W", "F")
_MANY: Final = 1 << 14
"""Characters of which it is remembered: more than a contract has."""


@lru_cache(maxsize=_MANY)
def carries(character: str) -> bool:
    """Whether a character can be marked: it is seen, and stands alone."""
    code = ord(character)
    return unicodedata.category(character)[0] in _VISIBLE and any(low <= code <= high for low, high in _ALONE)


def joins(character: str) -> bool:
    """Whether a character stands on the one before it."""
    return unicodedata.category(character)[0] == "M"


@lru_cache(maxsize=_MANY)
def may_widen(character: str) -> bool:
    """Whether a character carries spacing. Of narrow ones every third of the alphabet does: they widen more."""
    return unicodedata.east_asian_width(character) in _WIDE or ord(character) % 3 == 0


def lowest_bits(colour: int) -> int:
    """The lowest bits of red, green and blue in a colour of 24 bits, red first."""
    return (colour >> 16 & 1) << 2 | (colour >> 8 & 1) << 1 | colour & 1


def with_lowest_bits(colour: int, bits: int) -> int:
    """A colour with other lowest bits."""
    return colour & 0xFEFEFE | bits >> 2 << 16 | (bits >> 1 & 1) << 8 | bits & 1
