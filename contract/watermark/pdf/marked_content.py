"""Marked content: what is no text, and what a document says that its text is (ISO 32000, 14.6 and 14.9.4)."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import Final

import pikepdf

from contract.watermark.pdf.fonts import Glyph
from contract.watermark.refusals import deceptive, malformed

_MAX_DEPTH: Final = 512
_MOST_OF_ONE: Final = 4
"""Characters that one glyph stands for, at most."""


@dataclass(slots=True)
class _Part:
    is_aside: bool
    said: str | None = None
    shown: list[str] = field(default_factory=list)


class MarkedContent:
    """The parts of marked content that are open."""

    def __init__(self) -> None:
        self._open: list[_Part] = []
        self._asides = 0

    @property
    def is_aside(self) -> bool:
        """Whether what is shown now is no text: an artifact."""
        return self._asides > 0

    def begin(self, tag: str, properties: object) -> None:
        """A part begins.

        Raises:
            MalformedInput: DOCUMENT_DECEPTIVE, DOCUMENT_MALFORMED.
        """
        if tag == "/OC":
            raise deceptive("it has layers that can be hidden")
        if len(self._open) == _MAX_DEPTH:
            raise malformed("marked content without end")
        said = None
        if isinstance(properties, dict | pikepdf.Dictionary) and self._saying is None:
            said = properties.get("/ActualText")
        self._open.append(_Part(tag == "/Artifact", None if said is None else _decode(bytes(said))))
        self._asides += tag == "/Artifact"

    def end(self) -> None:
        """The last part ends.

        Raises:
            MalformedInput: DOCUMENT_DECEPTIVE: it says another text than its glyphs.
        """
        if not self._open:
            return
        part = self._open.pop()
        self._asides -= part.is_aside
        if part.said is not None and not part.is_aside:
            _require_same(part.said, part.shown)

    def text_of(self, glyph: Glyph) -> str:
        """The text of a glyph that is shown now: all that its part says is the first one's."""
        part = self._saying
        if part is None or part.said is None:
            return glyph.text
        part.shown.append(glyph.text)
        return part.said if len(part.shown) == 1 else ""

    @property
    def _saying(self) -> _Part | None:
        return next((each for each in self._open if each.said is not None), None) if self._open else None


def _require_same(said: str, shown: list[str]) -> None:
    """Refuse what a document says of its glyphs if it is not what they are, as far as their font knows."""
    if not shown or "\ufffd" in "".join(shown):
        return
    one, other = _plain(said), _plain("".join(shown))
    letters = iter(one)
    is_one_glyph = len(shown) == 1 and len(one) <= _MOST_OF_ONE and all(each in letters for each in other)
    if one != other and not (is_one_glyph and other):
        raise deceptive("it says of its characters that they are others")


def _plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def _decode(said: bytes) -> str:
    for mark, encoding in ((b"\xfe\xff", "utf-16-be"), (b"\xef\xbb\xbf", "utf-8")):
        if said.startswith(mark):
            return said[len(mark) :].decode(encoding, errors="replace")
    return said.decode("pdfdoc", errors="replace")  # pikepdf registers it
