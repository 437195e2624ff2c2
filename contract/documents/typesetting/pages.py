"""Pages of a PDF while they are written: their content, what of it is text and what is not, the tree of its parts.

What is no text of the draft is marked as an artifact (ISO 32000-1, 14.8.2.2): page numbers, running heads, labels of
lists, lines, the signature block. Programs that drop these marks would make text of it: all but the labels is drawn as
outlines. Text is shown with ``Tj`` alone, at the widths of its face, and black: what a watermark changes later is then
all that there is of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from contract.documents.typesetting.lines import Line, Piece

WIDTH: Final = 595.276
HEIGHT: Final = 841.89
"""Of A4, in points."""

BLACK: Final = 0.0
GREY: Final = 0.4
_RAISED: Final = {1: 0.36, -1: -0.16, 0: 0.0}
"""How far superscripts and subscripts are off the line, in em of the size that they have."""
_LINE_BELOW, _LINE_THROUGH, _THICKNESS = 0.14, -0.28, 0.05
_SLANT: Final = 0.2126
"""Of ideographs that are set in italics, which no face has: tangent of 12 degrees."""


@dataclass(slots=True)
class Part:
    """A part of the document's structure (ISO 32000-1, 14.7.2).

    Args:
        tag: structure type, such as P or TD.
        columns: that a cell spans.
        rows: that a cell spans.
    """

    tag: str
    columns: int = 1
    rows: int = 1
    parts: list[Part] = field(default_factory=list)
    content: list[tuple[int, int]] = field(default_factory=list)
    """Number of a page, and of a marked content in it."""

    def add(self, tag: str, columns: int = 1, rows: int = 1) -> Part:
        """A part of this part."""
        self.parts.append(Part(tag, columns, rows))
        return self.parts[-1]


class Page:
    """The content of one page. Places are in points from its upper left corner."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._content: list[str] = []
        self._marked = 0

    def line(self, line: Line, x: float, baseline: float, part: Part) -> None:
        """Show a line of the draft.

        Args:
            line: to be shown.
            x: of its left edge.
            baseline: of it.
            part: of the structure that it belongs to.
        """
        self._content.append(f"/{part.tag} <</MCID {self._marked}>> BDC")
        part.content.append((self.number, self._marked))
        self._marked += 1
        self._show(line, x, baseline)
        self._content.append("EMC")
        self._decorate(line, x, baseline)

    def label(self, line: Line, x: float, baseline: float) -> None:
        """Show a label of a list: no text of the draft, but people copy it."""
        with self.artifact():
            self._show(line, x, baseline)

    def outlines(self, line: Line, x: float, baseline: float, grey: float = BLACK) -> None:
        """Draw a line that is no text of the draft, and to no program any text; ``grey`` is 0 for black."""
        with self.artifact():
            self._content += (_colour(grey), *self._drawn(line, x, baseline))
        self._decorate(line, x, baseline)

    @contextmanager
    def artifact(self, kind: str = "") -> Iterator[None]:
        """What is drawn meanwhile is no text of the draft. It leaves nothing if nothing is drawn."""
        begin = len(self._content)
        yield
        if len(self._content) > begin:
            self._content.insert(begin, f"/Artifact {kind} BDC" if kind else "/Artifact BMC")
            self._content.append("EMC")

    def box(self, x: float, y: float, width: float, height: float, grey: float = BLACK) -> None:
        """Fill a rectangle. To be called for artifacts alone."""
        numbers = " ".join(map(_number, (x, HEIGHT - y - height, width, height)))
        self._content.append(f"{_colour(grey)} {numbers} re f")

    def boxes(self, boxes: Sequence[tuple[float, float, float, float]]) -> None:
        """Fill black rectangles at once, so that no seam shows between them. To be called for artifacts alone."""
        drawn = [" ".join(map(_number, (x, HEIGHT - y - high, wide, high))) + " re" for x, y, wide, high in boxes]
        self._content.append("\n".join(("0 0 0 rg", *drawn, "f")))

    def written(self) -> bytes:
        """The content stream."""
        return "\n".join(self._content).encode("ascii")

    def _show(self, line: Line, x: float, baseline: float) -> None:
        self._content += (f"BT {_colour(BLACK)}", *self._shown(line, x, baseline), "ET")

    @staticmethod
    def _shown(line: Line, x: float, baseline: float) -> Iterator[str]:
        for piece in line.pieces:
            codes = "".join(f"{piece.face.code(each):04X}" for each in piece.text)
            left, up = _place(piece, x, baseline)
            yield (
                f"/{piece.face.name.value} {_number(piece.size)} Tf "
                f"1 0 {_number(_slant(piece))} 1 {_number(left)} {_number(up)} Tm <{codes}> Tj"
            )

    @staticmethod
    def _drawn(line: Line, x: float, baseline: float) -> Iterator[str]:
        for piece in line.pieces:
            size, slant = _number(piece.size), _number(_slant(piece) * piece.size)
            left, up = _place(piece, x, baseline)
            for each in piece.text:
                form = piece.face.outline(each)
                if form is not None:
                    yield f"q {size} 0 {slant} {size} {_number(left)} {_number(up)} cm /{form} Do Q"
                left += piece.face.width(each) * piece.size

    def _decorate(self, line: Line, x: float, baseline: float) -> None:
        with self.artifact():
            for piece in line.pieces:
                width = min(piece.width, WIDTH - x - piece.x)
                for wanted, down in ((piece.run.underline, _LINE_BELOW), (piece.run.strike, _LINE_THROUGH)):
                    if wanted:
                        thick = piece.size * _THICKNESS
                        self.box(x + piece.x, baseline + piece.size * down, width, thick)


def _place(piece: Piece, x: float, baseline: float) -> tuple[float, float]:
    return x + piece.x, HEIGHT - baseline + _RAISED[piece.run.shift] * piece.size


def _slant(piece: Piece) -> float:
    return _SLANT if piece.run.italic and not piece.face.is_italic else 0.0


def _colour(grey: float) -> str:
    return f"{_number(grey)} {_number(grey)} {_number(grey)} rg"


def _number(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")
