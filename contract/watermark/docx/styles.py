"""How a character looks, as far as a watermark asks: colour, spacing, whether hidden; by itself or by its styles.

ECMA-376 part 1, 17.7.2: what a run says itself counts, then its character style, its paragraph's style, the defaults.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from contract.watermark.docx.parts import Element, W

_MAX_DEPTH: Final = 32
_OFF: Final = frozenset({"0", "false", "off"})


class Styles:
    """The styles of a document.

    Args:
        root: of its part with styles; None if it has none.
    """

    def __init__(self, root: Element | None) -> None:
        styles = () if root is None else root.findall(f"{W}style")
        self._styles = {each.get(f"{W}styleId"): each for each in styles}
        defaults = [each for each in styles if each.get(f"{W}default") in ("1", "true", "on")]
        self._default = {each.get(f"{W}type"): each.get(f"{W}styleId") for each in defaults}
        self._document = None if root is None else root.find(f"{W}docDefaults/{W}rPrDefault/{W}rPr")
        self._known: dict[tuple[str | None, str | None, str], Element | None] = {}

    def find(self, run: Element, paragraph_style: str | None, name: str) -> Element | None:
        """The property of a run: its element, wherever that stands; None if nothing says anything of it.

        Args:
            run: in question.
            paragraph_style: of its paragraph, as ``paragraph_style`` says.
            name: of the property.
        """
        properties = run.find(f"{W}rPr")
        own = None if properties is None else properties.find(f"{W}{name}")
        if own is not None:
            return own
        style = None if properties is None else value_of(properties.find(f"{W}rStyle"))
        return self._by_style(style, paragraph_style, name)

    def tints(self, table: Element) -> bool:
        """Whether a table has shades or colours: its text may be light, where nobody says so of a character."""
        style = value_of(table.find(f"{W}tblPr/{W}tblStyle"))
        return any(next(each.iter(f"{W}shd", f"{W}color"), None) is not None for each in self._chain(style, "table"))

    def _by_style(self, style: str | None, paragraph_style: str | None, name: str) -> Element | None:
        asked = (style, paragraph_style, name)
        if asked not in self._known:
            self._known[asked] = self._look_up(style, paragraph_style, name)
        return self._known[asked]

    def _look_up(self, style: str | None, paragraph_style: str | None, name: str) -> Element | None:
        for each in (*self._chain(style, "character"), *self._chain(paragraph_style, "paragraph")):
            found = each.find(f"{W}rPr/{W}{name}")
            if found is not None:
                return found
        return None if self._document is None else self._document.find(f"{W}{name}")

    def _chain(self, style: str | None, kind: str) -> Iterator[Element]:
        """A style and those that it is based on, which may go round in a circle."""
        name = style if style in self._styles else self._default.get(kind)
        for _ in range(_MAX_DEPTH):
            if name not in self._styles:
                return
            yield self._styles[name]
            name = value_of(self._styles[name].find(f"{W}basedOn"))


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
