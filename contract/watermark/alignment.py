"""Which characters of an altered text are which of its original: by insertions and deletions, the fewest there are."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from rapidfuzz.distance import Indel

from contract.documents.text import canonical_text

_MAX_TABLE: Final = 1 << 29
"""Bits of the table by which two texts are aligned at once: 64 MiB."""
_SIMILAR: Final = 0.5
_WINDOW: Final = 1 << 14
"""Characters of both texts that are aligned at once where they repeat themselves."""
_ANCHOR: Final = 24
"""Characters that stand together in both texts, each once, and so tell what belongs together."""


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
        """Every part that was altered, in order; not the white space of formats, which no digest sees."""
        end = Stretch(len(self.original), len(self.found), 0)
        altered, paragraph, counted = [], 1, 0
        for left, right in pairwise((Stretch(0, 0, 0), *self.stretches, end)):
            place, at = left.original + left.length, left.found + left.length
            differ = (place, at) != (right.original, right.found)
            if differ and not self._is_same(place, right.original, at, right.found):
                before, after = self.original[place : right.original], self.found[at : right.found]
                if before[:1].isspace() and after[:1].isspace():
                    place += len(before) - len(before.lstrip())
                    before, after = before.lstrip(), after.lstrip()
                if before[-1:].isspace() and after[-1:].isspace():
                    before, after = before.rstrip(), after.rstrip()
                paragraph += self.original.count("\n", counted, place)
                counted = place
                altered.append(Alteration(paragraph, place, before, after))
        return altered

    def _is_same(self, place: int, end: int, at: int, found_end: int) -> bool:
        """Whether two parts that stand between the same characters are one canonical text."""
        before, after = self.original[place:end], self.found[at:found_end]
        left, right = self.original[max(place - 1, 0) : place], self.original[end : end + 1]
        return canonical_text(left + before + right) == canonical_text(left + after + right)


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
        yield from _within(one, other, original, found)
        original, found = original + len(one), found + len(other)


def _within(one: str, other: str, original: int, found: int) -> Iterator[Stretch]:
    """Align two parts character by character; long ones between anchors, or else window by window."""
    if len(one) * len(other) <= _MAX_TABLE:
        yield from _aligned(one, other, original, found)
        return
    anchors = _anchors(one, other)
    if not anchors:
        yield from _by_windows(one, other, original, found)
        return
    place, at = 0, 0
    for begin, found_begin in (*anchors, (len(one), len(other))):
        yield from _within(one[place:begin], other[at:found_begin], original + place, found + at)
        place, at = begin, found_begin


def _aligned(one: str, other: str, original: int, found: int) -> Iterator[Stretch]:
    for each in Indel.opcodes(one, other):
        if each.tag == "equal":
            yield Stretch(original + each.src_start, found + each.dest_start, each.src_end - each.src_start)


def _by_windows(one: str, other: str, original: int, found: int) -> Iterator[Stretch]:
    """Align window after window: each begins where the last one's second half does."""
    place, at = 0, 0
    while place < len(one) and at < len(other):
        stretches = list(_aligned(one[place : place + _WINDOW], other[at : at + _WINDOW], place, at))
        is_last = place + _WINDOW >= len(one) or at + _WINDOW >= len(other)
        sure = [each for each in stretches if is_last or each.original < place + _WINDOW // 2]
        yield from (Stretch(original + each.original, found + each.found, each.length) for each in sure)
        if is_last or not sure:
            return
        place, at = sure[-1].original + sure[-1].length, sure[-1].found + sure[-1].length


def _anchors(one: str, other: str) -> list[tuple[int, int]]:
    """Places of both texts where the same characters stand, in one order, not far from one another."""
    places = _once(other)
    both = [(place, places[said]) for said, place in _once(one).items() if said in places]
    ends: list[int] = []  # of the best chain of each length, its last place in the other text
    chains: list[int] = []  # of each pair, the length of the best chain that ends with it
    for _, at in both:
        length = bisect_left(ends, at)
        ends[length : length + 1] = [at]
        chains.append(length)
    chosen: list[tuple[int, int]] = []
    wanted = len(ends) - 1
    for pair, length in zip(reversed(both), reversed(chains), strict=True):
        if length == wanted and (not chosen or pair[1] < chosen[-1][1]):
            chosen.append(pair)
            wanted -= 1
    return [pair for pair in reversed(chosen) if 0 not in pair]


def _once(text: str) -> dict[str, int]:
    """Where each piece stands that is there once, one behind the other."""
    counts = Counter(text[at : at + _ANCHOR] for at in range(len(text) - _ANCHOR + 1))
    return {said: at for at in range(len(text) - _ANCHOR + 1) if counts[said := text[at : at + _ANCHOR]] == 1}


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
