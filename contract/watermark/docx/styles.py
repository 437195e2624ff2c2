"""How a character looks, as far as a watermark asks: colour, spacing, whether hidden; by itself or by its styles.

ECMA-376 part 1, 17.7.2: what a run says itself counts, then its character style, its paragraph's style, the defaults.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from contract.watermark.docx.parts import Element, W

_MAX_DEPTH: Final = 32
_ASKED: Final = ("color", "spacing", "vanish")
_OFF: Final = frozenset({"0", "false", "off"})


@dataclass(frozen=True, slots=True)
class _Style:
    """What a style says; read once, for it may be long, and asked for by every run.

    Args:
        based_on: the style whose properties it takes over.
        properties: those that are asked for, by name.
        tints: whether it has shades or colours anywhere.
    """

    based_on: str | None
    properties: dict[str, Element]
    tints: bool


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

    def find(self, run: Element, paragraph_style: str | None, name: str) -> Element | None:
        """The property of a run: its element, wherever that stands; None if nothing says anything of it.

        Args:
            run: in question.
            paragraph_style: of its paragraph, if that names one.
            name: of the property: color, spacing or vanish.
        """
        own = run.find(f"{W}rPr")
        if own is not None:
            found = own.find(f"{W}{name}")
            if found is not None:
                return found
        style = None if own is None else value_of(own.find(f"{W}rStyle"))
        for each in (*self._chain(style, "character"), *self._chain(paragraph_style, "paragraph")):
            if name in each.properties:
                return each.properties[name]
        return self._document.get(name)

    def tints(self, table: Element) -> bool:
        """Whether a table has shades or colours: its text may be light, where nobody says so of a character."""
        return any(each.tints for each in self._chain(value_of(table.find(f"{W}tblPr/{W}tblStyle")), "table"))

    def _chain(self, style: str | None, kind: str) -> Iterator[_Style]:
        """A style and those that it is based on, which may go round in a circle."""
        name = style if style in self._styles else self._default.get(kind)
        for _ in range(_MAX_DEPTH):
            if name not in self._styles:
                return
            yield self._styles[name]
            name = self._styles[name].based_on


def _read(style: Element) -> _Style:
    tints = next(style.iter(f"{W}shd", f"{W}color"), None) is not None
    return _Style(value_of(style.find(f"{W}basedOn")), _properties(style), tints)


def _properties(above: Element | None) -> dict[str, Element]:
    found = {name: None if above is None else above.find(f"{W}rPr/{W}{name}") for name in _ASKED}
    return {name: each for name, each in found.items() if each is not None}


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
