"""What a contract says, whatever it is written in: the same text has one digest as DOCX, as PDF and as plain text.

Formats differ in white space. A page has no line feeds and no tabs, only places; and where a line ended, nobody knows
whether a space stood there or the line was merely full. So white space counts as one space between words, and not at
all where lines may end without one (Unicode Standard Annex 14): beside characters of East Asian width W or F - Chinese,
Japanese and Korean script, their punctuation and full-width forms - behind hyphens, dashes and slashes, and before the
em dash. Such a space that somebody puts in or takes out is not noticed.

Programs that write PDF also exchange characters that look the same: ligatures for their letters, radicals for the
ideographs, letters with accents for letters and accents. They are taken for the same.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

_WIDE: Final = ("W", "F")
_ENDS_LINES: Final = "-\u2010\u2012\u2013\u2014/"
_BEGINS_LINES: Final = "\u2014"
_RADICALS: Final = range(0x2E80, 0x2FD6)
_LIGATURES: Final = range(0xFB00, 0xFB07)
_SAME_LOOK: Final = {code: unicodedata.normalize("NFKC", chr(code)) for code in (*_RADICALS, *_LIGATURES)}


def canonical_text(text: str) -> str:
    """The text as its digest sees it. Canonical text stays as it is."""
    return unicodedata.normalize("NFC", "".join(_pieces(text.translate(_SAME_LOOK).split())))


def text_digest(text: str) -> bytes:
    """The digest of a contract: SHA-256 of its canonical text in UTF-8, 32 bytes."""
    return hashlib.sha256(canonical_text(text).encode()).digest()


def _pieces(words: list[str]) -> Iterator[str]:
    for word, following in pairwise(words):
        yield word
        if not (word[-1] in _ENDS_LINES or following[0] in _BEGINS_LINES or _is_wide(word[-1], following[0])):
            yield " "
    yield from words[-1:]


def _is_wide(*characters: str) -> bool:
    return any(unicodedata.east_asian_width(each) in _WIDE for each in characters)
