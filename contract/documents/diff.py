"""What changed between two texts, for people: ideographs one by one, words and numbers as wholes.

Paragraphs are aligned first, then the words of those that differ: by insertions and deletions, the fewest there are.
What is common by chance between longer changes is given up then, for it would only break them up; and where a change
could stand in several places, as in a text that repeats itself, it begins with a paragraph or a sentence if it can.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from rapidfuzz.distance import Indel

_WIDE: Final = (
    "\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\U00020000-\U0003fffd"
)
_WORD: Final = re.compile(
    rf"\d+(?:[.,:/-]\d+)*|[^\W\d_{_WIDE}]+(?:['\u2019][^\W\d_{_WIDE}]+)*|\n|[^\S\n]+|.", re.DOTALL
)
_MAX_TABLE: Final = 1 << 29
"""Bits of the table by which two sequences are aligned at once: 64 MiB."""
_ANCHOR: Final = 6
"""So many words in a row, once in either text, are the same place."""
_ENDS: Final = "\u3002\uff1b\uff01\uff1f.;!?"


class ChangeKind(Enum):
    """What became of a part of the text."""

    EQUAL = "equal"
    DELETE = "delete"
    INSERT = "insert"


@dataclass(frozen=True, slots=True)
class Change:
    """A part of one of two texts, or of both.

    Args:
        kind: what became of it.
        text: itself, not empty.
    """

    kind: ChangeKind
    text: str


@dataclass(slots=True)
class _Hunk:
    """Words that both texts have, and what differs behind them."""

    equal: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    inserted: list[str] = field(default_factory=list)

    @property
    def length(self) -> int:
        """Of the longer side of what differs, in characters."""
        return max(_length(self.deleted), _length(self.inserted))


def word_diff(before: str, after: str) -> list[Change]:
    """What changed between two texts.

    All that is not inserted is together the text before, all that is not deleted the text after. No two in a row are of
    one kind; where something was replaced, the deletion stands first.
    """
    hunks = [_Hunk()]
    for equal, old, new in _by_paragraphs(before.splitlines(keepends=True), after.splitlines(keepends=True)):
        if equal:
            _add(hunks, equal, [], [])
        else:
            for each in _by_words(old, new):
                _add(hunks, *each)
    return list(_changes(_slid(_without_chance(hunks))))


_Part = tuple[list[str], list[str], list[str]]
"""Words that are equal, deleted, inserted."""


def _by_paragraphs(lines: Sequence[str], others: Sequence[str]) -> Iterator[_Part]:
    """Paragraphs that are equal as words; those that differ as they are, those in a row together."""
    old: list[str] = []
    new: list[str] = []
    for tag, begin, end, other, other_end in _opcodes(lines, others):
        if tag != "equal":
            old += lines[begin:end]
            new += others[other:other_end]
            continue
        if old or new:
            yield [], old, new
            old, new = [], []
        yield _words(lines[begin:end]), [], []
    if old or new:
        yield [], old, new


def _by_words(old: Sequence[str], new: Sequence[str]) -> Iterator[_Part]:
    words, others = _words(old), _words(new)
    for begin, end, other, other_end in _between_anchors(words, others):
        for tag, low, high, other_low, other_high in _opcodes(words[begin:end], others[other:other_end]):
            mine, theirs = words[begin + low : begin + high], others[other + other_low : other + other_high]
            yield (mine, [], []) if tag == "equal" else ([], mine, theirs)


def _opcodes(one: Sequence[str], other: Sequence[str]) -> Iterator[tuple[str, int, int, int, int]]:
    if len(one) * len(other) > _MAX_TABLE:
        yield "replace", 0, len(one), 0, len(other)
        return
    for each in Indel.opcodes(one, other):
        yield each.tag, each.src_start, each.src_end, each.dest_start, each.dest_end


def _between_anchors(words: Sequence[str], others: Sequence[str]) -> Iterator[tuple[int, int, int, int]]:
    """Parts of long texts that belong together, cut where rows of words are that both have once: each has one table."""
    begin, other = 0, 0
    if len(words) * len(others) > _MAX_TABLE:
        for place, place_in_other in _rising(_anchors(words, others)):
            yield begin, place, other, place_in_other
            begin, other = place, place_in_other
    yield begin, len(words), other, len(others)


def _anchors(words: Sequence[str], others: Sequence[str]) -> list[tuple[int, int]]:
    rows, other_rows = _rows(words), _rows(others)
    counts, other_counts = Counter(rows), Counter(other_rows)
    places = {row: place for place, row in enumerate(other_rows) if other_counts[row] == 1}
    return [(place, places[row]) for place, row in enumerate(rows) if counts[row] == 1 and row in places]


def _rows(words: Sequence[str]) -> list[tuple[str, ...]]:
    return [tuple(words[place : place + _ANCHOR]) for place in range(len(words) - _ANCHOR + 1)]


def _rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest row of pairs that rises in both numbers; it rises in the first already."""
    ends: list[int] = []
    last: list[int] = []
    before: list[int] = []
    for number, (_, place) in enumerate(pairs):
        length = bisect_left(ends, place)
        before.append(last[length - 1] if length else -1)
        ends[length : length + 1] = [place]
        last[length : length + 1] = [number]
    row, at = [], last[-1] if last else -1
    while at >= 0:
        row.append(pairs[at])
        at = before[at]
    return row[::-1]


