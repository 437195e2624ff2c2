"""The levels of a character in DOCX: the lowest bits of its colour, and its spacing in steps of 2 twips (0.1 pt).

A run that is marked is cut into one run for each character; nothing of its text and of its other properties changes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Final

from lxml import etree

from contract.watermark.channels import Channel
from contract.watermark.characters import carries, joins, lowest_bits, may_widen, with_lowest_bits
from contract.watermark.docx.package import MAX_PART_BYTES
from contract.watermark.docx.parts import MAX_TAGS, XML_SPACE, Element, W
from contract.watermark.docx.styles import value_of
from contract.watermark.docx.text import Piece
from contract.watermark.refusals import too_large

_STEP: Final = 2
_TAGS_OF_MARK: Final = 8
"""Run, properties and text, each with an end; colour and spacing."""
_LEVELS: Final = 4
_ESCAPED: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_BEFORE_COLOUR: Final = frozenset(
    f"{W}{name}"
    for name in (
        *("rStyle", "rFonts", "b", "bCs", "i", "iCs", "caps", "smallCaps", "strike", "dstrike", "outline", "shadow"),
        *("emboss", "imprint", "noProof", "snapToGrid", "vanish", "webHidden"),
    )
)
"""What stands before the colour in a run's properties (17.3.2.28: a sequence); the spacing follows at once."""


@dataclass(frozen=True, slots=True)
class Look:
    """How the characters of a run look.

    Args:
        colour: 24 bits; None where it cannot be marked.
        spacing: level; None where it is set to something else.
    """

    colour: int | None
    spacing: int | None

    def level(self, channel: Channel, character: str) -> int | None:
        """What a character of the run carries in a channel; None if it cannot."""
        if not carries(character):
            return None
        if channel is Channel.COLOUR:
            return None if self.colour is None else lowest_bits(self.colour)
        return self.spacing if may_widen(character) else None


@dataclass(frozen=True, slots=True)
class Mark:
    """The levels that a character gets; None where it stays as it is."""

    colour: int | None
    spacing: int | None


_NO_MARK: Final = Mark(None, None)


def look_of(colour: Element | None, spacing: Element | None) -> Look:
    """How characters look, by the elements that say so. Without, they are black, and as wide as their font says."""
    return Look(_colour(value_of(colour) or "auto"), _spacing(value_of(spacing) or "0"))


def _tags_when_split(run: Element, characters: int) -> int:
    """As many as a run will have at most, with its properties again for each character."""
    properties = run.find(f"{W}rPr")
    own = 0 if properties is None else sum(1 for _ in properties.iter())
    return characters * (own + _TAGS_OF_MARK)


class RunSplitter:
    """Cuts runs. What it makes of a text is kept as bytes: as a tree, that would take ten times the memory.

    Args:
        name: stands for the texts until they are put in, and nowhere in the part's XML.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._texts: list[bytes] = []
        self._bytes = self._tags = 0

    def split(self, run: Element, look: Look, pieces: Mapping[Element, tuple[Piece, Sequence[Mark]]]) -> None:
        """Put runs in the place of a run, that have the same content, and the marks of its characters.

        Args:
            run: in its tree.
            look: of it.
            pieces: of the run's texts, by their elements; with a mark for each character.

        Raises:
            MalformedInput: DOCUMENT_TOO_LARGE: with a run for each character, it would be.
        """
        properties = run.find(f"{W}rPr")
        self._tags += _tags_when_split(run, sum(len(marks) for _, marks in pieces.values()))
        if self._tags > MAX_TAGS or self._bytes > MAX_PART_BYTES:
            raise too_large("with a run for each character, it would be")
        for child in list(run):
            if child is properties:
                continue
            if child not in pieces:
                _add(run, properties).append(child)
                continue
            run.addprevious(etree.ProcessingInstruction(self._name, str(len(self._texts))))
            piece, marks = pieces[child]
            self._texts.append(self._write(run, look, _cut(piece.text, marks)))
            self._bytes += len(self._texts[-1])
        run.getparent().remove(run)

    def with_texts(self, xml: bytes) -> bytes:
        """The part with the texts in their places."""
        places = re.compile(rb"<\?%b (\d+)\?>" % self._name.encode())
        return places.sub(lambda found: self._texts[int(found[1])], xml)

    def _write(self, run: Element, look: Look, parts: Sequence[tuple[str, Mark]]) -> bytes:
        around: dict[tuple[Mark, bool], tuple[str, str]] = {}
        written: list[str] = []
        for text, mark in parts:
            spaced = text != text.strip()
            if (mark, spaced) not in around:
                around[mark, spaced] = self._around(run, look, mark, spaced=spaced)
            before, after = around[mark, spaced]
            written += before, text.translate(_ESCAPED), after
        return "".join(written).encode()

    def _around(self, run: Element, look: Look, mark: Mark, *, spaced: bool) -> tuple[str, str]:
        """What stands before and after each text of a run with this mark."""
        above = etree.Element("above", nsmap=run.nsmap)
        added = etree.SubElement(above, f"{W}r", run.attrib)
        properties = run.find(f"{W}rPr")
        if properties is not None:
            added.append(deepcopy(properties))
        if mark.colour is not None and look.colour is not None:
            _set(added, "color", f"{with_lowest_bits(look.colour, mark.colour):06X}")
        if mark.spacing is not None:
            _set(added, "spacing", str(mark.spacing * _STEP))
        element = etree.SubElement(added, f"{W}t")
        if spaced:
            element.set(XML_SPACE, "preserve")
        above.text = element.text = added.tail = self._name
        _, before, after, _ = etree.tostring(above, encoding="unicode").split(self._name)
        return before, after


def _cut(text: str, marks: Sequence[Mark]) -> list[tuple[str, Mark]]:
    """One part for each character with a mark, with what stands on it; and what is between them."""
    parts: list[tuple[str, Mark]] = []
    for character, mark in zip(text, marks, strict=True):
        last = parts[-1][1] if parts else None
        if last is not None and (joins(character) or mark is last is _NO_MARK or (mark == last == _NO_MARK)):
            parts[-1] = (parts[-1][0] + character, last)
        else:
            parts.append((character, mark))
    return parts


def _add(run: Element, properties: Element | None) -> Element:
    added = etree.Element(f"{W}r", run.attrib, run.nsmap)
    if properties is not None:
        added.append(deepcopy(properties))
    run.addprevious(added)
    return added


def _set(run: Element, name: str, value: str) -> None:
    properties = run.find(f"{W}rPr")
    if properties is None:
        properties = etree.Element(f"{W}rPr")
        run.insert(0, properties)
    for old in properties.findall(f"{W}{name}"):  # with its theme's attributes, which would win
        properties.remove(old)
    earlier = _BEFORE_COLOUR | {f"{W}color"} if name == "spacing" else _BEFORE_COLOUR
    place = sum(each.tag in earlier for each in properties)
    properties.insert(place, etree.Element(f"{W}{name}", {f"{W}val": value}))


def _colour(value: str) -> int | None:
    if value == "auto":
        return 0
    try:
        return int(value, 16) if len(value) == len("RRGGBB") else None
    except ValueError:
        return None


def _spacing(value: str) -> int | None:
    try:
        level, rest = divmod(int(value), _STEP)
    except ValueError:
        return None
    return level if not rest and 0 <= level < _LEVELS else None
