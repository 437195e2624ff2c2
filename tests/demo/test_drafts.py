"""The contracts that are negotiated, what is changed in them, and pictures of pages."""

from __future__ import annotations

import pytest
from PIL import Image

from contract.documents.draft import DraftFormat
from contract.documents.reading import read_draft
from contract.documents.text import canonical_text
from demo.contract import text
from demo.drafting.drafts import Change, Language, as_docx, contract_text
from demo.drafting.pictures import AMPLIFIED, Comparison
from wire.fonts import find_fonts


@pytest.mark.parametrize("language", Language)
def test_contract_has_its_parts(language: Language) -> None:
    """Title, parties, every item with its amount, the price; the Chinese one has about 900 characters."""
    read = read_draft(contract_text(language).encode(), DraftFormat.MARKDOWN)
    assert read.title == language.of(text.TITLE)
    for item in text.ITEMS:
        assert f"{item.amount:,.2f}" in read.text
    assert read.text.count(f"{text.TOTAL:,.2f}") == 2
    if language is Language.CHINESE:
        assert 850 <= len(canonical_text(read.text)) <= 950


def test_docx_says_the_same() -> None:
    """Whatever a draft is written in."""
    source = contract_text(Language.ENGLISH)
    texts = [
        read_draft(source.encode(), DraftFormat.MARKDOWN).text,
        read_draft(as_docx(source), DraftFormat.DOCX).text,
    ]
    assert canonical_text(texts[0]) == canonical_text(texts[1])


def test_change_wants_words_that_stand_there_once() -> None:
    """Neither none nor two are changed."""
    assert Change("ten", "nine").of("ten days") == "nine days"
    for draft in ("a day", "ten days, ten hours"):
        with pytest.raises(ValueError, match="once"):
            Change("ten", "nine").of(draft)


def test_comparison() -> None:
    """Of ten pixels one differs by 2 in green: 2 of 255 at most, 0.2 on average, and dark in the third picture."""
    one = Image.new("RGB", (5, 2), (255, 255, 255))
    other = one.copy()
    other.putpixel((3, 1), (255, 253, 255))
    compared = Comparison(one, other)
    assert compared.largest == 2
    assert (compared.share, compared.mean) == pytest.approx((0.1, 0.2))
    sheet = compared.side_by_side(("one", "other", "difference"), find_fonts())
    dark = 255 - 2 * AMPLIFIED
    found = [
        (x, y)
        for x in range(2 * sheet.width // 3, sheet.width)
        for y in range(sheet.height)
        if sheet.getpixel((x, y)) == (dark, dark, dark)
    ]
    assert len(found) == 1
