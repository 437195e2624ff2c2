"""Faces in a PDF: which has a character, how wide it is, by which code it is written, and the subset that is embedded.

A code stands for one character, so that a reader gets the text back as it was (ISO 32000-1, 9.10.3): where two
characters have one glyph, such as two spaces, the second gets a code of its own.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable
from typing import Final

from fontTools import subset
from fontTools.ttLib import TTFont
from pikepdf import Array, Dictionary, Name, Object, Pdf

from contract.documents.fonts import FaceName, Fonts
from contract.documents.typesetting.outlines import Outlines

_COLLECTION: Final = b"ttcf"
_SIMPLIFIED: Final = "CJK SC"
"""How the family of that face in a collection is called whose ideographs are simplified Chinese."""
_CID: Final = "cid"
_LAST_CODE: Final = 0xFFFF
_SYMBOLIC, _SERIF, _ITALIC_FLAG = 4, 2, 64
_ENTRIES: Final = 100
"""That a block of a CMap may have."""
_NOT_NEEDED: Final = ("GSUB", "GPOS", "GDEF", "BASE", "VORG", "vhea", "vmtx", "DSIG", "STAT", "name", "OS/2", "post")
_TO_UNICODE: Final = """/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<0000> <FFFF>
endcodespacerange
{blocks}
endcmap
CMapName currentdict /CMap defineresource pop
end
end
"""


class Face:
    """One face while a document is set in it.

    Args:
        name: which it is.
        data: its file.
    """

    def __init__(self, name: FaceName, data: bytes) -> None:
        self.name = name
        self._font = _open(data)
        self._glyphs: dict[int, str] = self._font.getBestCmap()
        self._widths: dict[str, tuple[int, int]] = self._font["hmtx"].metrics
        self._per_em: int = self._font["head"].unitsPerEm
        self._is_cff = "CFF " in self._font
        self._codes: dict[str, int] = {}
        self._taken: dict[int, str] = {}
        self._next = _LAST_CODE
        self._outlines = Outlines(self._font)

    @property
    def is_chinese(self) -> bool:
        """Whether it has ideographs."""
        return "CHINESE" in self.name.name

    @property
    def is_italic(self) -> bool:
        """Whether its letters slant."""
        return "ITALIC" in self.name.name

    @property
    def is_used(self) -> bool:
        """Whether a character was written."""
        return bool(self._codes)

    def has(self, character: str) -> bool:
        """Whether the face has a character."""
        return ord(character) in self._glyphs

    def width(self, character: str) -> float:
        """How wide a character is that it has, in em."""
        return self._widths[self._glyphs[ord(character)]][0] / self._per_em

    def code(self, character: str) -> int:
        """The code by which a character is written, and by which it comes into the subset."""
        code = self._codes.get(character)
        if code is None:
            code = self._natural_code(self._glyphs[ord(character)])
            while code in self._taken:
                code, self._next = self._next, self._next - 1
            self._codes[character] = code
            self._taken[code] = character
        return code

    def outline(self, character: str) -> str | None:
        """The name of the form that draws a character that is no text, one em large; None if nothing is to be seen."""
        glyph = self._glyphs[ord(character)]
        name = f"{self.name.value}{self._natural_code(glyph)}"
        return name if self._outlines.add(name, glyph) else None

    def embed_outlines(self, pdf: Pdf) -> dict[str, Object]:
        """Put the forms into a document that were asked for: by their names. To be called before ``embed``."""
        return self._outlines.embed(pdf)

    def embed(self, pdf: Pdf) -> Object:
        """Put the face into a document, with the characters that were written: its font dictionary."""
        glyphs = {code: self._glyphs[ord(character)] for code, character in sorted(self._taken.items())}
        postscript = self._font["name"].getDebugName(6) or self.name.value
        tag = hashlib.sha256(repr(sorted(self._codes.items())).encode()).digest()[:6]
        base = Name("/" + "".join(chr(ord("A") + each % 26) for each in tag) + f"+{postscript}")
        widths = Array()
        for code, glyph in glyphs.items():
            widths.append(code)
            widths.append(Array([round(self._widths[glyph][0] * 1000 / self._per_em)]))
        descriptor = self._descriptor(base)
        font = Dictionary(
            Type=Name.Font,
            Subtype=Name.CIDFontType0 if self._is_cff else Name.CIDFontType2,
            BaseFont=base,
            CIDSystemInfo=Dictionary(Registry="Adobe", Ordering="Identity", Supplement=0),
            DW=1000,
            W=widths,
        )
        if self._is_cff:
            descriptor.FontFile3 = pdf.make_stream(self._cff(glyphs), Subtype=Name.CIDFontType0C)
        else:
            descriptor.FontFile2 = pdf.make_stream(self._true_type(glyphs))
            font.CIDToGIDMap = pdf.make_stream(self._glyph_map(glyphs))
        font.FontDescriptor = pdf.make_indirect(descriptor)
        return pdf.make_indirect(
            Dictionary(
                Type=Name.Font,
                Subtype=Name.Type0,
                BaseFont=base,
                Encoding=Name("/Identity-H"),
                DescendantFonts=Array([pdf.make_indirect(font)]),
                ToUnicode=pdf.make_stream(_to_unicode(self._taken)),
            )
        )

    def _natural_code(self, glyph: str) -> int:
        """The number by which the face itself knows a glyph: of a character (CID) or of a glyph (GID)."""
        if self._is_cff:
            return int(glyph.removeprefix(_CID))
        return int(self._font.getGlyphID(glyph))

    def _descriptor(self, base: Name) -> Dictionary:
        head, lines, post = self._font["head"], self._font["OS/2"], self._font["post"]
        bold = "BOLD" in self.name.name
        flags = _SYMBOLIC | _SERIF | (_ITALIC_FLAG if post.italicAngle else 0)
        box = (head.xMin, head.yMin, head.xMax, head.yMax)
        return Dictionary(
            Type=Name.FontDescriptor,
            FontName=base,
            Flags=flags,
            FontBBox=Array([self._thousandths(each) for each in box]),
            ItalicAngle=round(post.italicAngle),
            Ascent=self._thousandths(lines.sTypoAscender),
            Descent=self._thousandths(lines.sTypoDescender),
            CapHeight=self._thousandths(lines.sCapHeight),
            StemV=140 if bold else 80,
        )

    def _thousandths(self, length: int) -> int:
        return round(length * 1000 / self._per_em)

    def _cff(self, glyphs: dict[int, str]) -> bytes:
        """The outlines as bare CFF, whose glyphs are called by their codes (Adobe Technical Note 5176)."""
        self._cut(set(glyphs.values()), keep_numbers=False)
        table = self._font["CFF "]
        top = table.cff.topDictIndex[0]
        outlines = top.CharStrings
        for code, glyph in glyphs.items():
            name = f"{_CID}{code:05d}"
            if name != glyph:
                source = outlines.charStrings[glyph]
                outlines.charStrings[name] = len(outlines.charStringsIndex)
                outlines.charStringsIndex.append(outlines.charStringsIndex[source])
                top.charset.append(name)
                top.FDSelect.append(top.FDSelect[source])
        compiled: bytes = table.compile(self._font)
        return compiled

    def _true_type(self, glyphs: dict[int, str]) -> bytes:
        self._cut(set(glyphs.values()), keep_numbers=True)
        written = io.BytesIO()
        self._font.save(written, reorderTables=False)
        return written.getvalue()

    def _glyph_map(self, glyphs: dict[int, str]) -> bytes:
        numbers = {code: self._font.getGlyphID(glyph) for code, glyph in glyphs.items()}
        return b"".join(numbers.get(code, 0).to_bytes(2) for code in range(max(numbers, default=0) + 1))

    def _cut(self, glyphs: set[str], *, keep_numbers: bool) -> None:
        options = subset.Options(
            layout_features=[],
            drop_tables=[*subset.Options().drop_tables, *_NOT_NEEDED],
            hinting=False,
            notdef_outline=True,
            glyph_names=self._is_cff,
            retain_gids=keep_numbers,
            recalc_timestamp=False,
        )
        self._font.recalcTimestamp = False
        subsetter = subset.Subsetter(options)
        subsetter.populate(glyphs=sorted(glyphs))
        subsetter.subset(self._font)


class Faces:
    """All faces of a document, each read when it is first asked for.

    Args:
        fonts: their files.
    """

    def __init__(self, fonts: Fonts) -> None:
        self._fonts = fonts
        self._faces: dict[FaceName, Face] = {}

    def __getitem__(self, name: FaceName) -> Face:
        """A face by its name."""
        if name not in self._faces:
            self._faces[name] = Face(name, self._fonts.files[name])
        return self._faces[name]

    def embed(self, pdf: Pdf) -> Dictionary:
        """Embed what was used of each: the resources of all pages."""
        faces = sorted(self._faces.values(), key=lambda each: each.name.value)
        forms = {name: form for each in faces for name, form in each.embed_outlines(pdf).items()}
        fonts = {f"/{each.name.value}": each.embed(pdf) for each in faces if each.is_used}
        return Dictionary(Font=Dictionary(fonts), XObject=Dictionary(forms))


def _open(data: bytes) -> TTFont:
    if not data.startswith(_COLLECTION):
        return TTFont(io.BytesIO(data), lazy=True)
    for number in range(int.from_bytes(data[8:12])):
        font = TTFont(io.BytesIO(data), fontNumber=number, lazy=True)
        if _SIMPLIFIED in (font["name"].getDebugName(1) or ""):
            return font
    return TTFont(io.BytesIO(data), fontNumber=0, lazy=True)


def _to_unicode(characters: dict[int, str]) -> bytes:
    entries = [f"<{code:04X}> <{text.encode('utf-16-be').hex().upper()}>" for code, text in sorted(characters.items())]
    return _TO_UNICODE.format(blocks="\n".join(_blocks(entries))).encode()


def _blocks(entries: list[str]) -> Iterable[str]:
    for begin in range(0, len(entries), _ENTRIES):
        block = entries[begin : begin + _ENTRIES]
        yield "\n".join((f"{len(block)} beginbfchar", *block, "endbfchar"))
