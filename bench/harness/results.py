"""What a scenario hands back: samples with a name and a unit, and ratios between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.harness.statistics import Summary, paired_ratios, summarise


@dataclass(frozen=True, slots=True)
class Aim:
    """What the project wants a figure to be.

    Args:
        value: at least, or at most.
        at_most: which of the two.
    """

    value: float
    at_most: bool = False

    def __str__(self) -> str:
        """For people: ">= 0.5"."""
        return f"{'<=' if self.at_most else '>='} {self.value:g}"

    def is_reached(self, value: float) -> bool:
        """Whether a figure is as it is wanted."""
        return value <= self.value if self.at_most else value >= self.value


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the report.

    Args:
        name: stable, for programs: lower case with underscores.
        title: for people.
        group: heading that the line stands under.
        unit: of the samples: "1/s", "s", "ms".
        samples: one of each round, in order.
        processor_fraction: for each sample, processor time of the timed thread, or of the server, over elapsed time;
            empty where it was not measured.
        aim: for the median; None where the project wants nothing.
    """

    name: str
    title: str
    group: str
    unit: str
    samples: tuple[float, ...]
    processor_fraction: tuple[float, ...] = ()
    aim: Aim | None = None

    @property
    def summary(self) -> Summary:
        """Median and quartiles of the samples."""
        return summarise(self.samples)


@dataclass(frozen=True, slots=True)
class Ratio:
    """One figure over another, of the same run.

    Args:
        name: stable, for programs.
        title: for people.
        samples: one of each round: both figures of that round divided.
        aim: for the median; None where the project wants nothing.
    """

    name: str
    title: str
    samples: tuple[float, ...]
    aim: Aim | None = None

    @classmethod
    def between(cls, name: str, title: str, above: Result, below: Result, aim: Aim | None = None) -> Ratio:
        """Divide two results round by round."""
        return cls(name, title, tuple(paired_ratios(above.samples, below.samples)), aim)

    @property
    def summary(self) -> Summary:
        """Median and quartiles over the rounds."""
        return summarise(self.samples)


@dataclass(frozen=True, slots=True)
class Chart:
    """Results to be drawn side by side, as bars.

    Args:
        title: heading.
        axis: what the bars' height is, with its unit.
        categories: groups of bars, from left to right.
        series: name of each series, with one result for each category.
    """

    title: str
    axis: str
    categories: tuple[str, ...]
    series: dict[str, tuple[Result, ...]]


@dataclass(frozen=True, slots=True)
class Curves:
    """What changed in the course of a run, to be drawn as lines.

    Args:
        title: heading.
        axis: what the places are, for people.
        places: in rising order.
        values: by label with unit, one value for each place.
    """

    title: str
    axis: str
    places: tuple[float, ...]
    values: dict[str, tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that a scenario found. ``remarks`` are sentences for the report: conditions, checks that were made."""

    results: Sequence[Result] = ()
    ratios: Sequence[Ratio] = ()
    charts: Sequence[Chart | Curves] = ()
    remarks: Sequence[str] = ()

    def __add__(self, other: Outcome) -> Outcome:
        """Put the findings of two scenarios together, in order."""
        return Outcome(
            (*self.results, *other.results),
            (*self.ratios, *other.ratios),
            (*self.charts, *other.charts),
            (*self.remarks, *other.remarks),
        )
