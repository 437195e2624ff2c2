"""A draft as what is set of it: paragraphs and tables, whatever the format that it was written in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum


class DraftFormat(Enum):
    """What drafts are written in. The value is the ending of a file's name."""

    DOCX = "docx"
    MARKDOWN = "md"
    PLAIN = "txt"


class Kind(Enum):
    """What a paragraph is for."""

    TITLE = "title"
    HEADING = "heading"
    BODY = "body"
    QUOTE = "quote"
    NOTE = "note"
    """A footnote, or what stood in the margins: small print at the end."""


class Align(Enum):
    """Where the lines of a paragraph stand."""

    LEFT = "left"
    CENTER = "center"
    RIGHT = "right"


@dataclass(frozen=True, slots=True)
class Run:
    """Text of one look.

    Args:
        text: may have line feeds, which end lines, and tabs.
        bold: weight.
        italic: posture.
        underline: a line below.
        strike: a line through it.
        shift: 1 for superscript, -1 for subscript, else 0.
    """

    text: str
    bold: bool = False
    italic: bool = False
    underline: bool = False
    strike: bool = False
    shift: int = 0


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph.

    Args:
        runs: its text.
        kind: what it is for.
        level: of a heading, 1 to 9; of others how deep its list is nested, from 0.
        align: of its lines.
        label: its number or bullet in a list; it is no text of the draft. None if it is in no list.
        left: how far it is indented, in em.
        first: how much farther its first line is, in em; negative hangs out. None: as the house style has it.
        scale: size of its characters, 1 being that of the text.
        new_page: whether it begins a page.
    """

    runs: tuple[Run, ...]
    kind: Kind = Kind.BODY
    level: int = 0
    align: Align = Align.LEFT
    label: str | None = None
    left: float = 0
    first: float | None = None
    scale: float = 1
    new_page: bool = False

    @property
    def text(self) -> str:
        """Its text, without the label."""
        return "".join(run.text for run in self.runs)


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table.

    Args:
        paragraphs: its text.
        column: where it begins, from 0.
        columns: how many it spans.
        rows: how many it spans, from the one that it stands in.
        middle: whether its text stands in the middle of its height, not at the top.
    """

    paragraphs: tuple[Paragraph, ...]
    column: int
    columns: int = 1
    rows: int = 1
    middle: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table: the cells that begin in it.

    Args:
        cells: from left to right.
        head: whether it is repeated on each page.
    """

    cells: tuple[Cell, ...]
    head: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Args:
        rows: from top to bottom; at least one.
        widths: of its columns, in proportion; None: as their texts want.
        columns: how many there are.
        ruled: whether there are lines between its cells.
    """

    rows: tuple[Row, ...]
    columns: int
    widths: tuple[float, ...] | None = None
    ruled: bool = True


@dataclass(frozen=True, slots=True)
class Rule:
    """A line across the page."""


Block = Paragraph | Table | Rule


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft that was read.

    Args:
        form: what it is written in.
        text: all of it, paragraphs separated by line feeds.
        blocks: what is set of it, in the order of the text.
        title: what to call it.
    """

    form: DraftFormat
    text: str
    blocks: tuple[Block, ...]
    title: str


def paragraphs(blocks: tuple[Block, ...]) -> Iterator[Paragraph]:
    """Every paragraph, also those in tables, in the order of the text."""
    for block in blocks:
        if isinstance(block, Paragraph):
            yield block
        elif isinstance(block, Table):
            for row in block.rows:
                for cell in row.cells:
                    yield from cell.paragraphs


def text_of(blocks: tuple[Block, ...]) -> str:
    """The text of blocks, paragraphs separated by line feeds."""
    return "\n".join(each.text for each in paragraphs(blocks))
