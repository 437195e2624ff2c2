"""Which numbers of a count from 1 are here. Mostly all up to the last: a few ranges say it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Numbers:
    """Numbers from 1.

    Args:
        ranges: first and last of each range, ascending, with at least one number missing between two of them.
    """

    ranges: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        end = -1
        for first, last in self.ranges:
            if not max(end + 1, 0) < first <= last:
                raise ValueError("ranges that are not apart")
            end = last

    @property
    def count(self) -> int:
        """How many are here."""
        return sum(last - first + 1 for first, last in self.ranges)

    @property
    def highest(self) -> int:
        """The last of them; 0 if there is none."""
        return self.ranges[-1][1] if self.ranges else 0

    @property
    def lowest_free(self) -> int:
        """The first that is not here."""
        return self.ranges[0][1] + 1 if self.ranges and self.ranges[0][0] == 1 else 1

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self.ranges, number, key=lambda each: each[0])
        return at > 0 and number <= self.ranges[at - 1][1]

    def with_number(self, number: int) -> Numbers:
        """These and another one."""
        if number in self:
            return self
        at = bisect_right(self.ranges, number, key=lambda each: each[0])
        before, after = list(self.ranges[:at]), list(self.ranges[at:])
        first = last = number
        if before and before[-1][1] == number - 1:
            first = before.pop()[0]
        if after and after[0][0] == number + 1:
            last = after.pop(0)[1]
        return Numbers((*before, (first, last), *after))

    def missing(self, last: int) -> Iterator[int]:
        """The numbers up to ``last`` that are not here, ascending."""
        next_one = 1
        for begin, end in self.ranges:
            yield from range(next_one, min(begin, last + 1))
            next_one = end + 1
        yield from range(next_one, last + 1)

    def to_text(self) -> str:
        """As it stands in a file: "1-5 7-7"."""
        return " ".join(f"{first}-{last}" for first, last in self.ranges)

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Undo ``to_text``. Raises ValueError for anything else."""
        pairs = (each.partition("-") for each in text.split())
        return cls(tuple((int(first), int(last)) for first, _, last in pairs))
