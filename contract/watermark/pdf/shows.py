"""Shown strings: what one operator shows, and where each of its characters stands."""

from __future__ import annotations

from dataclasses import dataclass, field

import pikepdf

from contract.watermark.pdf.colours import Colour
from contract.watermark.pdf.fonts import Glyph
from contract.watermark.pdf.geometry import Point


@dataclass(slots=True, eq=False)
class Source:
    """A content stream as it is painted once: a page's, or a form's at one of the places where it is shown.

    Args:
        data: of the stream.
        page: that it is painted on, from 0.
        form: the form's object; None for a page's content.
        parent: the stream that shows the form; None for a page's content.
        start: of the operator that shows it there.
        end: behind that.
        resources: of the stream.
    """

    data: bytes
    page: int
    resources: pikepdf.Object
    form: pikepdf.Object | None = None
    parent: Source | None = None
    start: int = 0
    end: int = 0


@dataclass(slots=True, eq=False)
class Show:
    """What one operator shows.

    Lengths are in thousandths of ``em``.

    Args:
        source: the stream that it stands in.
        start: of the operator's first operand there.
        end: behind the operator.
        before: operators that stand for what it does besides.
        origin: where its first character would stand, in points.
        em: the vector along the line that is as long as the font's size, in points.
        spacing: what is added to each character's width.
        word_spacing: what is added to that of a space.
        colour: that fills it.
        is_aside: whether it is no text of the document: page numbers and the like.
        glyphs: what it shows.
        texts: of each; what the document says of them counts more than what the font does.
        offsets: of each from the origin.
        width: of it all.
    """

    source: Source
    start: int
    end: int
    before: bytes
    origin: Point
    em: Point
    spacing: float
    word_spacing: float
    colour: Colour
    is_aside: bool
    glyphs: list[Glyph] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    offsets: list[float] = field(default_factory=list)
    width: float = 0.0

    def place(self, at: int, further: float = 0.0) -> Point:
        """Where a character stands, or what is so much further on."""
        along = (self.offsets[at] + further) / 1000
        return (self.origin[0] + along * self.em[0], self.origin[1] + along * self.em[1])

    def middle(self, at: int, height: float) -> Point:
        """The middle of a character, so many em above its line."""
        x, y = self.place(at, self.glyphs[at].width / 2)
        return (x - height * self.em[1], y + height * self.em[0])

    def advance(self, glyph: Glyph) -> float:
        """How far the next character stands by itself."""
        return glyph.width + self.spacing + (self.word_spacing if glyph.is_space else 0.0)
