"""The report for a person, on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from statistics import median

from rich import box
from rich.console import Console
from rich.table import Table

from bench.harness.document import Run
from bench.harness.machine import Machine
from bench.harness.results import Outcome, Ratio, Result
from bench.harness.statistics import Summary

HOW_TO_READ = (
    "How to read it. A sample is one round of a figure; median, quartiles and spread (the distance of the quartiles, "
    "in percent of the median) are over the rounds. Slices of figures that are compared alternate within a round, "
    "after one untimed slice of each; a ratio is taken within each round, and its median is shown. CPU is the "
    "processor time of the timed thread, or of the server, over elapsed time: what lacks of 100 % was waiting, or went "
    "to others."
)
_NOISY = 0.1


def print_machine(console: Console, machine: Machine, pinning: str) -> None:
    """Say what is measured on, before anything is."""
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in [*machine.lines(), ("pinned", pinning)]:
        table.add_row(name, value)
    console.print(table)
    console.print()


def print_report(console: Console, run: Run, outcome: Outcome) -> None:
    """Print every result, every ratio, and how noisy the machine was."""
    for group, results in groupby(outcome.results, key=lambda result: result.group):
        console.print(_result_table(group, list(results)))
    if outcome.ratios:
        console.print(_ratio_table(outcome.ratios))
    for remark in outcome.remarks:
        console.print(f"- {remark}", highlight=False)
    console.print(f"- {_noise(run)}", highlight=False)
    if outcome.results:
        console.print(f"\n{HOW_TO_READ}", highlight=False)


def format_value(value: float) -> str:
    """Write a number with some four significant digits, without an exponent."""
    whole = len(str(int(abs(value)))) if abs(value) >= 1 else 0
    return f"{value:,.{max(0, 4 - whole)}f}"


def _result_table(group: str, results: Sequence[Result]) -> Table:
    table = Table(title=group, title_justify="left", title_style="bold", header_style="", box=box.SIMPLE_HEAD)
    table.add_column("what", overflow="fold")
    has_aims = any(result.aim for result in results)
    for heading in ("median", "unit", "quartiles", "spread", "n", "CPU", *(("aim", "") if has_aims else ())):
        table.add_column(heading, justify="left" if heading == "unit" else "right", no_wrap=True)
    for result in results:
        summary = result.summary
        fraction = f"{median(result.processor_fraction):.0%}" if result.processor_fraction else ""
        table.add_row(
            result.title,
            f"[bold]{format_value(summary.median)}[/]",
            result.unit,
            *_distribution(summary),
            fraction,
            *(_verdict(result) if has_aims else ()),
        )
    return table


def _distribution(summary: Summary) -> tuple[str, str, str]:
    """Return quartiles, spread and number of samples; of a single sample there is only the number."""
    if summary.count == 1:
        return "", "", "1"
    quartiles = f"{format_value(summary.lower_quartile)} - {format_value(summary.upper_quartile)}"
    return quartiles, f"{summary.spread:.1%}", str(summary.count)


def _ratio_table(ratios: Sequence[Ratio]) -> Table:
    table = Table(title="Ratios", title_justify="left", title_style="bold", header_style="", box=box.SIMPLE_HEAD)
    table.add_column("what", overflow="fold")
    for heading in ("median", "quartiles", "n", "aim", ""):
        table.add_column(heading, justify="right", no_wrap=True)
    for ratio in ratios:
        summary = ratio.summary
        table.add_row(
            ratio.title,
            f"[bold]{summary.median:.3f}[/]",
            f"{summary.lower_quartile:.3f} - {summary.upper_quartile:.3f}",
            str(summary.count),
            *_verdict(ratio),
        )
    return table


def _verdict(figure: Result | Ratio) -> tuple[str, str]:
    """Aim and verdict."""
    if figure.aim is None:
        return "", ""
    return str(figure.aim), "[green]reached[/]" if figure.aim.is_reached(figure.summary.median) else "[red]missed[/]"


def _noise(run: Run) -> str:
    text = (
        f"The run took {run.seconds:.0f} s. Meanwhile other processes and the host took {run.disturbance:.0%} of the "
        f"machine's {run.machine.cores} cores (host alone: {run.stolen_processor_seconds:.1f} s)."
    )
    return f"{text} That is much: repeat it on a quiet machine." if run.disturbance > _NOISY else text