def _add(hunks: list[_Hunk], equal: list[str], deleted: list[str], inserted: list[str]) -> None:
    if equal:
        if hunks[-1].deleted or hunks[-1].inserted:
            hunks.append(_Hunk())
        hunks[-1].equal += equal
    hunks[-1].deleted += deleted
    hunks[-1].inserted += inserted


def _without_chance(hunks: Sequence[_Hunk]) -> list[_Hunk]:
    """Give up what is equal between two changes that are both at least as long; never a whole line's end."""
    kept: list[_Hunk] = []
    for hunk in hunks:
        kept.append(hunk)
        while len(kept) > 1 and _is_chance(kept[-2], kept[-1]):
            last, before = kept.pop(), kept[-1]
            before.deleted += last.equal + last.deleted
            before.inserted += last.equal + last.inserted
    return kept


def _is_chance(before: _Hunk, hunk: _Hunk) -> bool:
    return "\n" not in hunk.equal and 0 < _length(hunk.equal) <= min(before.length, hunk.length)


def _slid(hunks: list[_Hunk]) -> list[_Hunk]:
    """Move what was only deleted, or only inserted, to where it begins with a paragraph, a sentence or a word."""
    for number, hunk in enumerate(hunks):
        edit = hunk.deleted or hunk.inserted
        if bool(hunk.deleted) == bool(hunk.inserted) or (number and not hunk.equal):
            continue
        steps = _steps(hunk.equal, edit)
        if number and steps == len(hunk.equal):  # two changes would touch
            steps -= 1
        best = _best_step(hunk.equal, steps)
        if best:
            tail = hunk.equal[-best:]
            del hunk.equal[-best:]
            edit[:] = (tail + edit)[: len(edit)] if best <= len(edit) else tail[: len(edit)]
            if number + 1 == len(hunks):
                hunks.append(_Hunk())
            hunks[number + 1].equal[:0] = tail
    return hunks


def _steps(equal: Sequence[str], edit: Sequence[str]) -> int:
    """By how many words an edit may be moved to the front: those before it are then what its last ones were."""
    steps, length = 0, len(edit)
    while steps < len(equal):
        last = edit[length - 1 - steps] if steps < length else equal[len(equal) - 1 - (steps - length)]
        if equal[len(equal) - 1 - steps] != last:
            break
        steps += 1
    return steps


def _best_step(equal: Sequence[str], steps: int) -> int:
    return max(range(steps + 1), key=lambda step: (_boundary(equal, step), -step))


def _boundary(equal: Sequence[str], step: int) -> int:
    before = equal[len(equal) - 1 - step] if step < len(equal) else "\n"
    if before == "\n":
        return 3
    return 2 if before in _ENDS else int(before.isspace())


def _changes(hunks: Sequence[_Hunk]) -> Iterator[Change]:
    kinds = (ChangeKind.EQUAL, ChangeKind.DELETE, ChangeKind.INSERT)
    for hunk in hunks:
        for kind, words in zip(kinds, (hunk.equal, hunk.deleted, hunk.inserted), strict=True):
            if words:
                yield Change(kind, "".join(words))


def _words(lines: Sequence[str]) -> list[str]:
    return _WORD.findall("".join(lines))


def _length(words: Sequence[str]) -> int:
    return sum(map(len, words))
