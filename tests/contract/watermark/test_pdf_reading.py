"""What is read of a PDF: its text as a person reads it, whatever operators show it; and what is refused."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Callable
from datetime import UTC, datetime

import pikepdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.watermark.channels import Channel
from contract.watermark.documents import open_document
from contract.watermark.embedding import embed
from contract.watermark.extraction import extract
from contract.watermark.key import WatermarkKey
from contract.watermark.pdf.cmaps import CMap
from contract.watermark.pdf.document import PdfDocument
from contract.watermark.pdf.objects import MAX_PAGES
from contract.watermark.pdf.syntax import operations
from contract.watermark.refusals import MAX_CHARACTERS, MAX_FILE_BYTES
from mpc.errors import MalformedInput
from tests.contract.watermark.contracts import ENGLISH
from tests.contract.watermark.pdfs import by_hand, changed, contents, make_plain_pdf, saved

KEY = WatermarkKey(bytes(range(32)))
TIME = datetime(2026, 11, 28, 12, 30, 15, tzinfo=UTC)
TEXT = b"BT /F 12 Tf 72 700 Td (The price is 10) Tj ET"
PLAIN = by_hand(TEXT)


def page(content: bytes, change: Callable[[pikepdf.Pdf], None] | None = None) -> PdfDocument:
    """A document of one page."""
    return PdfDocument(by_hand(content, change))


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"BT /F 12 Tf 72 700 Td (Seller) Tj 0 -14 Td (Buyer) Tj ET", "Seller Buyer"),
        (b"BT /F 12 Tf 72 700 Td (Seller ) Tj 0 -14 Td (Buyer) Tj ET", "Seller Buyer"),
        (b"BT /F 12 Tf 14 TL 72 700 Td (Sell) Tj (er) ' 1 2 (a b) \" T* (c) Tj ET", "Sell er a b c"),
        (b"BT /F 12 Tf 72 700 Td [(Sel) -20 (ler) -400 (pays)] TJ ET", "Seller pays"),
        (b"BT /F 12 Tf 72 700 Td (Sel) Tj ET BT /F 12 Tf 89.34 700 Td (ler) Tj ET", "Seller"),
        (b"BT /F 12 Tf 72 700 Td (m) Tj /F 7 Tf 5 Ts (2) Tj 0 Ts /F 12 Tf (.) Tj ET", "m2."),
        (b"BT /F 12 Tf 0 1 -1 0 300 300 Tm (Up) Tj ( there) Tj ET", "Up there"),
        (b"q 0.5 0 0 0.5 10 10 cm BT /F 24 Tf 72 700 Td (Half) Tj ET Q BT /F 12 Tf 46 345 Td (.) Tj ET", "Half ."),
        (b"/Artifact BMC BT /F 12 Tf 300 20 Td (Page 1) Tj ET EMC " + TEXT, "The price is 10"),
        (b"/Artifact <</Type/Pagination>> BDC /P BMC BT /F 9 Tf 9 9 Td (1) Tj ET EMC EMC " + TEXT, "The price is 10"),
        (b"BT /F 12 Tf 72 700 Td /Span <</ActualText (ffi)>> BDC (\\256) Tj EMC (ce) Tj ET", "ffice"),
        (b"BT /F 12 Tf 72 700 Td (\\247 1\\051 \\(a\\) \\\\) Tj <20 4 1> Tj ET % end", "\u00a7 1) (a) \\ A"),
        (b"BI /W 2 /H 2 /BPC 8 /CS /G ID \x00 EI\x01 EI " + TEXT, "The price is 10"),
        (b"BT /F 12 Tf 50 Tz 1 Tc 72 700 Td (A) Tj ET BT /F 12 Tf 0 Tc 76.5 700 Td (B) Tj ET", "AB"),
    ],
)
def test_text_is_read(content: bytes, text: str) -> None:
    """In the order of the content, with spaces where lines end and gaps are wide, and nowhere else."""

    def other_names(pdf: pikepdf.Pdf) -> None:
        pdf.pages[0].obj["/Resources"]["/Font"]["/F"]["/Encoding"] = pikepdf.Dictionary(
            BaseEncoding=pikepdf.Name.WinAnsiEncoding, Differences=[0o256, pikepdf.Name("/ffi")]
        )

    assert page(content, other_names).text == text


def test_text_beside_the_page_is_reported() -> None:
    """Page numbers and the like are no text: whoever relies on the digest is told what it does not cover."""
    document = page(b"/Artifact BMC BT /F 9 Tf 300 20 Td (Page 1) Tj ET BT /F 9 Tf 300 40 Td (of 2) Tj ET EMC " + TEXT)
    assert document.remarks == ("not covered, as it is marked as no text: Page 1 of 2",)
    marked = embed(page(b"/Artifact BMC BT /F 9 Tf 300 20 Td (Page 1) Tj ET EMC " + _long()), KEY, serial=1, time=TIME)
    assert b"(Page 1) Tj" in contents(marked.file)


def _long() -> bytes:
    lines = b" ".join(b"0 -14 Td <%s> Tj" % line.encode().hex().encode() for line in _lines())
    return b"BT /F 10 Tf 50 780 Td %s ET" % lines


def _lines() -> list[str]:
    text = " ".join(ENGLISH)
    return [text[at : at + 60] for at in range(0, len(text), 60)]


def test_embedded_characters_are_read_by_their_table() -> None:
    """Codes of two bytes, ranges, several characters for one glyph, and half a pair, which is none."""
    cmap = CMap(
        b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap 1 begincodespacerange <0000> <ffff> "
        b"endcodespacerange 2 beginbfchar <0001> <00660066> <0002> <d83dde00> endbfchar 3 beginbfrange "
        b"<0003> <0005> <0041> <0006> <0007> [<0061> <0062>] <0008> <0009> <d7ff> endbfrange "
        b"1 begincidrange <0000> <0003> 7 endcidrange 1 begincidchar <0009> 3 endcidchar end"
    )
    texts = {1: "ff", 2: "\U0001f600", 3: "A", 4: "B", 5: "C", 6: "a", 7: "b", 8: "\ud7ff", 9: "?"}
    assert cmap.texts == texts
    assert cmap.glyphs == {0: 7, 1: 8, 2: 9, 3: 10, 9: 3}
    assert cmap.length(b"\x00\x01", 0) == 2
    mixed = CMap(b"2 begincodespacerange <00> <80> <8140> <9ffc> endcodespacerange")
    assert [mixed.length(b"\x80\x81\x40\x81\x20", at) for at in range(5)] == [1, 2, 1, 1, 1]


@given(st.binary(max_size=30), st.binary(max_size=30))
@settings(max_examples=150, deadline=None)
def test_strings_are_read_as_they_were_written(one: bytes, other: bytes) -> None:
    """In parentheses and in digits; and the operator's place in the stream is known."""
    escaped = one.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)").replace(b"\r", b"\\r")
    before = b"q 1 0 0 1 0 0 cm % a comment (\n"
    shown = b"[(%s) -2.5 <%s>] TJ" % (escaped, other.hex().encode())
    *_, found, last = operations(before + shown + b" Q")
    assert (found.operator, found.operands) == (b"TJ", [[one, -2.5, other]])
    assert (before + shown)[found.start : found.end] == shown
    assert last.operator == b"Q"


