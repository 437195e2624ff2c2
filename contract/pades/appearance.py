"""How a signature shows in its field: a tick, that it was signed, by whom and when.

The name shows where the font has its characters. Where it has not, as with Chinese names, it is left out: the page has
it beside the field. The whole is an artifact, so that it is no part of the document's text.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from pyhanko.pdf_utils.content import AppearanceContent
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.stamp import BaseStampStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

_FONT: Final = "Vera"
_GREEN: Final = (0.10, 0.45, 0.25)
_GREY: Final = (0.30, 0.30, 0.30)
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
        self._page_writer = writer
        self._style = style

    def render(self) -> bytes:
        drawn = _draw(self.box.width, self.box.height, self._style)
        page = self._page_writer.import_page_as_xobject(PdfFileReader(io.BytesIO(drawn)))
        self.resources.xobject["/Signed"] = page
        return b"/Artifact BMC /Signed Do EMC"


def _draw(width: float, height: float, style: Appearance) -> bytes:
    font = _font()
    name = style.name if all(ord(each) in font.face.charToGlyph for each in style.name) else ""
    lines = [f"Signed by {name}" if name else "Signed"]
    if style.time is not None:
        lines.append(style.time.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC"))
    mark = min(height * 0.7, width * 0.15)
    room = width - mark - 8
    widest = max(pdfmetrics.stringWidth(line, _FONT, 1) for line in lines)
    size = min(_LARGEST, room / widest, height / (1.4 * len(lines)))
    written = io.BytesIO()
    canvas = Canvas(written, pagesize=(width, height), invariant=1, initialFontName=_FONT)
    canvas.setStrokeColorRGB(*_GREEN)
    canvas.setLineWidth(max(0.8, mark / 9))
    canvas.setLineCap(1)
    tick = ((0.1, 0.5), (0.4, 0.2), (0.95, 0.85))
    points = [(3 + x * mark, (height - mark) / 2 + y * mark) for x, y in tick]
    canvas.lines([(*points[0], *points[1]), (*points[1], *points[2])])
    canvas.setFillColorRGB(*_GREY)
    canvas.setFont(_FONT, size)
    top = height / 2 + size * 1.3 * (len(lines) / 2 - 0.75)
    for number, line in enumerate(lines):
        canvas.drawString(mark + 6, top - number * size * 1.3, line)
    canvas.save()
    return written.getvalue()


@cache
def _font() -> TTFont:
    font = TTFont(_FONT, "Vera.ttf")  # comes with reportlab
    pdfmetrics.registerFont(font)
    return font
