"""Which characters of an altered text are which of its original: by insertions and deletions, the fewest there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from rapidfuzz.distance import Indel

_MAX_TABLE: Final = 1 << 29
"""Bits of the table by which two texts are aligned at once: 64 MiB."""
_SIMILAR: Final = 0.5


@dataclass(frozen=True, slots=True)
class Stretch:
    """Characters that both texts have: ``length`` of them, from these places on."""

    original: int
    found: int
    length: int


@dataclass(frozen=True, slots=True)
class Alteration:
    """A part of the text that was altered.

    Args:
        paragraph: of the original, from 1.
        place: in the original's text, from 0.
        before: what stands there.
        after: what the altered text has in its place.
    """

    paragraph: int
    place: int
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Alignment:
    """Two texts, side by side.

    Args:
        original: text.
        found: text.
        stretches: what they have in common, in order.
    """

    original: str
    found: str
    stretches: tuple[Stretch, ...]

    @property
    def similarity(self) -> float:
        """How much of the longer text is in both, 0 to 1."""
        longest = max(len(self.original), len(self.found))
        return sum(each.length for each in self.stretches) / longest if longest else 1.0

    def origins(self) -> list[int | None]:
        """For each character of the found text its place in the original; None for what was put in."""
        places: list[int | None] = [None] * len(self.found)
        for each in self.stretches:
            places[each.found : each.found + each.length] = range(each.original, each.original + each.length)
        return places

    def alterations(self) -> list[Alteration]:
        """Every part that was altered, in order."""
        end = Stretch(len(self.original), len(self.found), 0)
        altered, paragraph, counted = [], 1, 0
        for left, right in pairwise((Stretch(0, 0, 0), *self.stretches, end)):
            place, at = left.original + left.length, left.found + left.length
            if (place, at) != (right.original, right.found):
                paragraph += self.original.count("\n", counted, place)
                counted = place
                before, after = self.original[place : right.original], self.found[at : right.found]
                altered.append(Alteration(paragraph, place, before, after))
        return altered


def align(original: str, found: str) -> Alignment:
    """Align two texts, paragraphs first: in time and memory that grow with what differs."""
    return Alignment(original, found, tuple(_joined(_by_paragraphs(original, found))))


def _by_paragraphs(original: str, found: str) -> Iterator[Stretch]:
    lines, others = original.splitlines(keepends=True), found.splitlines(keepends=True)
    line, other, at_original, at_found = 0, 0, 0, 0
    few = len(lines) * len(others) <= _MAX_TABLE
    equals = [each for each in Indel.opcodes(lines, others) if each.tag == "equal"] if few else []
    for begin, other_begin, length in [
        *((each.src_start, each.dest_start, each.src_end - each.src_start) for each in equals),
        (len(lines), len(others), 0),
    ]:
        group, other_group = lines[line:begin], others[other:other_begin]
        yield from _by_characters(group, other_group, at_original, at_found)
        same = len("".join(lines[begin : begin + length]))
        at_original += len("".join(group))
        at_found += len("".join(other_group))
        yield Stretch(at_original, at_found, same)
        at_original, at_found = at_original + same, at_found + same
        line, other = begin + length, other_begin + length


def _by_characters(group: Sequence[str], others: Sequence[str], original: int, found: int) -> Iterator[Stretch]:
    """Align paragraphs of which none is in both: each with its own if they go in pairs, else all together."""
    pairs = list(zip(group, others, strict=False))
    if len(group) == len(others) and all(
        Indel.normalized_similarity(one, other, score_cutoff=_SIMILAR) for one, other in pairs
    ):
        parts = pairs
    else:
        parts = [("".join(group), "".join(others))]
    for one, other in parts:
        if len(one) * len(other) <= _MAX_TABLE:
            for each in Indel.opcodes(one, other):
                if each.tag == "equal":
                    yield Stretch(original + each.src_start, found + each.dest_start, each.src_end - each.src_start)
        original, found = original + len(one), found + len(other)


def _joined(stretches: Iterator[Stretch]) -> Iterator[Stretch]:
    """Join what is without a gap on either side, and drop what is empty."""
    last = Stretch(0, 0, 0)
    for each in stretches:
        if not each.length:
            continue
        if (last.original + last.length, last.found + last.length) == (each.original, each.found):
            last = Stretch(last.original, last.found, last.length + each.length)
            continue
        if last.length:
            yield last
        last = each
    if last.length:
        yield last
