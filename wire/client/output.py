"""What commands show: tables for people, JSON for programs, questions and progress on standard error.

Text that came from elsewhere (a server, a file name) is shown without control characters: it could move the cursor, and
show another thing than is signed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from contract.report import Outcome
from mpc.errors import FoursealError
from wire.catalogue import CATALOGUE, ServiceError, render
from wire.status import RemoteError

INCOMPLETE: Final = 3
"""Exit status of a list that lacks something, or has something in it that does not hold."""
EXIT_STATUS: Final = {Outcome.PASSED: 0, Outcome.FAILED: 1, Outcome.INDETERMINATE: 3}
"""Of a verification: it holds, it does not, it cannot be said with what is at hand."""
_WIDTH_OF_A_FILE: Final = 200
_ANY_WIDTH: Final = 100_000


class Output:
    """Where and how the command that runs shows things."""

    def __init__(self) -> None:
        self.as_json = False

    def show(self, content: object, rows: Sequence[tuple[str, str]]) -> None:
        """Show one thing: its content for programs, names and values for people."""
        if self.as_json:
            print_json(content)
            return
        width = max(len(name) for name, _ in rows)
        for name, value in rows:
            line = Text(f"{name:<{width}}  ", style="bold").append_text(safe_text(value))
            Console(highlight=False).print(line, soft_wrap=True)

    def show_table(self, content: object, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Show a list: its content for programs, a table for people; its rows one by one where words would be cut."""
        if self.as_json:
            print_json(content)
            return
        table = Table()
        for column in columns:
            table.add_column(column, overflow="fold", no_wrap=column == columns[0])
        for row in rows:
            table.add_row(*map(safe_text, row))
        target = Console(width=None if sys.stdout.isatty() else _WIDTH_OF_A_FILE)
        if target.measure(table, options=target.options.update(width=_ANY_WIDTH)).minimum <= target.width:
            target.print(table)
            return
        for row in rows:
            target.print(_named_values(columns, row), "")

    def show_line(self, content: object) -> None:
        """Tell programs one thing of many, a line each, as soon as it is known; nothing for people."""
        if self.as_json:
            typer.echo(json.dumps(content))

    def note(self, *lines: str) -> None:
        """Tell a person something, on standard error; nothing for programs."""
        if not self.as_json:
            for line in lines:
                console().print(safe_text(line), soft_wrap=True)

    @contextmanager
    def progress(self, text: str) -> Iterator[Callable[[str], None]]:
        """Show on a terminal what is being done; yields a function that says what comes next."""
        terminal = console()
        if self.as_json or not terminal.is_terminal:
            yield lambda _: None
            return
        with terminal.status(safe_text(text)) as status:
            yield lambda step: status.update(safe_text(step))

    def confirm(self, question: str, *, yes: bool) -> None:
        """Ask a person, unless the command line said yes already.

        Raises:
            ServiceError: NOT_CONFIRMED: the answer is no, or nobody can be asked.
        """
        if yes:
            return
        if not sys.stdin.isatty() or not typer.confirm(question, err=True):
            raise ServiceError("NOT_CONFIRMED")

    def show_error(self, error: FoursealError) -> None:
        """Say what is wrong and what to do, on standard error."""
        if self.as_json:
            typer.echo(json.dumps({"error": error_json(error)}), err=True)
            return
        console().print(Text("Error: ", style="bold red"), safe_text(message_of(error)), sep="", soft_wrap=True)
        culprit = error.metadata.get("culprit")
        blame = f"; to blame: the {culprit}" if culprit else ""
        console().print(safe_text(f"Reason: {error.reason}{blame}"), style="dim", soft_wrap=True)


def _named_values(columns: Sequence[str], row: Sequence[str]) -> Table:
    """One row of a list, a line a value. A long value stays in its column: it could pass for another line."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True, style="bold")
    grid.add_column(overflow="fold")
    for column, value in zip(columns, row, strict=True):
        if value:
            grid.add_row(column, safe_text(value))
    return grid


OUTPUT: Final = Output()
"""Of this process. ``--json`` sets it."""


def console() -> Console:
    """Standard error, for what is not the result."""
    return Console(stderr=True, highlight=False)


def message_of(error: FoursealError) -> str:
    """What is wrong and what to do, as the catalogue says it, or as the other end said it."""
    if isinstance(error, RemoteError) or error.reason not in CATALOGUE:
        return str(error)
    return render(CATALOGUE[error.reason], dict(error.metadata))


def error_json(error: FoursealError) -> dict[str, object]:
    """An error for programs."""
    return {"reason": error.reason, "message": message_of(error), "metadata": error.metadata}


def print_json(content: object) -> None:
    """One JSON document to standard output."""
    typer.echo(json.dumps(content, indent=2))


def safe_text(text: str) -> Text:
    """One line of text without control characters, and without markup. A new line could pass for one of ours."""
    return Text("".join(character if character.isprintable() else "?" for character in text))
