"""Numbers and bullets of lists (ECMA-376 part 1, 17.9). They are no text of the document."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from contract.watermark.docx.parts import Element, W
from contract.watermark.docx.styles import is_on, value_of

_PLACE: Final = re.compile(r"%([1-9])")
_DEEPEST: Final = 9
_BULLET: Final = "•"
_PRIVATE: Final = ("\ue000", "\uf8ff")
_SHOWN_BULLETS: Final = {"o": "◦", "\uf0a7": "▪", "\uf0d8": "▸", "\uf0fc": "✓", "§": "▪", "Ø": "▸", "ü": "✓"}
"""How characters of symbol fonts look, by their codes there."""
_CHINESE: Final = "〇一二三四五六七八九"
_STEMS: Final = "甲乙丙丁戊己庚辛壬癸"
_CIRCLED_ONE: Final = 0x2460
_CIRCLES: Final = 20
_ROMAN: Final = tuple(
    zip(
        (1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1),
        ["m", "cm", "d", "cd", "c", "xc", "l", "xl", "x", "ix", "v", "iv", "i"],
        strict=True,
    )
)


class Numbering:
    """Counts the items of a document's lists, in the order of its paragraphs.

    Args:
        root: of its part with numberings; None if it has none.
    """

    def __init__(self, root: Element | None) -> None:
        lists = () if root is None else root.findall(f"{W}abstractNum")
        numbers = () if root is None else root.findall(f"{W}num")
        self._lists = {each.get(f"{W}abstractNumId"): each for each in lists}
        self._numbers = {each.get(f"{W}numId"): each for each in numbers}
        self._links = {value_of(each.find(f"{W}styleLink")): each for each in lists}
        self._counts: dict[str, dict[int, int]] = {}
        self._begun: set[tuple[str, int]] = set()

    def level(self, number: Element, style: str | None) -> tuple[str, int] | None:
        """Which list a paragraph is in, and how deep; None if in none.

        Args:
            number: its property ``w:numPr``.
            style: that says so; None if the paragraph does itself.
        """
        name = value_of(number.find(f"{W}numId"))
        if name is None or name not in self._numbers:
            return None
        depth = _integer(value_of(number.find(f"{W}ilvl")))
        if style is not None:
            of_style = (each for each in self._levels(name) if value_of(each.find(f"{W}pStyle")) == style)
            depth = next((_integer(each.get(f"{W}ilvl")) for each in of_style), depth)
        return name, min(max(depth, 0), _DEEPEST - 1)

    def label(self, name: str, depth: int) -> str:
        """Count an item, and say its label; empty if it has none."""
        levels = {_integer(each.get(f"{W}ilvl")): each for each in self._levels(name)}
        counts = self._counts.setdefault(self._list_of(name), {})
        override = self._override(name, depth)
        if override is not None and (name, depth) not in self._begun:
            counts[depth] = override - 1
        self._begun.add((name, depth))
        counts[depth] = counts.get(depth, _start(levels.get(depth)) - 1) + 1
        for deeper in [each for each in counts if each > depth]:
            del counts[deeper]
        level = levels.get(depth)
        if level is None:
            return f"{counts[depth]}."
        said = value_of(level.find(f"{W}lvlText")) or ""
        if value_of(level.find(f"{W}numFmt")) == "bullet":
            return _bullet(said)
        plain = is_on(level.find(f"{W}isLgl"))

        def number(place: re.Match[str]) -> str:
            above = int(place[1]) - 1
            count = counts.get(above, _start(levels.get(above)))
            return _format(count, "decimal" if plain else _format_of(levels.get(above)))

        return _PLACE.sub(number, said).strip()

    def _levels(self, name: str) -> list[Element]:
        overriding = [each.find(f"{W}lvl") for each in self._numbers[name].findall(f"{W}lvlOverride")]
        base = self._lists.get(self._list_of(name))
        if base is not None and base.find(f"{W}numStyleLink") is not None:
            base = self._links.get(value_of(base.find(f"{W}numStyleLink")), base)
        own = [] if base is None else base.findall(f"{W}lvl")
        return [*own, *(each for each in overriding if each is not None)]

    def _list_of(self, name: str) -> str:
        return value_of(self._numbers[name].find(f"{W}abstractNumId")) or ""

    def _override(self, name: str, depth: int) -> int | None:
        for each in self._numbers[name].findall(f"{W}lvlOverride"):
            start = value_of(each.find(f"{W}startOverride"))
            if _integer(each.get(f"{W}ilvl")) == depth and start is not None:
                return _integer(start)
        return None


def _format_of(level: Element | None) -> str:
    return "decimal" if level is None else value_of(level.find(f"{W}numFmt")) or "decimal"


def _start(level: Element | None) -> int:
    return 1 if level is None else _integer(value_of(level.find(f"{W}start")), 1)


def _integer(text: str | None, default: int = 0) -> int:
    try:
        return int(text or "")
    except ValueError:
        return default


def _bullet(said: str) -> str:
    if said in _SHOWN_BULLETS:
        return _SHOWN_BULLETS[said]
    return _BULLET if not said or _PRIVATE[0] <= said[0] <= _PRIVATE[1] else said


def _format(number: int, kind: str) -> str:
    return _FORMATS.get(kind, str)(number)


def _letters(number: int) -> str:
    """A to z, then aa to zz: the letter is repeated (17.18.59)."""
    return chr(ord("a") + (number - 1) % 26) * ((number - 1) // 26 + 1) if number > 0 else ""


def _roman(number: int) -> str:
    text = ""
    for value, letters in _ROMAN:
        times, number = divmod(number, value)
        text += letters * min(times, _DEEPEST)
    return text


def _chinese(number: int) -> str:
    """Up to 9999, as it is said: 十, 十一, 二十, 一百〇五."""
    if not 0 < number < 10_000:  # noqa: PLR2004
        return str(number)
    text, gap = "", False
    for value, unit in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, number = divmod(number, value)
        if digit:
            text += ("〇" if gap and text else "") + _CHINESE[digit] + unit
            gap = False
        else:
            gap = True
    return text.removeprefix("一") if text.startswith("一十") else text


def _circled(number: int) -> str:
    return chr(_CIRCLED_ONE + number - 1) if 0 < number <= _CIRCLES else str(number)


_FORMATS: Final[dict[str, Callable[[int], str]]] = {
    "none": lambda _: "",
    "decimalZero": lambda number: f"{number:02d}",
    "lowerLetter": _letters,
    "upperLetter": lambda number: _letters(number).upper(),
    "lowerRoman": _roman,
    "upperRoman": lambda number: _roman(number).upper(),
    "chineseCounting": _chinese,
    "chineseCountingThousand": _chinese,
    "taiwaneseCountingThousand": _chinese,
    "japaneseCounting": _chinese,
    "ideographDigital": lambda number: "".join(_CHINESE[int(each)] for each in str(number)),
    "ideographTraditional": lambda number: _STEMS[(number - 1) % 10],
    "decimalEnclosedCircle": _circled,
    "decimalEnclosedCircleChinese": _circled,
    "decimalFullWidth": lambda number: "".join(chr(ord("０") + int(each)) for each in str(number)),
}
