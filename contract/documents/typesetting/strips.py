"""Strips: what stands on pages one below the other, and is never divided itself. Pages end between them.

A strip is a line of a paragraph, a row of a table, the signature block.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from contract.documents.typesetting.pages import HEIGHT, Page

TOP: Final = 78.0
BOTTOM: Final = HEIGHT - 76.0
"""Where the text of a page begins and ends, in points from its upper edge."""

Draw = Callable[[Page, float], None]
"""Draws on a page, from so many points below its upper edge on."""


@dataclass(frozen=True, slots=True)
class Strip:
    """Something as wide as the text.

    Args:
        height: in points.
        draw: draws it.
        before: space above it, but not at the top of a page, in points.
        keep: whether it stands on the same page as the next.
        new_page: whether it begins a page.
        head: what is repeated above it where it begins a page: the head of its table.
    """

    height: float
    draw: Draw
    before: float = 0.0
    keep: bool = False
    new_page: bool = False
    head: Strip | None = None


def fill_pages(strips: Sequence[Strip]) -> list[Page]:
    """Lay strips out on pages, in their order."""
    pages = [Page(0)]
    y = TOP
    for group in _groups(strips):
        needed = sum(each.before + each.height for each in group)
        if y > TOP and (group[0].new_page or (y + needed > BOTTOM and needed <= BOTTOM - TOP)):
            y = _begin_page(pages, group[0])
        for strip in group:
            if y > TOP and y + strip.before + strip.height > BOTTOM:
                y = _begin_page(pages, strip)
            if y > TOP:
                y += strip.before
            strip.draw(pages[-1], y)
            y += strip.height
    return pages


def _groups(strips: Sequence[Strip]) -> Iterator[list[Strip]]:
    """Strips that stand on one page, if that has room for them."""
    group: list[Strip] = []
    for strip in strips:
        if group and strip.new_page:
            yield group
            group = []
        group.append(strip)
        if not strip.keep:
            yield group
            group = []
    if group:
        yield group


def _begin_page(pages: list[Page], first: Strip) -> float:
    pages.append(Page(len(pages)))
    if first.head is None:
        return TOP
    first.head.draw(pages[-1], TOP)
    return TOP + first.head.height
