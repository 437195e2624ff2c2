"""Paragraphs as strips: sizes, spaces and indents of the house style; headings, labels of lists, notes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from contract.documents.draft import Align, Kind, Paragraph, Run
from contract.documents.typesetting.lines import Line, Setter
from contract.documents.typesetting.pages import WIDTH, Page, Part
from contract.documents.typesetting.strips import Strip
from contract.documents.typesetting.writing import Bookmark

LEFT: Final = 73.0
TEXT_WIDTH: Final = WIDTH - 2 * LEFT
"""Where the text stands across a page, in points."""
BODY_SIZE: Final = 10.5
"""In points: what Chinese printers call size five."""

_LEADING: Final = {True: 1.72, False: 1.5}
"""Distance of baselines in em, for Chinese and other texts."""
_ASCENT: Final = 0.88
"""Of an ideograph's square, in em."""
_CHINESE_INDENT: Final = 2.0
_LABEL_ROOM: Final = 2.2
_LABEL_GAP: Final = 0.5
_QUOTE_INDENT: Final = 2.0
_LEAST_WIDTH: Final = 12.0
"""In em: a text that is indented so far that less is left is indented less."""
_SPACE: Final = Run(" ")
_DEEPEST_HEADING: Final = 6
_CELL_SCALE: Final = 1.3
"""Characters in a cell are at most so much larger."""


@dataclass(frozen=True, slots=True)
class _Look:
    """Of a kind of paragraph: size in points, spaces above and below in points, leading as part of the usual."""

    size: float
    above: float = 0.0
    below: float = 4.4
    tight: float = 1.0
    bold: bool = False


_HEADINGS: Final = (_Look(13.0, 12.0, 5.5, 0.85, bold=True), _Look(11.5, 8.5, 4.7, 0.9, bold=True))
_LOW_HEADING: Final = _Look(BODY_SIZE, 6.0, 3.6, bold=True)
_LOOKS: Final = {
    Kind.TITLE: _Look(19.0, below=15.0, tight=0.85, bold=True),
    Kind.BODY: _Look(BODY_SIZE),
    Kind.QUOTE: _Look(BODY_SIZE),
    Kind.NOTE: _Look(8.5, below=2.0, tight=0.9),
}
_CELL: Final = _Look(10.0, below=0.0, tight=0.88)


@dataclass(slots=True)
class House:
    """What all parts of a document are set by.

    Args:
        setter: makes lines.
        chinese: whether the text is mainly Chinese.
        titled: whether it has a title above its headings.
        bookmarks: collects the outline.
    """

    setter: Setter
    chinese: bool
    titled: bool
    bookmarks: list[Bookmark] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Drawing:
    """Draws a line of a paragraph, and its label if it is the first."""

    line: Line
    x: float
    down: float
    part: Part | None
    label: Line | None = None
    label_x: float = 0.0

    def draw(self, page: Page, y: float) -> None:
        if self.label is not None:
            page.label(self.label, self.label_x, y + self.down)
        if self.part is None:
            page.outlines(self.line, self.x, y + self.down)
        else:
            page.line(self.line, self.x, y + self.down, self.part)


@dataclass(frozen=True, slots=True)
class _Bookmarked:
    """Draws the first line of a heading, and notes where it comes to stand."""

    house: House
    title: str
    level: int
    strip: Strip

    def draw(self, page: Page, y: float) -> None:
        self.house.bookmarks.append(Bookmark(self.title, self.level, page.number, y))
        self.strip.draw(page, y)


def set_paragraph(house: House, paragraph: Paragraph, document: Part) -> list[Strip]:
    """Set a paragraph over the width of the text.

    Args:
        house: style.
        paragraph: to be set.
        document: gets a part for it.

    Raises:
        MalformedInput: DRAFT_NOT_SETTABLE.
    """
    look, heading = _look(paragraph), paragraph.kind in (Kind.TITLE, Kind.HEADING)
    if paragraph.first is None:
        indented = house.chinese and paragraph.kind is Kind.BODY and paragraph.align is Align.LEFT
        paragraph = replace(paragraph, first=_CHINESE_INDENT if indented else 0.0)
    strips = _lines(house, paragraph, look, LEFT, TEXT_WIDTH, document.add(_tag(house, paragraph)))
    for number, strip in enumerate(strips[:-1]):
        # the first two lines of a paragraph stand together, and the last two
        strips[number] = replace(strip, keep=heading or number in (0, len(strips) - 2))
    last = strips[-1]
    strips[-1] = replace(last, height=last.height + look.below, keep=heading)
    strips[0] = replace(strips[0], before=look.above, new_page=paragraph.new_page)
    title = " ".join(f"{paragraph.label or ''} {paragraph.text}".split())
    if paragraph.kind is Kind.HEADING and title:
        strips[0] = replace(strips[0], draw=_Bookmarked(house, title, paragraph.level, strips[0]).draw)
    return strips


