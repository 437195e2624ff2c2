"""How commands show things: a table for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text


def show_json(content: object) -> None:
    """One JSON document to standard output."""
    sys.stdout.write(json.dumps(content, indent=2) + "\n")


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table to standard output."""
    Console().print(table_of(title, columns, rows))


def table_of(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """A table, for a view that is shown anew."""
    table = Table(title=Text(title, style="table.title"), title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))  # no markup: a name may look like some
    return table


def show_line(text: str) -> None:
    """A line to standard output, as it is."""
    Console().print(text, markup=False, highlight=False, soft_wrap=True)
