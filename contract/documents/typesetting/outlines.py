"""Characters as outlines: what is drawn of them without being text, so that no program takes them for any.

The marks of artifacts alone do not do that: Ghostscript and cairo leave them away when they write a PDF again.
"""

from __future__ import annotations

from typing import Final

from fontTools.pens.basePen import BasePen
from fontTools.ttLib import TTFont
from pikepdf import Array, Name, Object, Pdf

_BOX: Final = ("xMin", "yMin", "xMax", "yMax")


class OutlinePen(BasePen):  # type: ignore[misc]
    """Writes a glyph as a path of PDF (ISO 32000-1, 8.5.2), in whole units of its font.

    Args:
        glyphs: of the font, as fontTools has them.

    Attributes:
        path: operators, without the one that fills it: empty if nothing is to be seen of the glyph.
    """

    def __init__(self, glyphs: object) -> None:
        super().__init__(glyphs)
        self.path: list[str] = []

    def _moveTo(self, pt: tuple[float, float]) -> None:  # noqa: N802
        self._write("m", pt)

    def _lineTo(self, pt: tuple[float, float]) -> None:  # noqa: N802
        self._write("l", pt)

    def _curveToOne(self, pt1: tuple[float, float], pt2: tuple[float, float], pt3: tuple[float, float]) -> None:  # noqa: N802
        self._write("c", pt1, pt2, pt3)

    def _closePath(self) -> None:  # noqa: N802
        self._write("h")

    def _write(self, operator: str, *points: tuple[float, float]) -> None:
        self.path.append(" ".join((*(str(round(each)) for point in points for each in point), operator)))


class Outlines:
    """Outlines of a font's glyphs, each a form that is one em large, black unless another colour is set before.

    Args:
        font: that has them; whole as long as glyphs are asked for.
    """

    def __init__(self, font: TTFont) -> None:
        self._font = font
        self._paths: dict[str, str] = {}

    def add(self, name: str, glyph: str) -> bool:
        """Note a glyph.

        Args:
            name: that its form is to have.
            glyph: as fontTools calls it.

        Returns:
            Whether anything is to be seen of it.
        """
        if name not in self._paths:
            glyphs = self._font.getGlyphSet()
            pen = OutlinePen(glyphs)
            glyphs[glyph].draw(pen)
            self._paths[name] = "\n".join(pen.path)
        return bool(self._paths[name])

    def embed(self, pdf: Pdf) -> dict[str, Object]:
        """Put the forms into a document: by their names."""
        head = self._font["head"]
        em = 1 / head.unitsPerEm
        return {
            f"/{name}": pdf.make_stream(
                f"{path}\nf".encode(),
                Type=Name.XObject,
                Subtype=Name.Form,
                BBox=Array([getattr(head, each) for each in _BOX]),
                Matrix=Array([em, 0, 0, em, 0, 0]),
            )
            for name, path in sorted(self._paths.items())
            if path
        }
