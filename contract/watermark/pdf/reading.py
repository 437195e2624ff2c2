"""The text of a PDF's pages, and what stands off from what: the same before a document is marked and afterwards.

Whether two characters stand side by side says whether there is a space between them, and whether the gap carries: so a
gap that is marked never becomes one that does not carry, nor the reverse (``marks``).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from contract.watermark.characters import carries
from contract.watermark.pdf.shows import Show

WIDEST_GAP: Final = 152.5
"""Between characters of one word, in thousandths of the font's size: spaces are wider, kerning is less. No whole
number, for those are what gaps often are."""
_FARTHEST_BACK: Final = -300.0
_OTHER_LINE: Final = 600.0
_OFF_THE_LINE: Final = 20.0
_SAME_SIZE: Final = 0.005


@dataclass(frozen=True, slots=True)
class Step:
    """From one character to the next.

    Args:
        joined: whether they stand side by side, so that no space is between them.
        gap: between them, in thousandths of their font's size, if they are on one line and of one size; else None.
    """

    joined: bool
    gap: float | None


@dataclass(frozen=True, slots=True)
class Placed:
    """A character of the text, or several that one glyph stands for.

    Args:
        show: that shows it.
        at: which glyph of that.
        text: of it.
        place: in the document's text; of the first one.
        step: to it from the one before; None for the first one of a page.
    """

    show: Show
    at: int
    text: str
    place: int
    step: Step | None

    @property
    def carries(self) -> bool:
        """Whether it can be marked."""
        return bool(self.text) and carries(self.text[0])


class Reader:
    """Reads pages one after the other.

    Attributes:
        text: pieces of what was read.
        asides: pieces of what is no text.
    """

    def __init__(self) -> None:
        self.text: list[str] = []
        self.asides: list[str] = []
        self._length = 0
        self._ends_in_space = True

    def page(self, shows: Iterable[Show]) -> Iterator[Placed]:
        """The characters of a page, in the order of its content."""
        last: Placed | None = None
        aside: Show | None = None
        for show in shows:
            if show.is_aside:
                if aside is not None and show.glyphs and aside.glyphs and not _follows(aside, show):
                    self.asides.append(" ")
                self.asides += show.texts
                aside = show
                continue
            for at, text in enumerate(show.texts):
                between = None if last is None else step(last.show, last.at, show, at)
                apart = between is None or not between.joined
                if text and apart and not self._ends_in_space and not text[0].isspace():
                    self._add(" ")
                placed = Placed(show, at, text, self._length, between)
                self._add(text)
                yield placed
                last = placed
        if self.asides:
            self.asides.append(" ")

    def _add(self, text: str) -> None:
        if text:
            self.text.append(text)
            self._length += len(text)
            self._ends_in_space = text[-1].isspace()


def step(last: Show, last_at: int, show: Show, at: int, last_shift: float = 0.0, shift: float = 0.0) -> Step:
    """Measure the step from one glyph to another, each shifted so far along its line, in thousandths of its em."""
    width = last.glyphs[last_at].width
    if last is show:
        gap = show.offsets[at] + shift - show.offsets[last_at] - last_shift - width
        off = 0.0
        same = True
    else:
        (x, y), (to_x, to_y) = last.place(last_at, width + last_shift), show.place(at, shift)
        em, other = last.em, show.em
        length, other_length = math.hypot(*em), math.hypot(*other)
        same = abs(em[0] - other[0]) + abs(em[1] - other[1]) < _SAME_SIZE * length
        if other_length > length:
            em, length = other, other_length
        if not length:
            return Step(joined=False, gap=None)
        scale = 1000 / (length * length)
        gap = ((to_x - x) * em[0] + (to_y - y) * em[1]) * scale
        off = abs((to_y - y) * em[0] - (to_x - x) * em[1]) * scale
    joined = _FARTHEST_BACK < gap < WIDEST_GAP and off < _OTHER_LINE
    return Step(joined, gap if joined and same and off < _OFF_THE_LINE and gap > -WIDEST_GAP else None)


def _follows(last: Show, show: Show) -> bool:
    return step(last, len(last.glyphs) - 1, show, 0).joined