def set_in_cell(
    house: House, paragraph: Paragraph, x: float, width: float, part: Part | None, *, bold: bool
) -> list[Strip]:
    """Set a paragraph within a cell, without spaces around it.

    Args:
        house: style.
        paragraph: to be set.
        x: of its left edge on the page, in points.
        width: that it may have, in points.
        part: of the structure that it belongs to; None if it is repeated.
        bold: whether all of it is.

    Raises:
        MalformedInput: DRAFT_NOT_SETTABLE.
    """
    plain = replace(paragraph, kind=Kind.BODY, first=paragraph.first or 0.0, scale=min(paragraph.scale, _CELL_SCALE))
    return _lines(house, plain, replace(_CELL, bold=bold), x, width, part)


def cell_width(house: House, paragraph: Paragraph) -> tuple[float, float]:
    """How wide a paragraph in a cell wants to be, and must be at least; in points."""
    wanted, least = house.setter.width(_bold(paragraph.runs), _CELL.size)
    label = _LABEL_ROOM * _CELL.size * (paragraph.level + 1) if paragraph.label is not None else 0.0
    return wanted + label, least + label


def _lines(house: House, paragraph: Paragraph, look: _Look, x: float, width: float, part: Part | None) -> list[Strip]:
    size = round(look.size * paragraph.scale, 1)
    runs = _bold(paragraph.runs) if look.bold else paragraph.runs
    ending = replace(runs[-1], text=" ", underline=False, strike=False) if runs else _SPACE
    label = _label(house, paragraph, size, bold=look.bold)
    label_left, left, first = _indents(paragraph, label, size, width)
    lines = house.setter.lines((*runs, ending), size, width - left, first)
    leading = size * _LEADING[house.chinese] * look.tight
    strips = []
    for number, line in enumerate(lines):
        shift = _shift(paragraph.align, width - left, line.width)
        drawing = _Drawing(line, x + left + shift, (leading - size) / 2 + _ASCENT * size, part)
        if number == 0 and label is not None:
            drawing = replace(drawing, label=label, label_x=x + label_left + shift)
        strips.append(Strip(leading, drawing.draw))
    return strips


def _indents(paragraph: Paragraph, label: Line | None, size: float, width: float) -> tuple[float, float, float]:
    """Where the label and the lines begin, and how much farther the first line does; in points."""
    most = max(0.0, width - _LEAST_WIDTH * size)
    if label is None:
        left = paragraph.left + (_QUOTE_INDENT if paragraph.kind is Kind.QUOTE else 0.0)
        left = min(left * size, most)
        return 0.0, left, max(min((paragraph.first or 0.0) * size, most - left), -left)
    after = label.width + _LABEL_GAP * size
    if paragraph.kind is Kind.HEADING:
        return 0.0, 0.0, after
    room = min(_LABEL_ROOM * size, width / 4)
    begin = min(paragraph.level * room, most)
    return begin, begin + room, max(0.0, after - room)


def _label(house: House, paragraph: Paragraph, size: float, *, bold: bool) -> Line | None:
    if not paragraph.label:
        return None
    return house.setter.lines((Run(paragraph.label, bold=bold),), size, TEXT_WIDTH)[0]


def _shift(align: Align, width: float, used: float) -> float:
    return {Align.LEFT: 0.0, Align.CENTER: max(0.0, width - used) / 2, Align.RIGHT: max(0.0, width - used)}[align]


def _look(paragraph: Paragraph) -> _Look:
    if paragraph.kind is Kind.HEADING:
        return _HEADINGS[paragraph.level - 1] if paragraph.level <= len(_HEADINGS) else _LOW_HEADING
    return _LOOKS[paragraph.kind]


def _tag(house: House, paragraph: Paragraph) -> str:
    if paragraph.kind is Kind.HEADING:
        return f"H{min(paragraph.level + house.titled, _DEEPEST_HEADING)}"
    return {Kind.TITLE: "H1", Kind.NOTE: "Note"}.get(paragraph.kind, "P")


def _bold(runs: Sequence[Run]) -> tuple[Run, ...]:
    return tuple(replace(run, bold=True) for run in runs)
