"""Lines of a paragraph: which face has each character, how wide it is, where each line ends, what stands on it.

Lines are not justified: every character is as wide as its face says, so that a watermark can widen some.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from contract.documents.draft import Run
from contract.documents.fonts import FaceName
from contract.documents.refusals import not_settable_part
from contract.documents.typesetting.breaking import is_wide, unbreakable
from contract.documents.typesetting.faces import Face, Faces
from mpc.errors import MalformedInput

_LATIN: Final = {
    (False, False): FaceName.LATIN,
    (True, False): FaceName.LATIN_BOLD,
    (False, True): FaceName.LATIN_ITALIC,
    (True, True): FaceName.LATIN_BOLD_ITALIC,
}
_CHINESE: Final = {False: FaceName.CHINESE, True: FaceName.CHINESE_BOLD}
_TAB: Final = 2.0
"""Distance of tab stops, in em."""
_SHIFTED: Final = 0.65
"""Size of superscripts and subscripts."""
_LATIN_SIZE: Final = 0.95
"""Of Latin letters beside ideographs, which look smaller at the same size."""
_NEARLY: Final = 0.999
_SMALLEST: Final = 5.0
"""In points, that words are made which are too long for a line."""
_IDEOGRAPHIC_SPACE: Final = "\u3000"


@dataclass(frozen=True, slots=True)
class Piece:
    """Characters of one look that stand side by side on a line.

    Args:
        x: where they begin, in points from the left edge of the text.
        width: of them all, in points.
        text: itself.
        face: that has them.
        size: in points.
        run: says how they look.
    """

    x: float
    width: float
    text: str
    face: Face
    size: float
    run: Run


@dataclass(frozen=True, slots=True)
class Line:
    """A line: its pieces from left to right, and its width without the spaces at its end, in points."""

    pieces: tuple[Piece, ...]
    width: float


@dataclass(frozen=True, slots=True)
class _Character:
    text: str
    face: Face
    size: float
    width: float
    run: Run


class Setter:
    """Makes lines.

    Args:
        faces: to set in.
    """

    def __init__(self, faces: Faces) -> None:
        self._faces = faces
        self._found: dict[tuple[str, bool, FaceName, FaceName], Face] = {}

    def lines(self, runs: Sequence[Run], size: float, width: float, first: float = 0) -> list[Line]:
        """Break a text into lines.

        Args:
            runs: the text.
            size: of its characters, in points.
            width: that a line may have, in points.
            first: where the first line begins, in points.

        Raises:
            MalformedInput: DRAFT_NOT_SETTABLE: no face has one of its characters; DRAFT_UNSUPPORTED: a word is too
                long.
        """
        characters = list(self._characters(runs, size))
        widest = _widest(characters)
        if widest > width:  # smaller, rather than a word in two parts: those would be read as two words
            smaller = size * width / widest * _NEARLY
            if smaller < _SMALLEST:
                raise not_settable_part("a word that is too long for a line")
            return self.lines(runs, smaller, width, first)
        set_lines = []
        for part in _parts(characters):
            for line in _broken(part, width, first, size * _TAB):
                set_lines.append(line)
                first = 0
        return set_lines

    def width(self, runs: Sequence[Run], size: float) -> tuple[float, float]:
        """How wide a text is in one line, and its widest part that cannot be broken; in points."""
        characters = [each for each in self._characters(runs, size) if each.text != "\n"]
        return sum(each.width for each in characters), _widest(characters)

    def _characters(self, runs: Sequence[Run], size: float) -> Iterator[_Character]:
        texts = [unicodedata.normalize("NFC", run.text) for run in runs]  # a letter with its accent in one
        wide = iter(_stands_wide("".join(texts)))
        for run, text in zip(runs, texts, strict=True):
            smaller = size * _SHIFTED if run.shift else size
            for character, is_chinese in zip(text, wide, strict=False):
                face, shown = self._face(character, run, chinese=is_chinese)
                own = smaller if face.is_chinese else round(smaller * _LATIN_SIZE, 2)
                yield _Character(character, face, own, face.width(shown) * own, run)

    def _face(self, character: str, run: Run, *, chinese: bool) -> tuple[Face, str]:
        latin, other = _LATIN[run.bold, run.italic], _CHINESE[run.bold]
        order = (other, latin) if chinese else (latin, other)
        shown = drawn(character)
        for name in order:
            face = self._found.get((shown, chinese, latin, name))
            if face is None and self._faces[name].has(shown):
                face = self._found[shown, chinese, latin, name] = self._faces[name]
            if face is not None:
                return face, shown
        code = f"U+{ord(character):04X}"
        raise MalformedInput(
            "DRAFT_NOT_SETTABLE", f"the draft cannot be set: no font has the character {code}", character=code
        )


def drawn(character: str) -> str:
    """What is drawn for a character: white space is drawn as a space, narrow or wide."""
    if not character.isspace():
        return character
    return character if character == _IDEOGRAPHIC_SPACE else " "


def _parts(characters: Sequence[_Character]) -> Iterator[list[_Character]]:
    """What stands between line feeds, which are drawn as spaces at the ends of their lines."""
    part: list[_Character] = []
    for each in characters:
        part.append(each)
        if each.text == "\n":
            yield part
            part = []
    if part:
        yield part


def _widest(characters: Sequence[_Character]) -> float:
    """How wide the widest part is that cannot be broken."""
    widest = 0.0
    for begin, end in unbreakable("".join(each.text for each in characters)):
        widest = max(widest, _ink(characters[begin:end]))
    return widest


def _ink(characters: Sequence[_Character]) -> float:
    """How wide a part is without the spaces at its end: there may be one before a mark that never begins a line."""
    end = len("".join("x" if not each.text.isspace() else " " for each in characters).rstrip())
    return sum(each.width for each in characters[:end])


def _broken(characters: Sequence[_Character], width: float, x: float, tab: float) -> Iterator[Line]:
    begin, visible_end, first = 0, x, x
    for start, end in unbreakable("".join(each.text for each in characters)):
        if x > 0 and x + _ink(characters[start:end]) > width:
            yield _line(characters[begin:start], first, visible_end, tab)
            begin, first, x = start, 0.0, 0.0
        for each in characters[start:end]:
            x = _after(each, x, tab)
            if not each.text.isspace():
                visible_end = x
    yield _line(characters[begin:], first, visible_end, tab)


def _after(character: _Character, x: float, tab: float) -> float:
    if character.text == "\t":
        return (x // tab + 1) * tab
    return x + character.width


def _line(characters: Sequence[_Character], x: float, visible_end: float, tab: float) -> Line:
    pieces = []
    for (face, size, run, is_tab), group in groupby(
        characters, lambda each: (each.face, each.size, each.run, each.text == "\t")
    ):
        members, begin = list(group), x
        for each in members:
            x = _after(each, x, tab)
        text = "".join(drawn(each.text) for each in members)
        if is_tab:  # each ends where its stop is
            text = " "
        pieces.append(Piece(begin, x - begin, text, face, size, run))
    return Line(tuple(pieces), visible_end)


def _stands_wide(text: str) -> list[bool]:
    """Whether each character stands among ideographs: wide itself, or a mark of either kind with a wide neighbour."""
    kinds = [_kind(each) for each in text]
    wide = [each == "wide" for each in kinds]
    for begin, end in _stretches(kinds, "either"):
        beside = (kinds[begin - 1] if begin else "", kinds[end] if end < len(kinds) else "")
        if "wide" in beside:
            wide[begin:end] = [True] * (end - begin)
    return wide


def _stretches(kinds: list[str], kind: str) -> Iterator[tuple[int, int]]:
    place = 0
    for found, group in groupby(kinds):
        length = len(list(group))
        if found == kind:
            yield place, place + length
        place += length


def _kind(character: str) -> str:
    if is_wide(character):
        return "wide"
    ambiguous = unicodedata.east_asian_width(character) == "A" and unicodedata.category(character)[0] in "PSN"
    return "either" if ambiguous else "narrow"
