"""The contract that the demo signs says the same twice, and its figures agree."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from demo.contract import CONTRACT_PDF, text
from demo.contract.text import Article, Bilingual

_AMOUNT = re.compile(r"\d{1,3}(?:,\d{3})+\.\d\d")


def _amounts(words: str) -> list[Decimal]:
    return [Decimal(found.replace(",", "")) for found in _AMOUNT.findall(words)]


def test_items_add_up_to_the_price() -> None:
    """The table's last line is the sum of those above it."""
    assert sum(item.amount for item in text.ITEMS) == text.TOTAL


def test_price_and_instalments_add_up_in_both_languages() -> None:
    """Clause 2.1 names the price, and the three instalments of clause 2.2 make it up."""
    price, instalments, _ = text.ARTICLES[1].clauses
    for words in (price.chinese, price.english):
        assert _amounts(words) == [text.TOTAL]
    for words in (instalments.chinese, instalments.english):
        assert len(_amounts(words)) == 3
        assert sum(_amounts(words)) == text.TOTAL


def _clauses() -> list[Bilingual]:
    return [clause for article in text.ARTICLES for clause in article.clauses]


@pytest.mark.parametrize("clause", _clauses(), ids=lambda clause: clause.english[:24])
def test_figures_of_a_clause_are_the_same_in_both_languages(clause: Bilingual) -> None:
    """Percentages and amounts, in the same order."""
    figures = re.compile(r"[\d.,]+%|" + _AMOUNT.pattern)
    assert figures.findall(clause.chinese) == figures.findall(clause.english)


@pytest.mark.parametrize("article", text.ARTICLES, ids=lambda article: article.title.english)
def test_article_has_both_languages(article: Article) -> None:
    """Chinese on one side, English on the other."""
    for words in (article.title, *article.clauses):
        assert re.search(r"[\u4e00-\u9fff]", words.chinese)
        assert not re.search(r"[\u4e00-\u9fff]", words.english)


def test_the_finished_document_is_a_pdf_of_three_pages() -> None:
    """The file that is signed is there and whole."""
    content = CONTRACT_PDF.read_bytes()
    assert content.startswith(b"%PDF-1.")
    assert content.rstrip().endswith(b"%%EOF")
    assert len(re.findall(rb"/Type /Page\b", content)) == 3
