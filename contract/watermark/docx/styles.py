"""How characters and paragraphs look, by themselves or by their styles, as far as a watermark or a draft asks.

ECMA-376 part 1, 17.7.2: what a run says itself counts, then its character style, its paragraph's style, the defaults.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from contract.watermark.docx.parts import Element, W

_MAX_DEPTH: Final = 32
_REMEMBERED: Final = 1024
"""Answers: every character of a marked text asks again."""
_ASKED: Final = ("color", "spacing", "vanish", "b", "i", "u", "strike", "dstrike", "vertAlign", "sz")
_ASKED_OF_PARAGRAPHS: Final = ("outlineLvl", "numPr", "jc", "ind", "pageBreakBefore")
_NO_LINE: Final = frozenset({None, "none", "nil"})
_OFF: Final = frozenset({"0", "false", "off"})


@dataclass(frozen=True, slots=True)
class _Style:
    """What a style says; read once, for it may be long, and asked for by every run.

    Args:
        name: of it, in lower case, such as "heading 1".
        based_on: the style whose properties it takes over.
        properties: those of characters that are asked for, by name.
        of_paragraph: those of paragraphs.
        tints: whether it has shades or colours anywhere.
        ruled: whether it has lines between the cells of a table.
    """

    name: str
    based_on: str | None
    properties: dict[str, Element]
    of_paragraph: dict[str, Element]
    tints: bool
    ruled: bool


class Styles:
    """The styles of a document.

    Args:
        root: of its part with styles; None if it has none.
    """

    def __init__(self, root: Element | None) -> None:
        styles = () if root is None else root.findall(f"{W}style")
        self._styles = {each.get(f"{W}styleId"): _read(each) for each in styles}
        defaults = [each for each in styles if each.get(f"{W}default") in ("1", "true", "on")]
        self._default = {each.get(f"{W}type"): each.get(f"{W}styleId") for each in defaults}
        document = None if root is None else root.find(f"{W}docDefaults/{W}rPrDefault")
        self._document = _properties(document)
        self._find_in_styles = lru_cache(maxsize=_REMEMBERED)(self._look_up)

    def find(self, run: Element, paragraph_style: str | None, name: str) -> Element | None:
        """The property of a run: its element, wherever that stands; None if nothing says anything of it.

        Args:
            run: in question.
            paragraph_style: of its paragraph, if that names one.
            name: of the property, one of ``_ASKED``.
        """
        own = run.find(f"{W}rPr")
        if own is not None:
            found = own.find(f"{W}{name}")
            if found is not None:
                return found
        style = None if own is None else value_of(own.find(f"{W}rStyle"))
        return self._find_in_styles(style, paragraph_style, name)

    def find_of_paragraph(self, paragraph: Element, name: str) -> tuple[Element | None, str | None]:
        """The property of a paragraph: its element, None if nothing says anything of it; and the style that says it.

        Args:
            paragraph: in question.
            name: of the property, one of ``_ASKED_OF_PARAGRAPHS``.
        """
        own = paragraph.find(f"{W}pPr/{W}{name}")
        if own is not None:
            return own, None
        for key, each in self._named_chain(value_of(paragraph.find(f"{W}pPr/{W}pStyle")), "paragraph"):
            if name in each.of_paragraph:
                return each.of_paragraph[name], key
        return None, None

    def names(self, paragraph_style: str | None) -> list[str]:
        """How the style of a paragraph and those that it is based on are called, in lower case."""
        return [each.name for each in self._chain(paragraph_style, "paragraph")]

    def rules(self, table: Element) -> bool:
        """Whether the style of a table draws lines between its cells."""
        return any(each.ruled for each in self._chain(value_of(table.find(f"{W}tblPr/{W}tblStyle")), "table"))

    def tints(self, table: Element) -> bool:
        """Whether a table has shades or colours: its text may be light, where nobody says so of a character."""
        return any(each.tints for each in self._chain(value_of(table.find(f"{W}tblPr/{W}tblStyle")), "table"))

    def _look_up(self, style: str | None, paragraph_style: str | None, name: str) -> Element | None:
        for each in (*self._chain(style, "character"), *self._chain(paragraph_style, "paragraph")):
            if name in each.properties:
                return each.properties[name]
        return self._document.get(name)

    def _chain(self, style: str | None, kind: str) -> Iterator[_Style]:
        """A style and those that it is based on, which may go round in a circle."""
        for _, each in self._named_chain(style, kind):
            yield each

    def _named_chain(self, style: str | None, kind: str) -> Iterator[tuple[str | None, _Style]]:
        name = style if style in self._styles else self._default.get(kind)
        for _ in range(_MAX_DEPTH):
            if name not in self._styles:
                return
            yield name, self._styles[name]
            name = self._styles[name].based_on


def _read(style: Element) -> _Style:
    return _Style(
        name=(value_of(style.find(f"{W}name")) or "").lower(),
        based_on=value_of(style.find(f"{W}basedOn")),
        properties=_properties(style),
        of_paragraph=_asked(style.find(f"{W}pPr"), _ASKED_OF_PARAGRAPHS),
        tints=next(style.iter(f"{W}shd", f"{W}color"), None) is not None,
        ruled=has_lines(style),
    )


def _properties(above: Element | None) -> dict[str, Element]:
    return _asked(None if above is None else above.find(f"{W}rPr"), _ASKED)


def _asked(properties: Element | None, names: tuple[str, ...]) -> dict[str, Element]:
    found = {name: None if properties is None else properties.find(f"{W}{name}") for name in names}
    return {name: each for name, each in found.items() if each is not None}


def has_lines(above: Element) -> bool:
    """Whether anything below an element draws a line around or between cells."""
    borders = above.iter(f"{W}tblBorders", f"{W}tcBorders")
    return any(value_of(line) not in _NO_LINE for each in borders for line in each)


def value_of(element: Element | None) -> str | None:
    """The attribute ``w:val`` of an element, if there is one."""
    return None if element is None else element.get(f"{W}val")


def is_on(element: Element | None) -> bool:
    """Whether a property that is on or off is on."""
    return element is not None and value_of(element) not in _OFF


def is_shaded(properties: Element | None) -> bool:
    """Whether these properties lay a colour behind the text."""
    if properties is None:
        return False
    shade, light = properties.find(f"{W}shd"), properties.find(f"{W}highlight")
    plain = shade is None or (
        shade.get(f"{W}fill", "auto").lower() in ("auto", "ffffff") and value_of(shade) in (None, "clear", "nil")
    )
    return not plain or value_of(light) not in (None, "none")
