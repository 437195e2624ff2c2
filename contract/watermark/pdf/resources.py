"""What all pages of a file share: fonts, each read once; and resources, by their names (ISO 32000, 7.8.3)."""

from __future__ import annotations

from typing import Final

import pikepdf

from contract.watermark.pdf.fonts import Font
from contract.watermark.pdf.objects import Objects
from contract.watermark.pdf.shows import Source
from contract.watermark.pdf.syntax import Operand
from contract.watermark.refusals import MAX_CHARACTERS, malformed, too_large

_MAX_GLYPHS: Final = 2 * MAX_CHARACTERS
_MAX_PAINTED_BYTES: Final = 96 << 20
SPACES: Final = {"/DeviceGray": (1, True), "/DeviceRGB": (3, True), "/DeviceCMYK": (4, True)}
_CALIBRATED: Final = {"/CalGray": (1, False), "/CalRGB": (3, False)}


class Shared:
    """What pages share, and how much they may show together.

    Args:
        objects: of the file.
    """

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._fonts: dict[tuple[int, int], Font] = {}
        self._glyphs_left = _MAX_GLYPHS
        self._bytes_left = _MAX_PAINTED_BYTES

    def font(self, dictionary: pikepdf.Object | None) -> Font:
        """A font; each is read once."""
        if not isinstance(dictionary, pikepdf.Dictionary):
            raise malformed("a font that is not there")
        if not dictionary.is_indirect:
            return Font(dictionary, self._objects)
        found = self._fonts.get(dictionary.objgen)
        if found is None:
            found = self._fonts[dictionary.objgen] = Font(dictionary, self._objects)
        return found

    def read(self, stream: pikepdf.Object) -> bytes:
        """Unpack a content stream."""
        return self._objects.read(stream)

    def count(self, painted: int, glyphs: int) -> None:
        """Count what is painted; a form may be shown again and again."""
        self._bytes_left -= painted
        self._glyphs_left -= glyphs
        if self._bytes_left < 0 or self._glyphs_left < 0:
            raise too_large("what its pages show")


def resource(source: Source, kind: str, name: str) -> pikepdf.Object | None:
    """A resource of a content stream by its kind and name; None if it is not there."""
    kinds = source.resources.get(f"/{kind}")
    return kinds.get(name) if isinstance(kinds, pikepdf.Dictionary) else None


def properties(source: Source, operand: Operand) -> object:
    """Properties of marked content: given, or by their name."""
    return resource(source, "Properties", operand) if isinstance(operand, str) else operand


def space_of(space: object) -> tuple[int, bool]:
    """Components of a colour space, 0 where they say nothing of what is seen; and whether it is a device's."""
    if isinstance(space, pikepdf.Name):
        return SPACES.get(str(space), (0, False))
    if not isinstance(space, pikepdf.Array) or not len(space):
        return (0, False)
    kind = str(space[0])
    if kind == "/ICCBased" and isinstance(space[1], pikepdf.Stream):
        return (int(space[1].get("/N", 0)), False)
    return _CALIBRATED.get(kind, (0, False))
