"""The report for a person, on the terminal."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table as RichTable

from bench.harness.document import Run
from bench.harness.machine import Machine
from bench.harness.results import Outcome
from bench.harness.tables import HOW_TO_READ, MISSED, REACHED, Table, noise, ratio_table, result_tables

_COLOURS = {REACHED: "green", MISSED: "red"}


def print_machine(console: Console, machine: Machine, pinning: str) -> None:
    """Say what is measured on, before anything is."""
    table = RichTable(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in [*machine.lines(), ("pinned", pinning)]:
        table.add_row(name, value)
    console.print(table)
    console.print()


def print_report(console: Console, run: Run, outcome: Outcome) -> None:
    """Print every result, every ratio, and how noisy the machine was."""
    for table in result_tables(outcome):
        _print_table(console, table)
    if outcome.ratios:
        _print_table(console, ratio_table(outcome.ratios))
    for remark in (*outcome.remarks, noise(run)):
        console.print(f"- {remark}", highlight=False, markup=False)
    if outcome.results:
        console.print(f"\n{HOW_TO_READ}", highlight=False)


def _print_table(console: Console, table: Table) -> None:
    drawn = RichTable(title=table.title, title_justify="left", title_style="bold", header_style="", box=box.SIMPLE_HEAD)
    what, *figures = table.columns
    drawn.add_column(what, overflow="fold")
    for column in figures:
        drawn.add_column(column, justify="left" if column == "unit" else "right", no_wrap=True)
    for title, middle, *others in table.rows:
        cells = [f"[{_COLOURS[cell]}]{cell}[/]" if cell in _COLOURS else escape(cell) for cell in others]
        drawn.add_row(escape(title), f"[bold]{escape(middle)}[/]", *cells)
    console.print(drawn)
