"""How a signature shows in its field: a tick, that it was signed, by whom and when.

The name shows where the font has its characters. Where it has not, as with Chinese names, it is left out: the page has
it beside the field. The whole is drawn as outlines, and an artifact, so that it is no part of the document's text, also
where a program that writes the file again makes it a part of the page.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from fontTools.ttLib import TTFont
from pyhanko.pdf_utils.content import AppearanceContent
from pyhanko.stamp import BaseStampStyle
from reportlab.pdfbase.ttfonts import TTFOpenFile

from contract.documents.typesetting.outlines import OutlinePen

_GREEN: Final = "0.1 0.45 0.25"
_GREY: Final = "0.3 0.3 0.3"
_LARGEST: Final = 8.0
"""Points of the larger line."""


@dataclass(frozen=True)
class Appearance(BaseStampStyle):
    """What a signature shows.

    Args:
        name: of the signer.
        time: of the signature, aware.
    """

    name: str = ""
    time: datetime | None = None

    def create_stamp(self, writer: Any, box: Any, text_params: dict[str, Any]) -> Any:  # noqa: ANN401, ARG002
        """See ``BaseStampStyle``."""
        return _Stamp(writer, box, self)


class _Stamp(AppearanceContent):
    def __init__(self, writer: Any, box: Any, style: Appearance) -> None:  # noqa: ANN401
        super().__init__(writer=writer, box=box)
        self._style = style

    def render(self) -> bytes:
        return _draw(self.box.width, self.box.height, self._style).encode("ascii")

    def as_form_xobject(self) -> Any:  # noqa: ANN401
        form = super().as_form_xobject()
        form.compress()
        return form


def _draw(width: float, height: float, style: Appearance) -> str:
    known = _font().getBestCmap()
    name = style.name if all(ord(each) in known for each in style.name) else ""
    lines = [f"Signed by {name}" if name else "Signed"]
    if style.time is not None:
        lines.append(style.time.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC"))
    mark = min(height * 0.7, width * 0.15)
    room = width - mark - 8
    size = min(_LARGEST, room / max(map(_width, lines)), height / (1.4 * len(lines)))
    tick = [
        f"{3 + x * mark:.2f} {(height - mark) / 2 + y * mark:.2f}" for x, y in ((0.1, 0.5), (0.4, 0.2), (0.95, 0.85))
    ]
    drawn = [f"/Artifact BMC\n{_GREEN} RG {max(0.8, mark / 9):.2f} w 1 J 1 j {tick[0]} m {tick[1]} l {tick[2]} l S"]
    drawn.append(f"{_GREY} rg")
    top = height / 2 + size * 1.3 * (len(lines) / 2 - 0.75)
    for number, line in enumerate(lines):
        drawn += _outlines(line, mark + 6, top - number * size * 1.3, size)
    return "\n".join((*drawn, "EMC"))


def _outlines(text: str, x: float, y: float, size: float) -> Iterator[str]:
    glyphs, known, scale = _font().getGlyphSet(), _font().getBestCmap(), size / _font()["head"].unitsPerEm
    for each in text:
        pen, glyph = OutlinePen(glyphs), glyphs[known[ord(each)]]
        glyph.draw(pen)
        if pen.path:
            yield "\n".join((f"q {scale:.6f} 0 0 {scale:.6f} {x:.3f} {y:.3f} cm", *pen.path, "f Q"))
        x += glyph.width * scale


def _width(text: str) -> float:
    """Of a line, in em."""
    glyphs, known = _font().getGlyphSet(), _font().getBestCmap()
    total: float = sum(glyphs[known[ord(each)]].width for each in text) / _font()["head"].unitsPerEm
    return total


@cache
def _font() -> TTFont:
    with TTFOpenFile("Vera.ttf")[1] as file:  # comes with reportlab
        return TTFont(io.BytesIO(file.read()))
