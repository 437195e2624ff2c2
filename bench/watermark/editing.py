"""What people do to a contract in a word processor, by python-docx. A file in, a file out.

Characters keep the format that they have, and what is typed between two takes that of the first, as in Word.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from copy import deepcopy
from random import Random
from typing import Final

import docx
from docx.document import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from docx.oxml.xmlchemy import BaseOxmlElement
from docx.shared import Pt
from docx.text.paragraph import Paragraph

from bench.watermark.specimens import saved

Edit = Callable[[bytes, Random], bytes]
CLAUSE: Final = 160
"""Characters of a clause, or so."""
_PUT_IN: Final = {
    True: "本條為後加之條款。前條所定之期限得經雙方書面通知延長三十日。" * 6,
    False: "This clause was put in afterwards: the parties agree that the term may be extended by thirty days. " * 2,
}
"""By whether the contract is Chinese."""


def _edit(change: Callable[[Document, Random], None]) -> Edit:
    def edited(data: bytes, chance: Random) -> bytes:
        document = docx.Document(io.BytesIO(data))
        change(document, chance)
        return saved(document)

    return edited


def saved_again(data: bytes, _: Random) -> bytes:
    """Read and written by python-docx."""
    return saved(docx.Document(io.BytesIO(data)))


def pasted_as_text(data: bytes, _: Random) -> bytes:
    """The text alone, in a new document."""
    document = docx.Document()
    for each in docx.Document(io.BytesIO(data)).paragraphs:
        document.add_paragraph(each.text)
    return saved(document)


def deleted(share: float) -> Edit:
    """So much of the characters is taken out, each by itself."""

    def change(document: Document, chance: Random) -> None:
        for run in _chosen(document, share, chance):
            run.getparent().remove(run)

    return _edit(change)


def replaced(share: float) -> Edit:
    """So much of the characters becomes another one of the text."""

    def change(document: Document, chance: Random) -> None:
        texts = _texts(document)
        for run in _chosen(document, share, chance):
            text = run.find(qn("w:t"))
            text.text = chance.choice([each for each in texts if each != text.text])

    return _edit(change)


def put_in(share: float) -> Edit:
    """So many characters, of the text's own, are typed between others."""

    def change(document: Document, chance: Random) -> None:
        texts = _texts(document)
        for run in _chosen(document, share, chance):
            typed = deepcopy(run)
            typed.find(qn("w:t")).text = chance.choice(texts)
            run.addnext(typed)

    return _edit(change)


def _clause_removed(document: Document, chance: Random) -> None:
    paragraphs = document.paragraphs
    last = len(paragraphs) - 1
    while last and sum(len(each.text) for each in paragraphs[last:]) < CLAUSE:
        last -= 1
    removed, begin = 0, chance.randint(1, last)
    for each in paragraphs[begin:]:
        if removed < CLAUSE:
            removed += len(each.text)
            element = _element(each)
            element.getparent().remove(element)


def _clause_put_in(document: Document, chance: Random) -> None:
    paragraphs = document.paragraphs
    text = _PUT_IN[not paragraphs[-1].text.isascii()]
    chance.choice(paragraphs[1:]).insert_paragraph_before(text[:CLAUSE])


def _clauses_swapped(document: Document, chance: Random) -> None:
    one, other = map(_element, chance.sample(document.paragraphs[1:], 2))
    mark = deepcopy(one)
    one.addprevious(mark)
    other.addprevious(one)
    mark.addprevious(other)
    mark.getparent().remove(mark)


def _without(*names: str) -> Edit:
    def change(document: Document, _: Random) -> None:
        for name in names:
            for each in list(document.element.body.iter(qn(name))):
                if each.getparent().tag == qn("w:rPr") or name == "w:rPr":
                    each.getparent().remove(each)

    return _edit(change)


def font_size(points: float) -> Edit:
    """All text gets this size."""

    def change(document: Document, _: Random) -> None:
        for paragraph in document.paragraphs:
            for run in paragraph.runs:
                run.font.size = Pt(points)

    return _edit(change)


def aligned(alignment: WD_ALIGN_PARAGRAPH) -> Edit:
    """All paragraphs are aligned so."""

    def change(document: Document, _: Random) -> None:
        for paragraph in document.paragraphs:
            paragraph.alignment = alignment

    return _edit(change)


clause_removed: Final = _edit(_clause_removed)
clause_put_in: Final = _edit(_clause_put_in)
clauses_swapped: Final = _edit(_clauses_swapped)
colour_reset: Final = _without("w:color")
spacing_reset: Final = _without("w:spacing")
formats_reset: Final = _without("w:rPr")


def _element(paragraph: Paragraph) -> BaseOxmlElement:
    return paragraph._element  # noqa: SLF001  # python-docx has no other way to move a paragraph


def single_runs(document: Document) -> list[BaseOxmlElement]:
    """Cut every run of text into one for each character; the runs, in order."""
    for run in list(document.element.body.iter(qn("w:r"))):
        text = run.find(qn("w:t"))
        for letter in "" if text is None else text.text[1:][::-1]:
            other = deepcopy(run)
            _set(other.find(qn("w:t")), letter)
            run.addnext(other)
        if text is not None:
            _set(text, text.text[:1])
    return [run for run in document.element.body.iter(qn("w:r")) if run.find(qn("w:t")) is not None]


def _set(text: BaseOxmlElement, letter: str) -> None:
    text.text = letter
    text.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")


def _chosen(document: Document, share: float, chance: Random) -> list[BaseOxmlElement]:
    """So many of the characters, by chance; white space is not among them."""
    runs = [run for run in single_runs(document) if run.find(qn("w:t")).text.strip()]
    return chance.sample(runs, round(share * len(runs)))


def _texts(document: Document) -> list[str]:
    """The different characters of the text."""
    letters = {letter for each in document.paragraphs for letter in each.text}
    return sorted(letter for letter in letters if letter.strip())
