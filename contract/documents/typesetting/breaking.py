"""Where a line may end, in Chinese and in Latin script.

Sources: W3C, Requirements for Chinese Text Layout (clreq), section 3.1.4, prohibitions for line start and line end;
GB/T 15834-2011, section 5.1; Unicode Standard Annex 14 for what is not Chinese. Words are never divided.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_WIDE: Final = ("W", "F")
_MAINLY: Final = 0.2
_NEVER_FIRST: Final = frozenset(
    "\u2026\u2014\u00b7\u2022\u2030\u2103\u00b0%!?,.:;/~\uff5e\uff0c\u3002\u3001\uff1b\uff1a\uff1f\uff01\uff0e\uff05"
    "\uff0f\u30fb\u3005\u30fc\u303b\u309d\u309e\u30fd\u30fe\u3041\u3043\u3045\u3047\u3049\u3063\u3083\u3085\u3087\u308e"
    "\u30a1\u30a3\u30a5\u30a7\u30a9\u30c3\u30e3\u30e5\u30e7\u30ee\u3095\u3096\u30f5\u30f6"
)
"""Marks that end something, and the small kana."""
_NEVER_LAST: Final = frozenset("\u00a5\uffe5$\uff04\u20ac\u00a3\u2116#")
_CLOSE: Final = ("Pe", "Pf")
_OPEN: Final = ("Ps", "Pi")
_EITHER: Final = frozenset("\"'")
"""Quotation marks of which nobody knows whether they open or close: like Annex 14, class QU."""
_NO_BREAK: Final = frozenset("\u00a0\u202f\u2007\u2060")
_HYPHENS: Final = frozenset("-/\u2010\u2013\u2014")
"""Behind which words are divided: ``canonical_text`` counts no white space behind these."""


@dataclass(frozen=True, slots=True)
class _Class:
    """What decides about a character."""

    space: bool
    wide: bool
    letter: bool
    hyphen: bool
    never_first: bool
    never_last: bool


def unbreakable(text: str) -> Iterator[tuple[int, int]]:
    """The pieces between which a line may end: each from a place to a place, spaces behind it included."""
    begin = 0
    for place in range(1, len(text)):
        before = text[place - 2] if place > 1 else " "
        if _may_break(_class(before), _class(text[place - 1]), _class(text[place])):
            yield begin, place
            begin = place
    if text:
        yield begin, len(text)


def is_wide(character: str) -> bool:
    """Whether a character is as wide as an ideograph (Unicode Standard Annex 11)."""
    return unicodedata.east_asian_width(character) in _WIDE


def is_chinese(text: str) -> bool:
    """Whether a text is to be set as Chinese: a fifth of what is seen of it is that wide."""
    seen = [each for each in text if not each.isspace()]
    return sum(map(is_wide, seen)) > _MAINLY * len(seen)


def _may_break(earlier: _Class, last: _Class, first: _Class) -> bool:
    if first.space or first.never_first:
        return False
    if last.space:
        return True
    if last.never_last:
        return False
    if last.wide or first.wide:
        return True
    return last.hyphen and earlier.letter and first.letter


@lru_cache(maxsize=4096)
def _class(character: str) -> _Class:
    category = unicodedata.category(character)
    either = character in _EITHER
    return _Class(
        space=character.isspace() and character not in _NO_BREAK,
        wide=is_wide(character),
        letter=category[0] == "L",
        hyphen=character in _HYPHENS,
        never_first=either or character in _NEVER_FIRST or category in _CLOSE or category[0] == "M",
        never_last=either or character in _NEVER_LAST or category in _OPEN or character in _NO_BREAK,
    )
