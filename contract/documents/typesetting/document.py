"""A draft as PDF on A4: running heads, page numbers, outline, structure, and the block for signatures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from contract.documents.draft import Draft, Kind, Paragraph, Run, Table
from contract.documents.fonts import Fonts
from contract.documents.typesetting.breaking import is_chinese
from contract.documents.typesetting.faces import Faces
from contract.documents.typesetting.lines import Line, Setter
from contract.documents.typesetting.pages import GREY, HEIGHT, Page, Part
from contract.documents.typesetting.paragraphs import LEFT, TEXT_WIDTH, House, set_paragraph
from contract.documents.typesetting.signatures import Box, SetBlock, SignatureBlock
from contract.documents.typesetting.strips import Strip, fill_pages
from contract.documents.typesetting.tables import set_table
from contract.documents.typesetting.writing import About, write
from mpc.errors import MalformedInput

MAX_PAGES: Final = 1000
_SMALL: Final = 8.0
_HEAD, _FOOT = 50.0, HEIGHT - 42.0
_RULE_SPACE: Final = 12.0
_LONGEST_HEAD: Final = 0.7


@dataclass(frozen=True, slots=True)
class Typeset:
    """A draft that was set.

    Args:
        file: the PDF.
        boxes: for the signatures, in the order of the signers.
        pages: how many there are.
    """

    file: bytes
    boxes: tuple[Box, ...]
    pages: int


def typeset(draft: Draft, fonts: Fonts, block: SignatureBlock | None = None) -> Typeset:
    """Set a draft as PDF. The same arguments give the same bytes, as long as the libraries are the same.

    Args:
        draft: to be set.
        fonts: to set it in.
        block: for signatures, behind the text on the last page; None: there is none.

    Raises:
        MalformedInput: DRAFT_NOT_SETTABLE: no face has one of its characters; DRAFT_TOO_LONG.
    """
    faces = Faces(fonts)
    chinese = is_chinese(draft.text)
    titled = any(isinstance(each, Paragraph) and each.kind is Kind.TITLE for each in draft.blocks)
    house = House(Setter(faces), chinese, titled)
    document = Part("Document")
    strips = list(_strips(house, draft, document))
    boxes: list[Box] = []
    if block is not None:
        # a signature on a page without a word of the contract could be put behind another one
        strips[-1:] = [replace(each, keep=True) for each in strips[-1:]]
        strips.append(SetBlock(house, block, boxes).strip())
    pages = fill_pages(strips)
    if len(pages) > MAX_PAGES:
        raise MalformedInput("DRAFT_TOO_LONG", f"the draft has more than {MAX_PAGES} pages", maximum=MAX_PAGES)
    for page in pages:
        _frame(house, page, len(pages), draft.title, block)
    about = About(draft.title, "zh-CN" if chinese else "en", block.time if block else None)
    return Typeset(write(pages, document, house.bookmarks, faces, about), tuple(boxes), len(pages))


def _strips(house: House, draft: Draft, document: Part) -> Iterator[Strip]:
    for block in draft.blocks:
        if isinstance(block, Paragraph):
            yield from set_paragraph(house, block, document)
        elif isinstance(block, Table):
            yield from set_table(house, block, document)
        else:
            yield Strip(_RULE_SPACE, _draw_rule)


def _draw_rule(page: Page, y: float) -> None:
    with page.artifact():
        page.box(LEFT, y + _RULE_SPACE / 3, TEXT_WIDTH, 0.4)


def _frame(house: House, page: Page, pages: int, title: str, block: SignatureBlock | None) -> None:
    """The running head, from the second page on, and the number of the page."""
    number = _line(house, f"{page.number + 1} / {pages}")
    page.outlines(number, LEFT + (TEXT_WIDTH - number.width) / 2, _FOOT, GREY)
    if not page.number:
        return
    head = _line(house, title)
    while head.width > _LONGEST_HEAD * TEXT_WIDTH:
        title = title[: -max(1, len(title) // 20)]
        head = _line(house, title + "…")
    page.outlines(head, LEFT, _HEAD, GREY)
    if block is not None:
        serial = _line(house, f"No. {block.serial}")
        page.outlines(serial, LEFT + TEXT_WIDTH - serial.width, _HEAD, GREY)
    with page.artifact():
        page.box(LEFT, _HEAD + 6.0, TEXT_WIDTH, 0.3, GREY)


def _line(house: House, text: str) -> Line:
    return house.setter.lines((Run(text),), _SMALL, float("inf"))[0]
