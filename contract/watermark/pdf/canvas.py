"""What can be seen of a page's text: not what lies outside, under something, or on its own colour."""

from __future__ import annotations

import math
from typing import Final

from contract.watermark.pdf.colours import WHITE, Colour
from contract.watermark.pdf.geometry import EVERYWHERE, Box, Point, around, is_upright
from contract.watermark.pdf.shows import Show
from contract.watermark.refusals import deceptive

_THIN: Final = 2.0
"""Points. Thinner areas are lines: of tables, of what is underlined or struck through."""
_SMALLEST: Final = 1.0
"""Points."""
_MARGIN: Final = 2.0
_HEIGHT: Final = 0.3
"""Of the middle of a character above its line, in em."""
_MAX_AREAS: Final = 2000
"""That are looked at on one page."""


class Canvas:
    """A page while it is painted.

    Args:
        page: what of it is shown.
    """

    def __init__(self, page: Box) -> None:
        self.page = page
        self._areas: list[tuple[Box, Colour]] = []
        self._shows: list[tuple[int, Show, Colour | None]] = []

    def fill(self, areas: list[list[Point]], colour: Colour, clip: Box) -> None:
        """An area is painted: of rectangles alone we know what they cover."""
        for points in areas:
            if is_upright(points):
                box = around(points).within(clip)
                if not box.is_thin(_THIN) and len(self._areas) < _MAX_AREAS:
                    self._areas.append((box, colour))

    def show(self, show: Show, colour: Colour | None, clip: Box, height: float) -> None:
        """Text is painted.

        Args:
            show: itself.
            colour: that fills it; None where only its outlines are drawn.
            clip: outside which nothing is.
            height: of an em, in points.

        Raises:
            MalformedInput: DOCUMENT_DECEPTIVE.
        """
        places = [at for at, glyph in enumerate(show.glyphs) if glyph.text.strip()]
        if not places:
            return
        if min(math.hypot(*show.em), height) < _SMALLEST:
            raise deceptive("it has text that is too small to be read")
        for at in (places[0], places[-1]):  # all others lie between them
            middle = show.middle(at, _HEIGHT)
            if not self.page.holds(middle, _MARGIN) or not clip.holds(middle, _MARGIN):
                raise deceptive("it has text outside the page, or outside what is shown of it")
        self._shows.append((len(self._areas), show, colour))

    def finish(self) -> None:
        """The page is whole.

        Raises:
            MalformedInput: DOCUMENT_DECEPTIVE.
        """
        for number, show, colour in self._shows:
            before, after = self._areas[:number], self._areas[number:]
            if not after and not before and colour is not None and colour.is_lost_on(WHITE):
                raise _lost()
            if not self._areas:
                continue
            middles = [show.middle(at, _HEIGHT) for at, glyph in enumerate(show.glyphs) if glyph.text.strip()]
            line = around(middles)
            for box, _ in after:
                if _meet(box, line) and any(map(box.holds, middles)):
                    raise deceptive("it has text under something that was painted over it")
            if colour is not None:
                near = [(box, behind) for box, behind in reversed(before) if _meet(box, line)]
                for middle in middles:
                    behind = next((behind for box, behind in near if box.holds(middle)), WHITE)
                    if colour.is_lost_on(behind):
                        raise _lost()


def page_box(media: list[float], crop: list[float]) -> Box:
    """What is shown of a page, by its boxes; everything where they say nothing."""
    shown = EVERYWHERE
    for each in (media, crop):
        if len(each) == len(("left", "bottom", "right", "top")):
            shown = shown.within(around([(each[0], each[1]), (each[2], each[3])]))
    return shown


def _meet(one: Box, other: Box) -> bool:
    return one.left <= other.right and other.left <= one.right and one.bottom <= other.top and other.bottom <= one.top


def _lost() -> Exception:
    return deceptive("it has text in the colour of what lies behind it")
