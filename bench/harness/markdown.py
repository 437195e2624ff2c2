"""The report for a person, as a Markdown file: to be kept, sent, and read where it can be seen with its pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.harness.document import Run
from bench.harness.results import Outcome
from bench.harness.tables import HOW_TO_READ, Table, noise, ratio_table, result_tables

_LEFT = ("what", "value", "unit", "what is done to the file")  # columns of text


def to_markdown(run: Run, outcome: Outcome, document: str, picture: str) -> str:
    """Write the report.

    Args:
        run: its circumstances.
        outcome: what was found.
        document: name of the JSON file beside it.
        picture: name of the PNG file beside it.
    """
    return "\n".join(_lines(run, outcome, document, picture)) + "\n"


def _lines(run: Run, outcome: Outcome, document: str, picture: str) -> Iterator[str]:
    yield f"# Fourseal {run.kind} ({run.plan}), {run.started:%Y-%m-%d %H:%M} UTC"
    yield f"\nEvery sample is in [{document}]({document}).\n"
    yield HOW_TO_READ
    if outcome.ratios:
        yield from section(ratio_table(outcome.ratios))
        yield "\nAn aim is what the project wants the median to be, at least (>=) or at most (<=)."
    yield f"\n![Ratios and figures, with quartiles]({picture})"
    for table in result_tables(outcome):
        yield from section(table)
    machine = [*run.machine.lines(), ("pinned", run.pinning)]
    yield from section(Table("Machine", ("what", "value"), machine))
    yield "\n## Remarks\n"
    for remark in (*outcome.remarks, noise(run)):
        yield f"- {remark}"


def section(table: Table, level: int = 2) -> Iterator[str]:
    """A table below its heading."""
    yield f"\n{'#' * level} {table.title}\n"
    yield _row(table.columns)
    yield _row(["---" if column in _LEFT else "---:" for column in table.columns])
    yield from map(_row, table.rows)


def _row(cells: Sequence[str]) -> str:
    return " ".join(("|", " | ".join(cell.replace("|", "\\|") for cell in cells), "|"))
