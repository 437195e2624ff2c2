r"""Text on pages of A4: headings, names with values, lines of a table. The same calls make the same bytes.

No text is markup, and each stands in its column: what came from elsewhere cannot draw, break a line or pass for ours.
It is set in a font that comes with the file (Latin), or in one that every reader brings (Adobe's STSong-Light: Chinese,
Greek, Cyrillic). Characters that neither has, or that do not show, stand as ``\u{code}``.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache
from itertools import groupby
from typing import Final

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

_PLAIN: Final = "Vera"
_BOLD: Final = "VeraBd"
_CHINESE: Final = "STSong-Light"
_SIZE: Final = 8.0
_LEADING: Final = 11.0
_MARGIN: Final = 20 * mm
_WIDTH: Final = A4[0] - 2 * _MARGIN
_NAMES: Final = 32 * mm
_GAP: Final = 3 * mm


class Pages:
    """A document while it is written, from top to bottom.

    Args:
        title: of the document.
        creator: program that writes it.
        foot: stands at the end of each page, before its number.
    """

    def __init__(self, title: str, creator: str, foot: str) -> None:
        _register_fonts()
        self._written = io.BytesIO()
        self._canvas = Canvas(self._written, pagesize=A4, invariant=1, pageCompression=1)
        self._canvas.setTitle(title)
        self._canvas.setCreator(creator)
        self._foot = foot
        self._y = A4[1] - _MARGIN

    def heading(self, text: str, size: float = 11.0) -> None:
        """Begin a section; never the last line of a page."""
        self._need(size + 5 * _LEADING)
        self._y -= size + _LEADING
        self._draw(_MARGIN, visible(text), size, bold=True)
        self._y -= _LEADING / 2

    def paragraph(self, text: str, *, bold: bool = False) -> None:
        """Text over the whole width."""
        self.line((text,), (_WIDTH,), bold=bold)
        self._y -= _LEADING / 4

    def rows(self, rows: Sequence[tuple[str, str]]) -> None:
        """Names and values."""
        for row in rows:
            self.line(row, (_NAMES, _WIDTH - _NAMES))

    def line(self, cells: Sequence[str], widths: Sequence[float], *, bold: bool = False) -> None:
        """A line of a table; each cell is wrapped in its own column.

        Args:
            cells: texts.
            widths: of the columns, in points; together at most the page's.
            bold: in which weight.
        """
        wrapped = [
            wrap(visible(cell), width - _GAP, _SIZE, bold=bold) for cell, width in zip(cells, widths, strict=True)
        ]
        for number in range(max(map(len, wrapped))):
            self._need(_LEADING)
            self._y -= _LEADING
            x = _MARGIN
            for column, width in zip(wrapped, widths, strict=True):
                if number < len(column):
                    self._draw(x, column[number], _SIZE, bold=bold)
                x += width

    def finish(self) -> bytes:
        """The document."""
        self._end_page()
        self._canvas.save()
        return self._written.getvalue()

    def _need(self, height: float) -> None:
        if self._y - height < _MARGIN:
            self._end_page()
            self._y = A4[1] - _MARGIN

    def _end_page(self) -> None:
        self._y = _MARGIN - 2 * _LEADING
        self._draw(_MARGIN, f"{visible(self._foot)}, page {self._canvas.getPageNumber()}", _SIZE - 1, bold=False)
        self._canvas.showPage()

    def _draw(self, x: float, text: str, size: float, *, bold: bool) -> None:
        drawn = self._canvas.beginText(x, self._y)
        for font, run in groupby(text, lambda character: _font_of(character, bold=bold)):
            drawn.setFont(font, size)
            drawn.textOut("".join(run))
        self._canvas.drawText(drawn)


def visible(text: str) -> str:
    """One line of text in which every character shows. A backslash is escaped too, so that there is no doubt."""
    return "".join(
        each if each != "\\" and each.isprintable() and _font_of(each, bold=False) else f"\\u{{{ord(each):x}}}"
        for each in text
    )


def wrap(text: str, width: float, size: float, *, bold: bool) -> list[str]:
    """Cut text into lines of at most that width: at a space where there is one, else anywhere."""
    lines: list[str] = []
    while text:
        fits = max(1, _fitting(text, width, size, bold=bold))
        space = text.rfind(" ", 1, fits + 1) if fits < len(text) else -1
        lines.append(text[: fits if space < 0 else space])
        text = text[fits if space < 0 else space + 1 :]
    return lines or [""]


def _fitting(text: str, width: float, size: float, *, bold: bool) -> int:
    """How many of the characters have room."""
    used = 0.0
    for count, character in enumerate(text):
        used += pdfmetrics.stringWidth(character, _font_of(character, bold=bold), size)
        if used > width:
            return count
    return len(text)


@cache
def _font_of(character: str, *, bold: bool) -> str:
    """Empty if no font has it."""
    _register_fonts()
    font = _BOLD if bold else _PLAIN
    if ord(character) in pdfmetrics.getFont(font).face.charToGlyph:
        return font
    try:
        character.encode("gbk")  # the characters that the Chinese font has
    except UnicodeEncodeError:
        return ""
    return _CHINESE


@cache
def _register_fonts() -> None:
    for name in (_PLAIN, _BOLD):
        pdfmetrics.registerFont(TTFont(name, f"{name}.ttf"))
    pdfmetrics.registerFont(UnicodeCIDFont(_CHINESE))
