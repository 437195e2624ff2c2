"""DOCX files: what is refused, what is text, what is marked and what is left alone."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime

import docx
import pytest
from docx.oxml.ns import qn
from docx.oxml.xmlchemy import BaseOxmlElement
from docx.shared import Pt, RGBColor

from contract.watermark.channels import Channel
from contract.watermark.docx.document import DocxDocument
from contract.watermark.embedding import embed
from contract.watermark.extraction import extract
from contract.watermark.key import WatermarkKey
from contract.watermark.refusals import MAX_CHARACTERS, MAX_FILE_BYTES
from mpc.errors import MalformedInput
from tests.contract.watermark.contracts import ENGLISH, make_docx, read_text
from tests.contract.watermark.editing import MAIN, edited, with_parts, with_xml

KEY = WatermarkKey(bytes(range(32)))
TIME = datetime(2026, 11, 28, 12, 30, 15, tzinfo=UTC)
PLAIN = make_docx(ENGLISH)
TEXT = b"<w:t>Agreement on Services</w:t>"
RUN = b"<w:r>" + TEXT
TYPES, RELATIONS = "[Content_Types].xml", "word/_rels/document.xml.rels"
HYPERLINK = b'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink"'
OUTSIDE = b'<Relationship Id="r99" %s Target="http://example.com/" TargetMode="External"/></Relationships>'
ACCENTS = "\u0939\u093f\u0928\u094d\u0926\u0940 and e\u0301t\u00e9"
DTD = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'


def _in_text(xml: bytes) -> bytes:
    return with_xml(PLAIN, TEXT, xml)


def _bomb() -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as file:
        for number in range(3):
            file.writestr(f"word/{number}.xml", bytes(48 << 20))
    return written.getvalue()


def _twice() -> bytes:
    written = io.BytesIO(PLAIN)
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(written, "a") as file:
        file.writestr(MAIN, b"<other/>")
    return written.getvalue()


def _flagged() -> bytes:
    """The file with the bit that says that a part is encrypted, in the directory."""
    at = PLAIN.index(b"PK\x01\x02") + 8
    return PLAIN[:at] + bytes([PLAIN[at] | 1]) + PLAIN[at + 1 :]


REFUSED: dict[str, tuple[str, Callable[[], bytes]]] = {
    "no zip": ("DOCUMENT_MALFORMED", lambda: b"%PDF-1.7"),
    "nothing": ("DOCUMENT_MALFORMED", lambda: b""),
    "cut off": ("DOCUMENT_MALFORMED", lambda: PLAIN[:-100]),
    "damaged": ("DOCUMENT_MALFORMED", lambda: PLAIN[:400] + b"damaged!" * 500 + PLAIN[4400:]),
    "a part twice": ("DOCUMENT_MALFORMED", _twice),
    "another zip": ("DOCUMENT_MALFORMED", lambda: with_parts(PLAIN, {"_rels/.rels": b"<Relationships/>"})),
    "a template": (
        "DOCUMENT_MALFORMED",
        lambda: with_xml(PLAIN, b"document.main+xml", b"template.main+xml", TYPES),
    ),
    "no body": ("DOCUMENT_MALFORMED", lambda: with_parts(PLAIN, {MAIN: b"<document/>"})),
    "no XML": ("DOCUMENT_MALFORMED", lambda: with_xml(PLAIN, b"<w:body>", b"<w:body><w:p>")),
    "entities": ("DOCUMENT_MALFORMED", lambda: with_xml(PLAIN, b"<w:document", DTD + b"<w:document")),
    "entities elsewhere": (
        "DOCUMENT_MALFORMED",
        lambda: with_parts(PLAIN, {"customXml/item9.xml": DTD + b"<x>&b;</x>"}),
    ),
    "another encoding": (
        "DOCUMENT_MALFORMED",
        lambda: with_parts(PLAIN, {MAIN: lambda xml: xml.decode().replace("UTF-8", "UTF-16").encode("utf-16")}),
    ),
    "encrypted": ("DOCUMENT_ENCRYPTED", lambda: bytes.fromhex("d0cf11e0a1b11ae1") + bytes(1000)),
    "encrypted part": ("DOCUMENT_ENCRYPTED", _flagged),
    "zip bomb": ("DOCUMENT_TOO_LARGE", _bomb),
    "long file": ("DOCUMENT_TOO_LARGE", lambda: bytes(MAX_FILE_BYTES + 1)),
    "ten thousand parts": (
        "DOCUMENT_TOO_LARGE",
        lambda: with_parts(PLAIN, {f"word/media/{number}": b"" for number in range(2500)}),
    ),
    "long text": ("DOCUMENT_TOO_LARGE", lambda: _in_text(b"<w:t>%s</w:t>" % (b"x" * MAX_CHARACTERS))),
    "fields in fields": (
        "DOCUMENT_MALFORMED",
        lambda: with_xml(PLAIN, RUN, b'<w:r><w:fldChar w:fldCharType="begin"/></w:r>' * 40 + RUN),
    ),
    "comment in a text": ("DOCUMENT_MALFORMED", lambda: _in_text(b"<w:t>Agreement<!-- --> not</w:t>")),
    "signed": ("DOCUMENT_SIGNED", lambda: with_parts(PLAIN, {"_xmlsignatures/sig1.xml": b"<x/>"})),
    "macros": ("DOCUMENT_ACTIVE", lambda: with_parts(PLAIN, {"word/vbaProject.bin": b"macro"})),
    "type of macros": (
        "DOCUMENT_ACTIVE",
        lambda: with_xml(
            PLAIN,
            b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml",
            b"application/vnd.ms-word.document.macroEnabled.main+xml",
            TYPES,
        ),
    ),
    "template outside": (
        "DOCUMENT_ACTIVE",
        lambda: with_xml(
            PLAIN, b"</Relationships>", OUTSIDE % HYPERLINK.replace(b"hyperlink", b"attachedTemplate"), RELATIONS
        ),
    ),
    "text outside": ("DOCUMENT_ACTIVE", lambda: _in_text(b"<w:t>A</w:t></w:r></w:p><w:altChunk/><w:p><w:r>")),
    "insertion": (
        "DOCUMENT_CHANGES_TRACKED",
        lambda: with_xml(PLAIN, RUN + b"</w:r>", b"<w:ins>%s</w:r></w:ins>" % RUN),
    ),
    "deletion": (
        "DOCUMENT_CHANGES_TRACKED",
        lambda: with_xml(PLAIN, RUN, b"<w:del><w:r><w:delText>A</w:delText></w:r></w:del>" + RUN),
    ),
    "change of format": (
        "DOCUMENT_CHANGES_TRACKED",
        lambda: with_xml(PLAIN, RUN, b"<w:r><w:rPr><w:rPrChange/></w:rPr>" + TEXT),
    ),
    "other direction": ("DOCUMENT_DECEPTIVE", lambda: _in_text(TEXT.replace(b"on", "\u202eon".encode()))),
    "direction of a part": (
        "DOCUMENT_DECEPTIVE",
        lambda: with_xml(PLAIN, RUN, b'<w:bdo w:val="rtl"><w:r><w:t>000</w:t></w:r></w:bdo>' + RUN),
    ),
    "no width": ("DOCUMENT_DECEPTIVE", lambda: _in_text(TEXT.replace(b"on", "o\u200bn".encode()))),
    "hidden": ("DOCUMENT_DECEPTIVE", lambda: with_xml(PLAIN, RUN, b"<w:r><w:rPr><w:vanish/></w:rPr>" + TEXT)),
    "hidden by its style": (
        "DOCUMENT_DECEPTIVE",
        lambda: with_xml(PLAIN, b"<w:rPrDefault><w:rPr>", b"<w:rPrDefault><w:rPr><w:vanish/>", "word/styles.xml"),
    ),
    "empty": ("DOCUMENT_EMPTY", lambda: make_docx([" ", "  "])),
}


@pytest.mark.parametrize("name", REFUSED)
def test_document_is_refused(name: str) -> None:
    """One thing is wrong."""
    reason, make = REFUSED[name]
    with pytest.raises(MalformedInput) as refused:
        DocxDocument(make())
    assert refused.value.reason == reason


def test_harmless_things_are_accepted() -> None:
    """A link to the web, changes that only will be tracked, and styles that go round in a circle."""
    linked = with_xml(PLAIN, b"</Relationships>", OUTSIDE % HYPERLINK, RELATIONS)
    circle = b'<w:style w:type="paragraph" w:styleId="Heading1"><w:basedOn w:val="Heading1"/></w:style>'
    for data in (linked, with_xml(PLAIN, b"</w:styles>", circle + b"</w:styles>", "word/styles.xml")):
        assert DocxDocument(data).text == "\n".join(ENGLISH)


def test_document_that_would_become_too_large_is_refused() -> None:
    """A run for each character, each with its properties again: nobody would read that."""
    many = b"<w:rPr>%s</w:rPr>" % (b"<w:b/>" * 500)
    long = DocxDocument(with_xml(PLAIN, RUN, b"<w:r>%s<w:t>%s</w:t></w:r>" % (many, b"x" * 8500) + RUN))
    with pytest.raises(MalformedInput) as refused:
        embed(long, KEY, serial=1, time=TIME)
    assert refused.value.reason == "DOCUMENT_TOO_LARGE"


def _rich() -> bytes:
    """A contract with much that a text may have."""

    def enrich(document: docx.document.Document) -> None:
        link = document.paragraphs[2]._p.makeelement(qn("w:hyperlink"), {qn("w:anchor"): "end"})
        link.append(document.paragraphs[2].runs[1]._r)
        document.paragraphs[2]._p.append(link)
        red = document.paragraphs[3].runs[1]
        red.font.color.rgb = RGBColor(0xC0, 0x01, 0x81)
        red.font.italic, red.font.size = True, Pt(11)
        red.text += "\tafter a tab\nand a break,  with spaces "
        table = document.add_table(1, 2)
        table.cell(0, 0).text, table.cell(0, 1).text = "First cell", "Dark cell"
        shade = (
            table.cell(0, 1)
            ._tc.get_or_add_tcPr()
            .makeelement(qn("w:shd"), {qn("w:val"): "clear", qn("w:fill"): "000000"})
        )
        table.cell(0, 1)._tc.get_or_add_tcPr().append(shade)
        document.paragraphs[0]._p.addnext(table._tbl)
        document.paragraphs[0]._p.addnext(document.add_paragraph(ACCENTS)._p)
        document.sections[0].footer.paragraphs[0].text = "Valid with both signatures"

    return edited(PLAIN, enrich)


def _local_name(element: BaseOxmlElement) -> str:
    return str(element.tag).partition("}")[2]


def test_marking_leaves_all_else_alone() -> None:
    """Tabs, breaks, spaces, links, formats and other parts stay; base colours and the order of properties too."""
    data = _rich()
    document = DocxDocument(data)
    assert f"{ENGLISH[0]}\n{ACCENTS}\nFirst cell\nDark cell\n{ENGLISH[1]}" in document.text
    assert document.text.endswith("\nValid with both signatures")
    embedded = embed(document, KEY, serial=1, time=TIME)
    assert DocxDocument(embedded.file).text == document.text
    assert read_text(embedded.file) == read_text(data)
    assert extract(DocxDocument(embedded.file), KEY).intact
    with zipfile.ZipFile(io.BytesIO(data)) as before, zipfile.ZipFile(io.BytesIO(embedded.file)) as after:
        assert before.namelist() == after.namelist()
        assert [name for name in before.namelist() if before.read(name) != after.read(name)] == [MAIN]
    found = docx.Document(io.BytesIO(embedded.file))
    red = found.paragraphs[4].runs[-5]
    assert {each.font.color.rgb[0] & 0xFE for each in found.paragraphs[0].runs if each.text.strip()} == {0x36}
    assert red.font.italic
    assert red.font.size == Pt(11)
    assert [value & 0xFE for value in red.font.color.rgb] == [0xC0, 0x00, 0x80]
    order = [
        name
        for name in map(_local_name, red._r.iterfind(f"{qn('w:rPr')}/*"))
        if name in ("i", "color", "spacing", "sz")
    ]
    assert order in (["i", "color", "spacing", "sz"], ["i", "color", "sz"])
    table = found.tables[0]
    assert len(table.cell(0, 0).paragraphs[0].runs) > 1
    assert [each.text for each in table.cell(0, 1).paragraphs[0].runs] == ["Dark cell"]
    accents = [each.text for each in found.paragraphs[1].runs]
    assert "e\u0301" in accents
    assert accents[0] == ACCENTS.partition("a")[0]


def test_text_of_a_box_is_read_once() -> None:
    """What Word writes again for older programs is no text; what stands in the box carries."""
    box = (
        b'<w:r><mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006">'
        b'<mc:Choice Requires="wps"><w:txbxContent><w:p><w:r><w:t>In a box</w:t></w:r></w:p></w:txbxContent>'
        b"</mc:Choice><mc:Fallback><w:txbxContent><w:p><w:r><w:t>Again</w:t></w:r></w:p></w:txbxContent></mc:Fallback>"
        b"</mc:AlternateContent></w:r>"
    )
    document = DocxDocument(with_xml(PLAIN, RUN, box + RUN))
    assert document.text.startswith(f"{ENGLISH[0]}\nIn a box\n{ENGLISH[1]}")
    marked = DocxDocument(embed(document, KEY, serial=1, time=TIME).file)
    assert marked.text == document.text
    assert extract(marked, KEY).frames == {Channel.COLOUR: 19, Channel.SPACING: 0}


def test_text_beside_its_box_in_one_run_is_marked_with_it() -> None:
    """What is cut in a run and in a box that stands in it comes back in its place, character for character."""
    box = b"<w:pict><w:txbxContent><w:p><w:r><w:t>In &lt;a&gt; box</w:t></w:r></w:p></w:txbxContent></w:pict>"
    beside = (
        b'<w:r><w:t xml:space="preserve">R&amp;D "before" \xc3\xa9&#13; </w:t>%s<w:tab/><w:t>after it</w:t></w:r>' % box
    )
    data = with_xml(PLAIN, RUN, beside + RUN)
    document = DocxDocument(data)
    assert document.text.startswith(f'R&D "before" \u00e9\r \tafter it{ENGLISH[0]}\nIn <a> box\n{ENGLISH[1]}')
    marked = embed(document, KEY, serial=1, time=TIME).file
    assert DocxDocument(marked).text == document.text
    assert read_text(marked) == read_text(data)
    assert extract(DocxDocument(marked), KEY).intact


def test_foreign_spacing_is_left_alone() -> None:
    """A style that sets its letters closer keeps them so; other runs of the text carry."""
    spaced = with_xml(PLAIN, RUN, b'<w:r><w:rPr><w:spacing w:val="-10"/></w:rPr>' + TEXT)
    places = DocxDocument(spaced).tracks[Channel.SPACING].places
    assert min(places) > len(ENGLISH[0])
    assert min(DocxDocument(PLAIN).tracks[Channel.SPACING].places) < len(ENGLISH[0])


def test_page_numbers_in_a_footer_are_no_text() -> None:
    """They change by themselves; what else stands there is text, and a field of the body is."""
    field = (
        b'<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText> PAGE </w:instrText></w:r>'
        b'<w:r><w:fldChar w:fldCharType="separate"/></w:r><w:r><w:t>%s</w:t></w:r>'
        b'<w:r><w:fldChar w:fldCharType="end"/></w:r>'
        b'<w:fldSimple w:instr=" NUMPAGES "><w:r><w:t>%s</w:t></w:r></w:fldSimple>'
    )

    data = edited(PLAIN, lambda document: setattr(document.sections[0].footer.paragraphs[0], "text", "End"))
    texts = []
    for number in (b"1", b"22"):
        numbered = field % (number, number)
        footer = with_xml(data, b"<w:r><w:t>End", numbered + b"<w:r><w:t>End", "word/footer1.xml")
        texts.append(DocxDocument(footer).text)
        body = DocxDocument(with_xml(PLAIN, RUN, numbered + RUN)).text
        assert body.startswith(2 * number.decode() + "Agreement")
    assert texts[0] == texts[1] == "\n".join((*ENGLISH, "End"))


def test_symbol_that_is_no_character_is_text_all_the_same() -> None:
    """A half of a pair of UTF-16 has no digest in UTF-8."""
    for code, text in ((b"D800", "?"), (b"110000", "\ufffd"), (b"B2", "\u00b2")):
        symbol = with_xml(PLAIN, RUN, b'<w:r><w:sym w:char="%s"/></w:r>' % code + RUN)
        assert DocxDocument(symbol).text.startswith(text + "Agreement")
