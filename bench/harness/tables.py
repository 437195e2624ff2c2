"""What the report says in tables and sentences, for every form that it is written in: a terminal, Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median

from bench.harness.document import Run
from bench.harness.results import Outcome, Ratio, Result
from bench.harness.statistics import Summary

HOW_TO_READ = (
    "How to read it. A sample is one round of a figure; median, quartiles and spread (the distance of the quartiles, "
    "in percent of the median) are over the rounds. Slices of figures that are compared alternate within a round, "
    "after one untimed slice of each; a ratio is taken within each round, and its median is shown. CPU is the "
    "processor time of the timed thread, or of the server, over elapsed time: what lacks of 100 % was waiting, or went "
    "to others."
)
REACHED, MISSED = "reached", "missed"
_NOISY = 0.1


@dataclass(frozen=True, slots=True)
class Table:
    """Figures of one kind.

    Args:
        title: heading.
        columns: their headings. The first one says what, the second one how much; "unit" is text, the others figures.
        rows: one cell for each column.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def result_tables(outcome: Outcome) -> Iterator[Table]:
    """Return one table for each group, in their order."""
    for group, results in groupby(outcome.results, key=lambda result: result.group):
        yield _result_table(group, list(results))


def ratio_table(ratios: Sequence[Ratio]) -> Table:
    """Return all ratios, with their aims."""
    rows = [
        (
            ratio.title,
            f"{ratio.summary.median:.3f}",
            f"{ratio.summary.lower_quartile:.3f} - {ratio.summary.upper_quartile:.3f}",
            str(ratio.summary.count),
            *_verdict(ratio),
        )
        for ratio in ratios
    ]
    return Table("Ratios", ("what", "median", "quartiles", "n", "aim", ""), rows)


def noise(run: Run) -> str:
    """Say how long the run took and how much others disturbed it."""
    text = (
        f"The run took {run.seconds:.0f} s. Meanwhile other processes and the host took {run.disturbance:.0%} of the "
        f"machine's {run.machine.cores} cores (host alone: {run.stolen_processor_seconds:.1f} s)."
    )
    return f"{text} That is much: repeat it on a quiet machine." if run.disturbance > _NOISY else text


def format_value(value: float) -> str:
    """Write a number with some four significant digits, without an exponent."""
    whole = len(str(int(abs(value)))) if abs(value) >= 1 else 0
    return f"{value:,.{max(0, 4 - whole)}f}"


def _result_table(group: str, results: Sequence[Result]) -> Table:
    has_aims = any(result.aim for result in results)
    columns = ("what", "median", "unit", "quartiles", "spread", "n", "CPU", *(("aim", "") if has_aims else ()))
    rows = [
        (
            result.title,
            format_value(result.summary.median),
            result.unit,
            *_distribution(result.summary),
            f"{median(result.processor_fraction):.0%}" if result.processor_fraction else "",
            *(_verdict(result) if has_aims else ()),
        )
        for result in results
    ]
    return Table(group, columns, rows)


def _distribution(summary: Summary) -> tuple[str, str, str]:
    """Return quartiles, spread and number of samples; of a single sample there is only the number."""
    if summary.count == 1:
        return "", "", "1"
    quartiles = f"{format_value(summary.lower_quartile)} - {format_value(summary.upper_quartile)}"
    return quartiles, f"{summary.spread:.1%}", str(summary.count)


def _verdict(figure: Result | Ratio) -> tuple[str, str]:
    """Aim and verdict."""
    if figure.aim is None:
        return "", ""
    return str(figure.aim), REACHED if figure.aim.is_reached(figure.summary.median) else MISSED
