"""Fonts of PDF: which characters the bytes of a shown string are, and how wide (ISO 32000, 9.6 to 9.10)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import pikepdf
from reportlab.pdfbase._fontdata import encodings, widthsByFontGlyph
from reportlab.pdfbase._glyphlist import _glyphname2unicode

from contract.watermark.pdf.cmaps import CMap, character
from contract.watermark.pdf.objects import Objects, name_of, numbers_of
from contract.watermark.refusals import malformed
from mpc.errors import MalformedInput

_UNKNOWN: Final = "\ufffd"
_SPACE: Final = b" "
_GLYPH_CODE: Final = re.compile(r"uni([0-9A-F]{4})$|u([0-9A-F]{4,6})$")
_NAMED: Final = {"WinAnsiEncoding", "MacRomanEncoding", "StandardEncoding"}
_SUBSET: Final = re.compile(r"^[A-Z]{6}\+")
_DEFAULT_WIDTH: Final = 1000.0


@dataclass(frozen=True, slots=True)
class Glyph:
    """What a code of a font shows.

    Args:
        code: its bytes.
        text: that it stands for; may be several characters, or none.
        width: in thousandths of the font's size.
        is_space: whether it is the single byte 32, which word spacing widens.
    """

    code: bytes
    text: str
    width: float
    is_space: bool


class Font:
    """A font, as far as text and places are concerned.

    Args:
        dictionary: of the font.
        objects: of its file.

    Raises:
        MalformedInput: DOCUMENT_UNREADABLE: it does not say which characters it shows, or writes downwards;
            DOCUMENT_MALFORMED, DOCUMENT_TOO_LARGE.
    """

    def __init__(self, dictionary: pikepdf.Object, objects: Objects) -> None:
        kind = name_of(dictionary, "Subtype")
        self._name = _SUBSET.sub("", name_of(dictionary, "BaseFont").lstrip("/"))
        to_unicode = dictionary.get("/ToUnicode")
        self._texts: dict[int, str] = {}
        if isinstance(to_unicode, pikepdf.Stream):
            self._texts = CMap(objects.read(to_unicode)).texts
        self._codes: CMap | None = None
        self._glyphs: dict[bytes, Glyph] = {}
        self._default = _DEFAULT_WIDTH
        self._scale = 1.0
        if kind == "/Type0":
            self._read_composite(dictionary, objects)
        else:
            self._read_simple(dictionary, kind)

    def glyphs(self, shown: bytes) -> Iterator[Glyph]:
        """The glyphs of a shown string.

        Raises:
            MalformedInput: DOCUMENT_UNREADABLE.
        """
        at = 0
        while at < len(shown):
            size = self._codes.length(shown, at) if self._codes is not None else self._size
            code = shown[at : at + size]
            at += size
            known = self._glyphs.get(code)
            if known is None:
                known = self._glyphs[code] = self._glyph(code)
            yield known

    def _glyph(self, code: bytes) -> Glyph:
        number = int.from_bytes(code, "big")
        cid = number if self._codes is None else self._codes.glyphs.get(number, 0)
        width = self._widths.get(cid, self._default) * self._scale
        text = self._texts.get(number)
        if text is None:
            text = self._named.get(number)
        if text is None:
            if not self._texts and not self._named:
                raise _unreadable(f"its font {self._name or 'without a name'} does not say which characters it shows")
            text = _UNKNOWN
        return Glyph(code, text.replace("\0", ""), width, code == _SPACE)

    def _read_composite(self, dictionary: pikepdf.Object, objects: Objects) -> None:
        encoding = dictionary.get("/Encoding")
        if isinstance(encoding, pikepdf.Stream):
            self._codes = CMap(objects.read(encoding))
            if "/UseCMap" in encoding:
                raise _unreadable(f"its font {self._name} has an encoding that is not in the file")
        elif encoding != pikepdf.Name("/Identity-H"):
            raise _unreadable(f"its font {self._name} has the encoding {encoding}")
        self._size = 2
        self._named: dict[int, str] = {}
        below = dictionary.get("/DescendantFonts")
        if not isinstance(below, pikepdf.Array) or len(below) != 1 or not isinstance(below[0], pikepdf.Dictionary):
            raise malformed("a font that is none")
        default = below[0].get("/DW", _DEFAULT_WIDTH)
        self._default = _number(default)
        self._widths = _composite_widths(below[0].get("/W"))

    def _read_simple(self, dictionary: pikepdf.Object, kind: str) -> None:
        self._size = 1
        names = _glyph_names(dictionary, self._name)
        self._named = {code: text for code, name in names.items() if (text := _text_of(name)) is not None}
        widths = dictionary.get("/Widths")
        descriptor = dictionary.get("/FontDescriptor")
        self._default = _number(descriptor.get("/MissingWidth", 0)) if descriptor is not None else 0.0
        if widths is not None:
            first = int(_number(dictionary.get("/FirstChar", 0)))
            self._widths = dict(enumerate(numbers_of(widths), start=first))
        else:
            standard = widthsByFontGlyph.get(self._name)
            if standard is None:
                raise _unreadable(f"its font {self._name} does not say how wide its characters are")
            self._widths = {code: float(standard.get(name, 0)) for code, name in names.items()}
        if kind == "/Type3":
            matrix = numbers_of(dictionary.get("/FontMatrix"))
            self._scale = matrix[0] * 1000 if matrix else 1.0


def _glyph_names(dictionary: pikepdf.Object, font: str) -> dict[int, str]:
    """Names of a simple font's glyphs, by code; empty where only the font's program has them."""
    encoding = dictionary.get("/Encoding")
    base, differences = "", []
    if isinstance(encoding, pikepdf.Name):
        base = str(encoding)[1:]
    elif isinstance(encoding, pikepdf.Dictionary):
        base = name_of(encoding, "BaseEncoding")[1:]
        differences = list(encoding.get("/Differences", []))
    if base not in _NAMED:
        base = {"Symbol": "SymbolEncoding", "ZapfDingbats": "ZapfDingbatsEncoding"}.get(font, "")
        if not base and (font in widthsByFontGlyph or encoding is not None):
            base = "StandardEncoding"
    names = dict(enumerate(encodings[base])) if base else {}
    code = 0
    for each in differences:
        if isinstance(each, pikepdf.Name):
            names[code] = str(each)[1:]
            code += 1
        else:
            code = int(_number(each))
    return {code: name for code, name in names.items() if name}


def _text_of(name: str) -> str | None:
    """Text of a glyph by its name (Adobe Glyph List)."""
    parts = []
    for part in name.partition(".")[0].split("_"):
        coded = _GLYPH_CODE.match(part)
        code = int(coded[1] or coded[2], 16) if coded else _glyphname2unicode.get(part)
        if code is None:
            return None
        parts.append(character(code))
    return "".join(parts)


def _composite_widths(array: pikepdf.Object | None) -> dict[int, float]:
    widths: dict[int, float] = {}
    items = list(array) if isinstance(array, pikepdf.Array) else []
    at = 0
    while at + 1 < len(items):
        first = int(_number(items[at]))
        if isinstance(items[at + 1], pikepdf.Array):
            widths.update(enumerate(numbers_of(items[at + 1]), start=first))
            at += 2
        elif at + 2 < len(items):
            last = min(int(_number(items[at + 1])), 0xFFFF)
            widths.update(dict.fromkeys(range(first, last + 1), _number(items[at + 2])))
            at += 3
        else:
            break
    return widths


def _number(value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]  # what is none is refused
    except (TypeError, ValueError):
        raise malformed("a font that is none") from None


def _unreadable(problem: str) -> MalformedInput:
    return MalformedInput("DOCUMENT_UNREADABLE", f"the document's text cannot be read: {problem}", problem=problem)
