"""What characters of a PDF carry: measured when it is read, wanted when it is marked."""

from __future__ import annotations

import math
from array import array
from typing import Final

from contract.watermark.channels import Channel, Track
from contract.watermark.characters import lowest_bits, may_widen
from contract.watermark.pdf.reading import Placed

PERIOD: Final = 24
"""Thousandths of the font's size after which the gaps of a level come again."""
CENTRES: Final = (3, 9, 15, 21)
"""The gap of each level of kerning, in each period."""
_TOLERANCE: Final = 2.4
_SPACING_STEP: Final = 0.1
"""Points."""
_SPACING_TOLERANCE: Final = 0.03
_SPACING_LEVELS: Final = 4


class Tracks:
    """Tracks while they are measured."""

    def __init__(self) -> None:
        self._places = {each: array("L") for each in Channel}
        self._levels: dict[Channel, list[int | None]] = {each: [] for each in Channel}
        self._last: Placed | None = None

    def add(self, placed: Placed) -> None:
        """The next character of the text, or the first one of a page."""
        self._finish(self._last, placed)
        self._last = placed
        colour = placed.show.colour.marked
        if colour is not None and placed.carries:
            self._put(Channel.COLOUR, placed, lowest_bits(colour))

    def finish(self) -> dict[Channel, Track]:
        """All of them."""
        self._finish(self._last, None)
        return {each: Track(self._places[each], self._levels[each]) for each in Channel}

    def _finish(self, last: Placed | None, placed: Placed | None) -> None:
        """Measure the gap behind a character."""
        if last is None or not last.carries:
            return
        gap = None if placed is None or placed.step is None else placed.step.gap
        if may_widen(last.text[0]):
            self._put(Channel.SPACING, last, None if gap is None else _spacing(gap * math.hypot(*last.show.em) / 1000))
        if gap is not None and placed is not None and placed.carries:
            self._put(Channel.KERNING, last, _kerning(gap))

    def _put(self, channel: Channel, placed: Placed, level: int | None) -> None:
        self._places[channel].append(placed.place)
        self._levels[channel].append(level)


def _kerning(gap: float) -> int | None:
    for level, centre in enumerate(CENTRES):
        if abs((gap - centre + PERIOD / 2) % PERIOD - PERIOD / 2) <= _TOLERANCE:
            return level
    return None


def _spacing(points: float) -> int | None:
    level = round(points / _SPACING_STEP)
    near = abs(points - level * _SPACING_STEP) <= _SPACING_TOLERANCE
    return level if near and 0 <= level < _SPACING_LEVELS else None
