"""Tables and picture of the survival battery: beside the report, and in docs/watermark.md between two marks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

from bench.errors import BenchFailed
from bench.harness.document import Run, write_document
from bench.harness.markdown import section
from bench.harness.results import Outcome
from bench.harness.tables import Table, result_tables
from bench.watermark.plot import draw
from bench.watermark.specimens import DOCX_BOTH, PDF_BOTH
from bench.watermark.survey import NOTE, details, overview, to_json
from bench.watermark.trials import Row

BEGIN: Final = "<!-- written by make bench-watermark, from here -->"
END: Final = "<!-- to here -->"
_PICTURE: Final = "watermark-survival.svg"
_TEXT: Final = "chinese"


def write_survival(folder: Path, run: Run, rows: Sequence[Row], console: Console) -> None:
    """Write every trial as JSON, the tables as Markdown, and the picture."""
    stem = folder / "watermark-survival"
    document: dict[str, object] = {
        "started": run.started.isoformat(),
        "machine": run.machine.as_dict(),
        "rows": to_json(rows),
    }
    write_document(stem.with_suffix(".json"), document)
    draw(stem.with_suffix(".svg"), rows)
    stem.with_suffix(".md").write_text("\n".join(_tables(rows)) + "\n", encoding="utf-8")
    console.print(f"What survives: {stem}.md, .svg and .json", highlight=False, soft_wrap=True)


def write_page(page: Path, run: Run, outcome: Outcome, rows: Sequence[Row]) -> None:
    """Write tables and picture into a page, between its marks; the picture goes beside it.

    Raises:
        BenchFailed: the page has no marks.
    """
    text = page.read_text(encoding="utf-8")
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise BenchFailed(f"{page} does not say where the table goes: {BEGIN}")
    draw(page.with_name(_PICTURE), rows)
    made = "\n".join(_lines(run, outcome, rows))
    page.write_text(f"{head}{BEGIN}\n{made}\n{END}{tail}", encoding="utf-8")


def _lines(run: Run, outcome: Outcome, rows: Sequence[Row]) -> Iterator[str]:
    yield f"\n![What watermarks survive, by attack and contract]({_PICTURE})"
    yield from _tables(rows)
    for table in result_tables(outcome):
        yield from section(_short(table), level=3)
    machine = run.machine
    yield f"\nMeasured on {run.started:%Y-%m-%d}: {machine.processor}, {machine.cores} cores, {machine.python}.\n"


def _tables(rows: Sequence[Row]) -> Iterator[str]:
    yield f"\n{NOTE}"
    for table in (overview(rows, "docx"), overview(rows, "pdf")):
        yield from section(table, level=3)
    for kind in (DOCX_BOTH, PDF_BOTH):
        yield from section(details(rows, kind, _TEXT), level=3)


def _short(table: Table) -> Table:
    """Without the columns that say nothing of a figure that was measured once."""
    kept = [number for number, column in enumerate(table.columns) if column not in ("quartiles", "spread", "n", "CPU")]
    rows = [[row[number] for number in kept] for row in table.rows]
    columns = ["figure" if table.columns[number] == "median" else table.columns[number] for number in kept]
    return Table(table.title, columns, rows)
