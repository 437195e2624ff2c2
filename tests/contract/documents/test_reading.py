"""Drafts as they are read: what is a heading, a label, a cell; and what is refused."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import docx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from contract.documents.docx.numbering import _format
from contract.documents.docx.writing import to_docx
from contract.documents.draft import Align, Block, DraftFormat, Kind, Paragraph, Rule, Table, paragraphs
from contract.documents.reading import read_draft
from contract.documents.text import canonical_text, text_digest
from contract.watermark.docx.document import DocxDocument
from contract.watermark.refusals import MAX_CHARACTERS
from mpc.errors import MalformedInput
from tests.contract.documents.samples import CHINESE, ENGLISH, rich_docx

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c63f8cfc0f01f0005000201a5f645400000000049454e44ae426082"
)


def _markdown(text: str) -> tuple[Block, ...]:
    return read_draft(text.encode(), DraftFormat.MARKDOWN).blocks


def _paragraphs(blocks: tuple[Block, ...]) -> list[Paragraph]:
    return [each for each in blocks if isinstance(each, Paragraph)]


def test_docx_has_the_text_that_a_watermark_sees() -> None:
    """The digest of the draft is that of its marked copy."""
    data = rich_docx()
    draft = read_draft(data, DraftFormat.DOCX)
    assert draft.text == DocxDocument(data).text
    assert canonical_text("\n".join(each.text for each in paragraphs(draft.blocks))) == canonical_text(draft.text)
    assert draft.title == "合作协议"


def test_docx_is_read_with_its_looks() -> None:
    """Title by its place, heading by its style, labels by counting, looks by runs."""
    blocks = read_draft(rich_docx(), DraftFormat.DOCX).blocks
    found = _paragraphs(blocks)
    assert [each.kind for each in found[:2]] == [Kind.TITLE, Kind.HEADING]
    assert found[1].level == 2
    assert [each.label for each in found[2:5]] == ["1.", "2.", "•"]
    area, behind = found[5], found[6]
    assert [run.text for run in area.runs if run.shift == 1] == ["2"]
    assert [run.text for run in area.runs if run.strike] == [" struck"]
    assert [run.text for run in area.runs if run.underline] == [" below"]
    assert behind.text == "behind the break"
    assert behind.new_page
    assert not area.new_page
    assert [each.text for each in found[-4:]] == ["before the box", "in the box 框", "after the box", "Header 页眉"]
    assert found[-1].kind is Kind.NOTE


def test_cells_of_docx_span_columns_and_rows() -> None:
    """A merged cell is one cell."""
    table = next(each for each in read_draft(rich_docx(), DraftFormat.DOCX).blocks if isinstance(each, Table))
    spans = [[(each.column, each.columns, each.rows) for each in row.cells] for row in table.rows]
    assert spans == [[(0, 2, 1), (2, 1, 1)], [(0, 1, 1), (1, 1, 1), (2, 1, 2)], [(0, 1, 1), (1, 1, 1)]]
    assert table.ruled


def _numbered_headings(document: Any) -> None:  # noqa: ANN401
    numbering = document.part.numbering_part.element
    levels = "".join(
        f'<w:lvl w:ilvl="{depth}"><w:start w:val="1"/><w:numFmt w:val="{kind}"/><w:pStyle w:val="Heading{depth + 1}"/>'
        f'<w:lvlText w:val="{text}"/></w:lvl>'
        for depth, kind, text in ((0, "chineseCounting", "第%1条"), (1, "decimal", "%1.%2"))
    )
    numbering.insert(0, parse_xml(f'<w:abstractNum {nsdecls("w")} w:abstractNumId="77">{levels}</w:abstractNum>'))
    numbering.append(parse_xml(f'<w:num {nsdecls("w")} w:numId="77"><w:abstractNumId w:val="77"/></w:num>'))
    for level in (1, 2):
        properties = document.styles[f"Heading {level}"].element.get_or_add_pPr()
        properties.append(parse_xml(f'<w:numPr {nsdecls("w")}><w:numId w:val="77"/></w:numPr>'))
    for text, level in (("甲", 1), ("乙", 2), ("丙", 2), ("丁", 1), ("戊", 2)):
        document.add_heading(text, level)


def test_headings_are_numbered_by_their_styles() -> None:
    """Levels follow from the style that a level of the list names."""
    found = _paragraphs(read_draft(rich_docx(_numbered_headings), DraftFormat.DOCX).blocks)
    labels = {each.text: each.label for each in found if each.text in "甲乙丙丁戊"}
    assert labels == {"甲": "第一条", "乙": "一.1", "丙": "一.2", "丁": "第二条", "戊": "二.1"}


@pytest.mark.parametrize(
    ("number", "kind", "label"),
    [
        (4, "lowerRoman", "iv"),
        (1999, "upperRoman", "MCMXCIX"),
        (27, "lowerLetter", "aa"),
        (3, "decimalZero", "03"),
        (10, "chineseCounting", "十"),
        (21, "chineseCountingThousand", "二十一"),
        (105, "japaneseCounting", "一百〇五"),
        (110, "chineseCounting", "一百一十"),
        (2, "ideographTraditional", "乙"),
        (12, "decimalEnclosedCircle", "⑫"),
        (7, "somethingNew", "7"),
    ],
)
def test_numbers_have_formats(number: int, kind: str, label: str) -> None:
    """Labels count as Word does."""
    assert _format(number, kind) == label


def _picture(document: Any) -> None:  # noqa: ANN401
    document.add_picture(io.BytesIO(PNG))


def _formula(document: Any) -> None:  # noqa: ANN401
    space = "http://schemas.openxmlformats.org/officeDocument/2006/math"
    document.paragraphs[-1]._p.append(parse_xml(f'<m:oMath xmlns:m="{space}"><m:r><m:t>x</m:t></m:r></m:oMath>'))


def _covered(document: Any) -> None:  # noqa: ANN401
    document.tables[0].rows[2]._tr.tc_lst[2].p_lst[0].add_r().text = "hidden"


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (_picture, "a picture"),
        (_formula, "a formula"),
        (_covered, "text in a cell that another one covers"),
    ],
)
def test_what_would_be_lost_is_refused(change: Callable[[Any], None], what: str) -> None:
    """Nothing of a contract gets lost in silence."""
    with pytest.raises(MalformedInput) as caught:
        read_draft(rich_docx(change), DraftFormat.DOCX)
    assert (caught.value.reason, caught.value.metadata["what"]) == ("DRAFT_UNSUPPORTED", what)


def test_markdown_has_headings_lists_and_tables() -> None:
    """Emphasis works beside ideographs too, where no spaces are."""
    blocks = _markdown(CHINESE)
    found = _paragraphs(blocks)
    assert (found[0].kind, found[0].align) == (Kind.TITLE, Align.CENTER)
    assert [run.text for run in found[1].runs if run.bold] == ["卖方：", "买方："]
    assert (found[2].kind, found[2].level) == (Kind.HEADING, 1)
    assert [(each.label, each.level) for each in found[3:7]] == [("1.", 0), ("2.", 0), ("•", 1), ("•", 1)]
    table = next(each for each in blocks if isinstance(each, Table))
    assert [row.head for row in table.rows] == [True, False, False]
    assert [cell.paragraphs[0].align for cell in table.rows[1].cells] == [Align.CENTER, Align.LEFT, Align.RIGHT]
    assert any(isinstance(each, Rule) for each in blocks)


def test_markdown_hides_nothing() -> None:
    """HTML, comments and addresses of links can be read."""
    text = read_draft(ENGLISH.encode(), DraftFormat.MARKDOWN).text
    assert "<b>Nothing</b> is hidden & nothing" in text
    assert "the terms (https://example.com/terms)" in text
    assert "well-known\nand" in text
    assert "<!-- note -->" in read_draft(b"a <!-- note --> b", DraftFormat.MARKDOWN).text


def test_plain_text_stands_as_it_is() -> None:
    """Every line is a paragraph, and the digest is that of the file."""
    source = "买卖合同\n\n第一条 标的物\n  1.1 货物如下。\n\f第二页\n"
    found = _paragraphs(read_draft(source.encode(), DraftFormat.PLAIN).blocks)
    assert [each.kind for each in found] == [Kind.TITLE, Kind.HEADING, Kind.BODY, Kind.BODY]
    assert [each.new_page for each in found] == [False, False, False, True]
    assert found[2].first == 1.0
    assert text_digest(read_draft(source.encode(), DraftFormat.PLAIN).text) == text_digest(source)


@pytest.mark.parametrize(
    ("data", "form", "reason"),
    [
        (b"\xff\xfe", DraftFormat.PLAIN, "DRAFT_MALFORMED"),
        (b"a\x07b", DraftFormat.MARKDOWN, "DRAFT_MALFORMED"),
        ("a\u202eb".encode(), DraftFormat.PLAIN, "DOCUMENT_DECEPTIVE"),
        (b"a &#8203; b", DraftFormat.MARKDOWN, "DOCUMENT_DECEPTIVE"),
        (b" \n ", DraftFormat.MARKDOWN, "DOCUMENT_EMPTY"),
        (b"[nowhere]: /seen", DraftFormat.MARKDOWN, "DOCUMENT_EMPTY"),
        (b"x" * (MAX_CHARACTERS + 1), DraftFormat.PLAIN, "DOCUMENT_TOO_LARGE"),
        (b"*" * (2 * MAX_CHARACTERS + 1), DraftFormat.MARKDOWN, "DOCUMENT_TOO_LARGE"),
        (b"a\n" * 20_001, DraftFormat.PLAIN, "DOCUMENT_TOO_LARGE"),
        (b"|a|b|\n|-|-|\n" + b"|a|b|\n" * 10_001, DraftFormat.MARKDOWN, "DOCUMENT_TOO_LARGE"),
        (b"![a](b.png)", DraftFormat.MARKDOWN, "DRAFT_UNSUPPORTED"),
        (b"%PDF-1.7", DraftFormat.DOCX, "DOCUMENT_MALFORMED"),
    ],
)
def test_what_is_no_draft_is_refused(data: bytes, form: DraftFormat, reason: str) -> None:
    """Each with its reason."""
    with pytest.raises(MalformedInput) as caught:
        read_draft(data, form)
    assert caught.value.reason == reason


@pytest.mark.parametrize("source", [CHINESE, ENGLISH])
def test_markdown_as_docx_says_the_same(source: str) -> None:
    """The text, and what its paragraphs are."""
    draft = read_draft(source.encode(), DraftFormat.MARKDOWN)
    data = to_docx(draft)
    again = read_draft(data, DraftFormat.DOCX)
    assert text_digest(again.text) == text_digest(draft.text)
    assert data == to_docx(draft)
    kept = [(each.kind, each.label or None) for each in _paragraphs(draft.blocks) if each.kind is not Kind.QUOTE]
    found = [(each.kind, each.label or None) for each in _paragraphs(again.blocks)]
    assert found[: len(kept)] == kept
    assert [each.style.name for each in docx.Document(io.BytesIO(data)).paragraphs[:1] if each.style] == ["Title"]


def test_lists_of_docx_begin_anew() -> None:
    """A number that does not follow begins another list."""
    source = "3. a\n4. b\n\ntext\n\n1. c\n   1. d\n2. e\n\n7) f\n"
    draft = read_draft(source.encode(), DraftFormat.MARKDOWN)
    again = read_draft(to_docx(draft), DraftFormat.DOCX)
    labels = [each.label for each in _paragraphs(again.blocks) if each.label]
    assert labels == ["3.", "4.", "1.", "1.", "2.", "7)"]
