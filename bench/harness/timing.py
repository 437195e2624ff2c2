"""Times operations side by side.

* A sample is a slice: an operation repeated for a set time, by the wall clock, with the garbage collector off.
* Slices of all cases alternate (A B C, B C A, ...): what disturbs the machine for a while disturbs all of them, and
  ratios are taken within a round.
* Before the first round each case runs untimed for a whole slice. That warms caches and tells how many repetitions
  fill a slice; the number then stays.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from bench.harness.results import Result

Operation = Callable[[], object]
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Case:
    """Something to be timed. See ``Result`` for the fields; ``times`` is how often a call of ``operation`` does it."""

    name: str
    title: str
    operation: Operation
    times: int = 1


@dataclass(frozen=True, slots=True)
class OwnMeasure:
    """Another program that measures itself. ``rate`` runs it once: operations a second."""

    name: str
    title: str
    rate: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Slice:
    """One sample, as it was measured."""

    operations: int
    seconds: float
    processor_seconds: float

    @property
    def rate(self) -> float:
        """Operations a second."""
        return self.operations / self.seconds

    @property
    def processor_fraction(self) -> float:
        """Processor time of this thread over elapsed time; the two clocks differ by little, so at most 1."""
        return min(1.0, self.processor_seconds / self.seconds)


def measure_rates(
    group: str,
    cases: Sequence[Case],
    rounds: int,
    slice_seconds: float,
    step: Callable[[], None],
    *,
    others: Sequence[OwnMeasure] = (),
) -> dict[str, Result]:
    """Time cases in turns.

    Args:
        group: heading of the results.
        cases: what to time; names must differ.
        rounds: samples of each case.
        slice_seconds: how long a sample lasts, roughly.
        step: called after every slice and every warm-up, outside the timed part.
        others: programs that run once at the end of every round.

    Returns:
        A result of each case by its name: operations a second.
    """
    repetitions = {}
    for case in cases:
        repetitions[case.name] = warm_up(case.operation, slice_seconds)
        step()
    slices: dict[str, list[Slice]] = {case.name: [] for case in cases}
    own: dict[str, list[float]] = {other.name: [] for other in others}
    for turn in range(rounds):
        for case in rotated(cases, turn):
            slices[case.name].append(time_slice(case.operation, repetitions[case.name]))
            step()
        for other in others:
            own[other.name].append(other.rate())
            step()
    rates = {case.name: rate_result(group, case, slices[case.name]) for case in cases}
    return rates | {
        other.name: Result(other.name, other.title, group, "1/s", tuple(own[other.name])) for other in others
    }


def take_turns(cases: Sequence[Case], turns: int) -> dict[Case, list[float]]:
    """Time single calls of operations that take milliseconds, one of each case in a turn; the seconds of each call."""
    seconds: dict[Case, list[float]] = {case: [] for case in cases}
    for turn in range(turns):
        for case in rotated(cases, turn):
            start = time.perf_counter()
            case.operation()
            seconds[case].append(time.perf_counter() - start)
    return seconds


def rotated(items: Sequence[Item], turn: int) -> list[Item]:
    """Return the items in the order of that turn: each of them comes first, in the middle and last equally often."""
    start = turn % len(items)
    return [*items[start:], *items[:start]]


def warm_up(operation: Operation, slice_seconds: float) -> int:
    """Run the operation for a slice's time; return how many repetitions fill a slice, at least one."""
    operation()  # what happens the first time only shall not count
    with _undisturbed():
        start, count = time.perf_counter(), 0
        while (elapsed := time.perf_counter() - start) < slice_seconds or not count:
            operation()
            count += 1
    return max(1, round(count * slice_seconds / elapsed))


def time_slice(operation: Operation, repetitions: int) -> Slice:
    """Run the operation that many times and take the time of all together."""
    with _undisturbed():
        processor, start = time.thread_time(), time.perf_counter()
        for _ in range(repetitions):
            operation()
        end, processor_end = time.perf_counter(), time.thread_time()
    return Slice(repetitions, end - start, processor_end - processor)


def rate_result(group: str, case: Case, slices: Sequence[Slice]) -> Result:
    """Make a result of slices: operations a second."""
    return Result(
        case.name,
        case.title,
        group,
        "1/s",
        tuple(piece.rate * case.times for piece in slices),
        tuple(piece.processor_fraction for piece in slices),
    )


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Collect garbage now and not meanwhile, as ``timeit`` does."""
    gc.collect()
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
