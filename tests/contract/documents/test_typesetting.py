"""Drafts as PDF: the same text, whole, on pages that are put together by rules."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pikepdf import Pdf

from contract.documents.docx.writing import to_docx
from contract.documents.draft import DraftFormat, Run
from contract.documents.fonts import FaceName, Fonts
from contract.documents.reading import read_draft
from contract.documents.text import canonical_text
from contract.documents.typesetting.breaking import unbreakable
from contract.documents.typesetting.document import Typeset, typeset
from contract.documents.typesetting.faces import Faces
from contract.documents.typesetting.lines import Setter
from contract.documents.typesetting.signatures import SignatureBlock
from contract.watermark.pdf.document import PdfDocument
from mpc.errors import MalformedInput
from tests.contract.documents.samples import CHINESE, ENGLISH, rich_docx

BLOCK = SignatureBlock(118, datetime(2026, 11, 29, 0, 41, 7, tzinfo=UTC), ("Alice", "Bob 鲍勃"))
_HARD = "甲乙，。（）“”‘’——…%abcfi AB-e\u0301/12.,'\"()\u00a0\u3000\u2011\t·×²①č"
LONG = "# 清单\n\n| 序号 | 说明 |\n|---|---|\n" + "".join(f"| {n} | 第 {n} 项 |\n" for n in range(80)) + "\n结束。\n"


def _set(text: str, fonts: Fonts, block: SignatureBlock | None = None) -> Typeset:
    return typeset(read_draft(text.encode(), DraftFormat.MARKDOWN), fonts, block)


def _streams(made: Typeset) -> list[str]:
    with Pdf.open(io.BytesIO(made.file)) as pdf:
        return [page.obj.Contents.read_bytes().decode() for page in pdf.pages]


@pytest.mark.parametrize("source", [CHINESE, ENGLISH, LONG, "x" * 130, "# A\n\n" + "很长的段落，" * 900])
def test_pdf_has_the_text_of_the_draft(source: str, fonts: Fonts) -> None:
    """As the reader of PDF for watermarks sees it."""
    draft = read_draft(source.encode(), DraftFormat.MARKDOWN)
    made = typeset(draft, fonts, BLOCK)
    assert canonical_text(PdfDocument(made.file).text) == canonical_text(draft.text)


def test_docx_gives_the_same_text(fonts: Fonts) -> None:
    """Merged cells, text boxes, tabs, headers and breaks too."""
    for data in (rich_docx(), to_docx(read_draft(CHINESE.encode(), DraftFormat.MARKDOWN))):
        draft = read_draft(data, DraftFormat.DOCX)
        assert canonical_text(PdfDocument(typeset(draft, fonts, BLOCK).file).text) == canonical_text(draft.text)


@settings(max_examples=12)
@given(
    st.lists(
        st.text(st.sampled_from(_HARD), min_size=1, max_size=60),
        min_size=1,
        max_size=4,
    )
)
def test_any_text_comes_back(fonts: Fonts, lines: list[str]) -> None:
    """Whatever marks stand beside each other."""
    source = "\n".join(lines)
    if not source.strip():
        return
    draft = read_draft(source.encode(), DraftFormat.PLAIN)
    assert canonical_text(PdfDocument(typeset(draft, fonts).file).text) == canonical_text(source)


def test_same_draft_gives_the_same_bytes(fonts: Fonts, chinese: Typeset) -> None:
    """Nothing of time or chance is in the file."""
    assert _set(CHINESE, fonts, BLOCK) == chinese


def test_what_is_no_text_is_drawn(fonts: Fonts, chinese: Typeset) -> None:
    """Page numbers, heads and the block for signatures are no text to anybody; labels are, and are marked."""
    assert PdfDocument(_set(LONG, fonts, BLOCK).file).remarks == ()
    (aside,) = PdfDocument(chinese.file).remarks
    assert aside.endswith(": 1. 2. • •")


def test_fonts_have_no_more_than_the_text(fonts: Fonts) -> None:
    """What is drawn alone is in none; its outlines are in the file once."""
    with Pdf.open(io.BytesIO(_set("Text.", fonts, BLOCK).file)) as pdf:
        resources = pdf.pages[0].obj.Resources
        (font,) = resources.Font.values()
        characters = font.ToUnicode.read_bytes().decode().partition("beginbfchar")[2]
        assert sorted(re.findall(r"> <(\w{4})>", characters)) == [f"{ord(each):04X}" for each in " .Tetx"]
        forms = re.findall(r"(/\S+) Do", pdf.pages[0].obj.Contents.read_bytes().decode())
        assert set(forms) == set(resources.XObject.keys())
        assert len(forms) > len(set(forms))


@pytest.fixture(scope="module")
def chinese(fonts: Fonts) -> Typeset:
    """The Chinese draft, with a block for signatures."""
    return _set(CHINESE, fonts, BLOCK)


def test_text_is_plain_for_a_watermark(chinese: Typeset) -> None:
    """No adjustments between characters, no other operators."""
    for content in _streams(chinese):
        operators = {line.rpartition(" ")[2] for line in content.splitlines()}
        assert operators <= {"Tj", "rg", "ET", "EMC", "BDC", "BMC", "f", "re", "Q"}


def test_pdf_can_be_navigated(fonts: Fonts) -> None:
    """Outline, language, title, structure."""
    with Pdf.open(io.BytesIO(_set(ENGLISH, fonts).file)) as pdf, pdf.open_outline() as outline:
        assert [each.title for each in outline.root] == ["Article 1. Goods", "Article 2. Price"]
        assert (str(pdf.Root.Lang), str(pdf.docinfo.Title)) == ("en", "Sales Contract")
        tags = [str(each.S) for each in pdf.Root.StructTreeRoot.K[0].K]
        assert tags[:3] == ["/H1", "/H2", "/P"]


def test_every_marked_content_has_its_place_in_the_structure(chinese: Typeset) -> None:
    """Programs that read aloud find each paragraph."""
    with Pdf.open(io.BytesIO(chinese.file)) as pdf:
        numbers = pdf.Root.StructTreeRoot.ParentTree.Nums
        for page, content in enumerate(_streams(chinese)):
            assert len(numbers[2 * page + 1]) == content.count("/MCID")


def test_head_of_a_table_stands_on_each_page(fonts: Fonts) -> None:
    """It is text once, and drawn where it is repeated."""
    made, form = _set(LONG, fonts), Faces(fonts)[FaceName.CHINESE_BOLD].outline("序")
    assert made.pages >= 3
    assert PdfDocument(made.file).text.count("序号") == 1
    assert [each.count(f"/{form} Do") for each in _streams(made)] == [0] + [1] * (made.pages - 1)


def test_signatures_stand_together_with_the_end_of_the_text(fonts: Fonts) -> None:
    """No page has signatures and nothing that was signed."""
    for lines in range(24, 36, 2):
        made = _set("\n\n".join(f"Line {each}." for each in range(lines)), fonts, BLOCK)
        assert {box.page for box in made.boxes} == {made.pages - 1}
        assert "/P <<" in _streams(made)[-1]
        assert len(made.boxes) == 2
        assert all(0 < box.bottom < box.top < 842 for box in made.boxes)


def test_many_signers_have_room(fonts: Fonts) -> None:
    """Their boxes get smaller."""
    names = tuple(f"Signer {number}" for number in range(24))
    made = _set("Text.", fonts, SignatureBlock(1, BLOCK.time, names))
    assert len({(box.left, box.bottom) for box in made.boxes}) == len(names)
    assert {box.page for box in made.boxes} == {0}
    assert min(box.bottom for box in made.boxes) > 40


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("合同（下称“货物”）：甲", ["合", "同", "（下", "称", "“货", "物”）：", "甲"]),
        ("付 14,800.00 元。", ["付 ", "14,800.00 ", "元。"]),
        ("well-known, “quoted” and/or 2026-11", ["well-", "known, ", "“quoted” ", "and/", "or ", "2026-11"]),
        ("甲——乙……丙", ["甲——", "乙……", "丙"]),
        ("a\u00a0b", ["a\u00a0b"]),
        ("￥5％", ["￥5％"]),
    ],
)
def test_lines_end_by_rules(text: str, pieces: list[str]) -> None:
    """Marks stay with what they belong to, and words are whole."""
    assert [text[begin:end] for begin, end in unbreakable(text)] == pieces


@pytest.fixture(scope="module")
def setter(fonts: Fonts) -> Setter:
    """Makes lines."""
    return Setter(Faces(fonts))


@given(st.text(st.sampled_from("甲乙，。（）“”ab -12"), max_size=80))
@example("11“““。 ）1")
def test_lines_are_the_text(setter: Setter, text: str) -> None:
    """Nothing is lost or doubled, and no line begins with a mark that ends something."""
    lines = setter.lines((Run(text),), 10.0, 60.0)
    assert "".join(piece.text for line in lines for piece in line.pieces) == text
    for line, following in pairwise(lines):
        assert line.width <= 60.01
        first = "".join(piece.text for piece in following.pieces)[:1]
        assert first not in tuple("，。）”")


def test_quotation_marks_are_as_wide_as_their_text(setter: Setter) -> None:
    """The same characters are Chinese or Latin by what is beside them."""
    pieces = setter.lines((Run("称“货”和 “goods”"),), 10.0, 500.0)[0].pieces
    assert [(piece.text, piece.face.name) for piece in pieces] == [
        ("称“货”和", FaceName.CHINESE),
        (" “goods”", FaceName.LATIN),
    ]


@pytest.mark.parametrize("character", ["\U0001f600", "\u0627", "\u2610"])
def test_character_without_a_font_is_named(character: str, fonts: Fonts) -> None:
    """Instead of an empty box."""
    with pytest.raises(MalformedInput) as caught:
        _set(f"a {character}", fonts)
    assert (caught.value.reason, caught.value.metadata) == (
        "DRAFT_NOT_SETTABLE",
        {"character": f"U+{ord(character):04X}"},
    )


def test_word_without_end_is_refused(fonts: Fonts) -> None:
    """One that fits no line, however small."""
    with pytest.raises(MalformedInput) as caught:
        _set("x" * 1000, fonts)
    assert caught.value.reason == "DRAFT_UNSUPPORTED"


def test_row_taller_than_a_page_is_set_as_paragraphs(fonts: Fonts) -> None:
    """Its cells would be read in another order on two pages."""
    source = f"| a | b |\n|---|---|\n| {'很长。' * 1500} | second |\n| x | y |\n"
    draft = read_draft(source.encode(), DraftFormat.MARKDOWN)
    made = typeset(draft, fonts)
    assert made.pages > 1
    assert canonical_text(PdfDocument(made.file).text) == canonical_text(draft.text)


def test_drawn_spaces_keep_words_apart(fonts: Fonts) -> None:
    """At the ends of lines and paragraphs."""

    def _words(pdf: Any) -> list[str]:  # noqa: ANN401
        return PdfDocument(pdf).text.split()

    source = "one two\n\nthree " + "word " * 60
    assert _words(_set(source, fonts).file) == source.split()
