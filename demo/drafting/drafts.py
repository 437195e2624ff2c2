"""The contracts that are negotiated: the sales contract in Chinese as Markdown, and in English as DOCX.

Both have words of ``demo.contract.text``, and say the same: so many of its clauses that the Chinese one has about 900
characters.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from contract.documents.docx.writing import to_docx
from contract.documents.draft import DraftFormat
from contract.documents.reading import read_draft
from demo.contract import text
from demo.contract.text import Article, Bilingual

_CLAUSES: Final = {"Goods": 2, "Price and payment": 2, "Delivery": 3, "Liability": 2, "Law and disputes": 1}
"""Which articles there are, and how many clauses of each."""

_NUMBERS: Final = "一二三四五六七八九十"
_HEADS: Final = (
    Bilingual("货物", "Goods"),
    Bilingual("数量", "Quantity"),
    Bilingual("单价（元）", "Unit price (CNY)"),
    Bilingual("金额（元）", "Amount (CNY)"),
)
_TOTAL: Final = Bilingual("合计", "Total")


class Language(Enum):
    """What a contract is written in. The value is the end of its files' names."""

    CHINESE = "zh"
    ENGLISH = "en"

    def of(self, words: Bilingual) -> str:
        """One of both."""
        return words.chinese if self is Language.CHINESE else words.english


@dataclass(frozen=True, slots=True)
class Change:
    """What somebody changes in a draft: words that it has once."""

    before: str
    after: str

    def of(self, draft: str) -> str:
        """The draft, changed.

        Raises:
            ValueError: it does not have the words once.
        """
        if draft.count(self.before) != 1:
            raise ValueError(f"{self.before!r} does not stand there once")
        return draft.replace(self.before, self.after)


def contract_text(language: Language) -> str:
    """The contract as both agree on it in the end, in Markdown."""
    return "\n\n".join(_paragraphs(language)) + "\n"


def as_docx(draft: str) -> bytes:
    """A draft in Markdown as DOCX."""
    return to_docx(read_draft(draft.encode(), DraftFormat.MARKDOWN))


def _paragraphs(language: Language) -> Iterator[str]:
    of, colon = language.of, "：" if language is Language.CHINESE else ": "
    yield f"# {of(text.TITLE)}"
    for role, party in text.PARTIES:
        yield f"**{of(role)}**{colon}{of(party)}"
    yield of(text.PREAMBLE)
    for number, article in enumerate((each for each in text.ARTICLES if each.title.english in _CLAUSES), start=1):
        yield from _article(language, number, article)


def _article(language: Language, number: int, article: Article) -> Iterator[str]:
    ordinal = f"第{_NUMBERS[number - 1]}条" if language is Language.CHINESE else f"{number}."
    yield f"## {ordinal} {language.of(article.title)}"
    for count, clause in enumerate(article.clauses[: _CLAUSES[article.title.english]], start=1):
        yield f"{number}.{count} {language.of(clause)}"
        if count == article.table_after:
            yield "\n".join(_table(language))


def _table(language: Language) -> Iterator[str]:
    of = language.of
    yield _row(*map(of, _HEADS))
    yield _row("---", "--:", "--:", "--:")
    for item in text.ITEMS:
        quantity = f"{item.quantity} {of(item.unit)}"
        yield _row(of(item.description), quantity, f"{item.unit_price:,.2f}", f"{item.amount:,.2f}")
    yield _row(of(_TOTAL), "", "", f"{text.TOTAL:,.2f}")


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