@given(st.binary(max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_content_is_read_or_refused(content: bytes) -> None:
    """Nothing else is raised."""
    assert _reason(lambda: list(operations(content))) in (None, "DOCUMENT_MALFORMED")


OPERATORS = (
    *(
        "q",
        "Q",
        "cm",
        "BT",
        "ET",
        "Tf",
        "Td",
        "TD",
        "Tm",
        "T*",
        "Tc",
        "Tw",
        "Tz",
        "TL",
        "Ts",
        "Tr",
        "Tj",
        "TJ",
        "'",
        '"',
    ),
    *("rg", "g", "k", "cs", "scn", "m", "l", "c", "re", "W", "f", "n", "gs", "Do", "BMC", "BDC", "EMC", "BI", '"'),
)


@given(
    st.lists(
        st.tuples(
            st.lists(st.sampled_from([b"1", b"-2", b"(A)", b"[(A) 1]", b"/F", b"<</MCID 0>>", b"0.5"]), max_size=6),
            st.sampled_from(OPERATORS),
        ),
        max_size=12,
    )
)
@settings(max_examples=300, deadline=None)
def test_any_operators_are_painted_or_refused(written: list[tuple[list[bytes], str]]) -> None:
    """With whatever operands."""
    content = b" ".join(b" ".join([*operands, operator.encode()]) for operands, operator in written)
    reasons = (None, "DOCUMENT_MALFORMED", "DOCUMENT_DECEPTIVE", "DOCUMENT_EMPTY")
    assert _reason(lambda: page(content)) in reasons


def _reason(call: Callable[[], object]) -> str | None:
    try:
        call()
    except MalformedInput as refused:
        return refused.reason
    return None


def _catalog(**entries: object) -> bytes:
    def add(pdf: pikepdf.Pdf) -> None:
        for name, value in entries.items():
            pdf.Root[f"/{name}"] = value

    return changed(PLAIN, add)


def _note(**entries: object) -> bytes:
    def add(pdf: pikepdf.Pdf) -> None:
        note = pikepdf.Dictionary(Type=pikepdf.Name.Annot, Rect=[0, 0, 9, 9])
        for name, value in entries.items():
            note[f"/{name}"] = value
        pdf.pages[0].obj["/Annots"] = [pdf.make_indirect(note)]

    return changed(PLAIN, add)


def _font(**entries: object) -> bytes:
    def change(pdf: pikepdf.Pdf) -> None:
        font = pdf.pages[0].obj["/Resources"]["/Font"]["/F"]
        for name, value in entries.items():
            font[f"/{name}"] = value

    return changed(PLAIN, change)


def _action(kind: str) -> pikepdf.Dictionary:
    return pikepdf.Dictionary(S=pikepdf.Name(f"/{kind}"))


def _signed() -> bytes:
    def sign(pdf: pikepdf.Pdf) -> None:
        value = pikepdf.Dictionary(Type=pikepdf.Name.Sig, ByteRange=[0, 1, 2, 3], Contents=pikepdf.String("x"))
        note = pikepdf.Dictionary(
            Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Widget, FT=pikepdf.Name.Sig, Rect=[0, 0, 0, 0], V=value
        )
        pdf.pages[0].obj["/Annots"] = [pdf.make_indirect(note)]
        pdf.Root["/AcroForm"] = pikepdf.Dictionary(Fields=[pdf.pages[0].obj["/Annots"][0]])

    return changed(by_hand(_long()), sign)


def _scan() -> bytes:
    def add(pdf: pikepdf.Pdf) -> None:
        image = pdf.make_stream(bytes(100))
        for name, value in {"Subtype": pikepdf.Name.Image, "Width": 10, "Height": 10, "BitsPerComponent": 8}.items():
            image[f"/{name}"] = value
        image["/ColorSpace"] = pikepdf.Name.DeviceGray
        pdf.pages[0].obj["/Resources"]["/XObject"] = pikepdf.Dictionary(I=image)

    return by_hand(b"q 500 0 0 700 0 0 cm /I Do Q", add)


def _pages(count: int) -> bytes:
    pdf = pikepdf.new()
    for _ in range(count):
        pdf.add_blank_page()
    return saved(pdf)


def _bomb() -> bytes:
    """A stream of objects that would become half a gigabyte."""
    packed = zlib.compress(b"4 0 <</A 1>>" + bytes(512 << 20), 1)
    body = b"%%PDF-1.5\n1 0 obj<</Type/ObjStm/N 1/First 4/Filter/FlateDecode/Length %d>>stream\n" % len(packed)
    return body + packed + b"\nendstream endobj"


def _packed_content() -> bytes:
    def pack(pdf: pikepdf.Pdf) -> None:
        stream = pikepdf.Stream(pdf, b"")
        stream.write(zlib.compress(b" " * (60 << 20), 1), filter=pikepdf.Name.FlateDecode)
        pdf.pages[0].obj["/Contents"] = stream

    return changed(PLAIN, pack)


def _forms_in_forms() -> bytes:
    """Ten forms, each of which shows the next one ten times."""

    def add(pdf: pikepdf.Pdf) -> None:
        form = pdf.make_stream((TEXT + b" ") * 10)
        for _ in range(9):
            form["/Subtype"] = pikepdf.Name.Form
            outer = pdf.make_stream(b"/X Do " * 10)
            outer["/Resources"] = pikepdf.Dictionary(XObject=pikepdf.Dictionary(X=form))
            form["/Resources"] = form.get("/Resources", pdf.pages[0].obj["/Resources"])
            form = outer
        form["/Subtype"] = pikepdf.Name.Form
        pdf.pages[0].obj["/Resources"]["/XObject"] = pikepdf.Dictionary(X=form)

    return by_hand(b"/X Do", add)


def _itself() -> bytes:
    def add(pdf: pikepdf.Pdf) -> None:
        form = pdf.make_stream(b"/X Do")
        form["/Subtype"] = pikepdf.Name.Form
        form["/Resources"] = pikepdf.Dictionary(XObject=pikepdf.Dictionary(X=form))
        pdf.pages[0].obj["/Resources"]["/XObject"] = pikepdf.Dictionary(X=form)

    return by_hand(b"/X Do", add)


SCRIPT = pikepdf.Dictionary(JS=pikepdf.String("x"))
LAYERS = pikepdf.Dictionary(OCGs=[pikepdf.Dictionary(Type=pikepdf.Name.OCG, Name=pikepdf.String("Draft"))])
WHITE_BOX, TABLE_HEAD = b"1 g 60 690 200 30 re f ", b"0 g 60 690 200 30 re f 1 g "
REFUSED: dict[str, tuple[str, Callable[[], bytes]]] = {
    "another format": ("DOCUMENT_MALFORMED", lambda: b"{\\rtf1 }"),
    "only its first line": ("DOCUMENT_MALFORMED", lambda: b"%PDF-1.7\n"),
    "cut off": ("DOCUMENT_MALFORMED", lambda: PLAIN[:-60]),
    "without its beginning": ("DOCUMENT_MALFORMED", lambda: b"%PDF-1.7\n" + PLAIN[200:]),
    "damaged content": ("DOCUMENT_MALFORMED", lambda: by_hand(b"BT /F 12 Tf (The price")),
    "no pages": ("DOCUMENT_MALFORMED", lambda: _pages(0)),
    "packed by LZW": ("DOCUMENT_MALFORMED", lambda: PLAIN.replace(b"/Length", b"/Filter/LZWDecode/Length", 1)),
    "encrypted": (
        "DOCUMENT_ENCRYPTED",
        lambda: saved(pikepdf.open(io.BytesIO(PLAIN)), encryption=pikepdf.Encryption(owner="a", user="b")),
    ),
    "encrypted for nobody": (
        "DOCUMENT_ENCRYPTED",
        lambda: saved(pikepdf.open(io.BytesIO(PLAIN)), encryption=pikepdf.Encryption(owner="a", user="")),
    ),
    "long file": ("DOCUMENT_TOO_LARGE", lambda: b"%PDF-1.7\n" + bytes(MAX_FILE_BYTES)),
    "ten thousand pages": ("DOCUMENT_TOO_LARGE", lambda: _pages(MAX_PAGES + 1)),
    "long text": (
        "DOCUMENT_TOO_LARGE",
        lambda: by_hand(b"BT /F 12 Tf 72 700 Td (%s) Tj ET" % (b"0 0 0 0 0 " * (MAX_CHARACTERS // 4))),
    ),
    "bomb of objects": ("DOCUMENT_TOO_LARGE", _bomb),
    "bomb of content": ("DOCUMENT_MALFORMED", _packed_content),
    "forms in forms": ("DOCUMENT_TOO_LARGE", _forms_in_forms),
    "form in itself": ("DOCUMENT_MALFORMED", _itself),
    "script": ("DOCUMENT_ACTIVE", lambda: _catalog(OpenAction=_action("JavaScript"))),
    "script in a list": ("DOCUMENT_ACTIVE", lambda: _catalog(Names=pikepdf.Dictionary(A=[SCRIPT]))),
    "program": ("DOCUMENT_ACTIVE", lambda: _note(Subtype=pikepdf.Name.Link, A=_action("Launch"))),
    "actions": ("DOCUMENT_ACTIVE", lambda: _catalog(AA=pikepdf.Dictionary())),
    "form of XML": ("DOCUMENT_ACTIVE", lambda: _catalog(AcroForm=pikepdf.Dictionary(XFA=pikepdf.String("x")))),
    "content outside": (
        "DOCUMENT_ACTIVE",
        lambda: changed(PLAIN, lambda pdf: pdf.pages[0].obj["/Contents"].__setitem__("/F", pikepdf.String("other"))),
    ),
    "field": ("DOCUMENT_DECEPTIVE", lambda: _note(Subtype=pikepdf.Name.Widget, FT=pikepdf.Name.Tx)),
    "note over the text": ("DOCUMENT_DECEPTIVE", lambda: _note(Subtype=pikepdf.Name.FreeText)),
    "link with a picture": ("DOCUMENT_DECEPTIVE", lambda: _note(Subtype=pikepdf.Name.Link, AP=pikepdf.Dictionary())),
    "layers": ("DOCUMENT_DECEPTIVE", lambda: _catalog(OCProperties=LAYERS)),
    "part of a layer": ("DOCUMENT_DECEPTIVE", lambda: by_hand(b"/OC /L BDC " + TEXT + b" EMC")),
    "invisible": ("DOCUMENT_DECEPTIVE", lambda: by_hand(TEXT.replace(b"Td", b"Td 3 Tr"))),
    "white": ("DOCUMENT_DECEPTIVE", lambda: by_hand(b"1 g " + TEXT)),
    "white by components": ("DOCUMENT_DECEPTIVE", lambda: by_hand(b"/DeviceCMYK cs 0 0 0 0 sc " + TEXT)),
    "on its own colour": ("DOCUMENT_DECEPTIVE", lambda: by_hand(b".3 .4 .5 rg 60 690 200 30 re f " + TEXT)),
    "beside the page": ("DOCUMENT_DECEPTIVE", lambda: by_hand(TEXT.replace(b"72 700", b"-200 700"))),
    "over the edge": ("DOCUMENT_DECEPTIVE", lambda: by_hand(TEXT.replace(b"72 700", b"580 700"))),
    "clipped": ("DOCUMENT_DECEPTIVE", lambda: by_hand(b"q 0 0 50 50 re W n " + TEXT + b" Q")),
    "covered": ("DOCUMENT_DECEPTIVE", lambda: by_hand(TEXT + b" " + WHITE_BOX)),
    "covered by a shape": ("DOCUMENT_DECEPTIVE", lambda: by_hand(TEXT + b" 60 690 m 60 720 l 260 720 l 260 690 l h f")),
    "tiny": ("DOCUMENT_DECEPTIVE", lambda: by_hand(TEXT.replace(b"12 Tf", b".2 Tf"))),
    "of no size": ("DOCUMENT_DECEPTIVE", lambda: by_hand(TEXT.replace(b"12 Tf", b"0 Tf"))),
    "says what it does not show": (
        "DOCUMENT_DECEPTIVE",
        lambda: by_hand(b"/Span <</ActualText (The price is 90)>> BDC " + TEXT + b" EMC"),
    ),
    "no width": ("DOCUMENT_DECEPTIVE", lambda: by_hand(TEXT, _with_table(b"1 beginbfchar <31> <200b> endbfchar"))),
    "direction": ("DOCUMENT_DECEPTIVE", lambda: by_hand(TEXT, _with_table(b"1 beginbfchar <31> <202e> endbfchar"))),
    "unknown encoding": (
        "DOCUMENT_UNREADABLE",
        lambda: _font(Subtype=pikepdf.Name.Type0, Encoding=pikepdf.Name("/UniGB-UCS2-H")),
    ),
    "written downwards": (
        "DOCUMENT_UNREADABLE",
        lambda: _font(Subtype=pikepdf.Name.Type0, Encoding=pikepdf.Name("/Identity-V")),
    ),
    "unknown widths": ("DOCUMENT_UNREADABLE", lambda: _font(BaseFont=pikepdf.Name("/Unknown"))),
    "endless table": (
        "DOCUMENT_TOO_LARGE",
        lambda: by_hand(TEXT, _with_table(b"1 beginbfrange <00000000> <7fffffff> <0041> endbfrange")),
    ),
    "scanned": ("DOCUMENT_EMPTY", _scan),
    "empty": ("DOCUMENT_EMPTY", lambda: _pages(1)),
}


def _with_table(table: bytes) -> Callable[[pikepdf.Pdf], None]:
    def change(pdf: pikepdf.Pdf) -> None:
        pdf.pages[0].obj["/Resources"]["/Font"]["/F"]["/ToUnicode"] = pdf.make_stream(table)

    return change


@pytest.mark.parametrize("name", REFUSED)
def test_document_is_refused(name: str) -> None:
    """One thing is wrong."""
    reason, make = REFUSED[name]
    data = make()
    with pytest.raises(MalformedInput) as refused:
        open_document(data)
    assert refused.value.reason == reason


def test_harmless_things_are_accepted() -> None:
    """White letters on black, stamps that shine through, lines, links to the web, and white space anywhere."""
    transparent = b"/T gs " + WHITE_BOX

    def with_state(pdf: pikepdf.Pdf) -> None:
        pdf.pages[0].obj["/Resources"]["/ExtGState"] = pikepdf.Dictionary(T=pikepdf.Dictionary(ca=0.5))

    uri = pikepdf.Dictionary(S=pikepdf.Name.URI, URI=pikepdf.String("https://example.com/"))
    for data in (
        by_hand(TABLE_HEAD + TEXT),
        by_hand(TEXT + b" " + transparent, with_state),
        by_hand(TEXT + b" 72 698 100 1 re f"),
        by_hand(TEXT + b" BT /F 12 Tf 3 Tr -99 -99 Td ( ) Tj ET"),
        _note(Subtype=pikepdf.Name.Link, A=uri),
    ):
        assert PdfDocument(data).text.strip() == "The price is 10"


def test_signed_document_is_read_and_not_marked() -> None:
    """A watermark would break its signature."""
    document = PdfDocument(_signed())
    with pytest.raises(MalformedInput) as refused:
        embed(document, KEY, serial=1, time=TIME)
    assert refused.value.reason == "DOCUMENT_SIGNED"


def test_colours_that_no_rgb_stands_for_are_left_alone() -> None:
    """CMYK and patterns carry nothing; gray becomes RGB, and is gray again behind what was marked."""
    document = page(b"0 0 0 1 k " + _long())
    assert not document.tracks[Channel.COLOUR].places
    gray = page(b"0.25 g " + _long() + b" 50 20 100 9 re f")
    marked = embed(gray, KEY, serial=1, time=TIME)
    colours = re.findall(rb"[\d. ]+ (?:rg|g)\b", contents(marked.file))
    assert len(set(colours)) > 4
    assert colours[-1].strip() == b"0.25 g", "what is painted behind the text is what it was"
    assert extract(PdfDocument(marked.file), KEY).intact


def test_plain_pdf_of_another_program_is_marked() -> None:
    """With lines of full width, whose words stand apart by word spacing."""
    document = PdfDocument(make_plain_pdf(ENGLISH))
    assert len(document.tracks[Channel.KERNING].places) > 800
