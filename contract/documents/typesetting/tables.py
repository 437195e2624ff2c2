"""Tables as strips: a row is never divided, nor are rows with a cell across them; heads stand again on each page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Final

from contract.documents.draft import Cell, Row, Table
from contract.documents.typesetting.pages import Page, Part
from contract.documents.typesetting.paragraphs import (
    LEFT,
    TEXT_WIDTH,
    House,
    cell_width,
    set_in_cell,
    set_paragraph,
)
from contract.documents.typesetting.strips import BOTTOM, TOP, Strip

_BESIDE: Final = 5.0
_ABOVE: Final = 3.0
"""Between the lines of a table and its text, in points."""
_THIN, _THICK = 0.4, 0.9
_AFTER: Final = 9.0
_TALLEST_HEAD: Final = 0.3
"""Of a page: a taller head is not repeated."""
_NARROWEST: Final = 12.0


@dataclass(frozen=True, slots=True)
class _SetCell:
    """A cell with its lines; all lengths in points."""

    cell: Cell
    x: float
    width: float
    strips: tuple[Strip, ...]

    @property
    def height(self) -> float:
        return sum(each.height for each in self.strips) + 2 * _ABOVE


@dataclass(frozen=True, slots=True)
class _Band:
    """Rows that stand together, drawn."""

    cells: tuple[tuple[_SetCell, ...], ...]
    heights: tuple[float, ...]
    ruled: bool
    thick_above: bool
    thick_below: bool

    @property
    def height(self) -> float:
        return sum(self.heights)

    def draw(self, page: Page, y: float) -> None:
        tops = [y, *(y + each for each in accumulate(self.heights))]
        for number, row in enumerate(self.cells):
            for each in row:
                bottom = tops[min(number + each.cell.rows, len(self.heights))]
                self._draw_cell(page, each, tops[number], bottom - tops[number])
        if self.ruled:
            with page.artifact():
                self._draw_edges(page, tops)

    def _draw_cell(self, page: Page, cell: _SetCell, top: float, height: float) -> None:
        down = top + _ABOVE + (max(0.0, height - cell.height) / 2 if cell.cell.middle else 0.0)
        for strip in cell.strips:
            strip.draw(page, down)
            down += strip.height

    def _draw_edges(self, page: Page, tops: Sequence[float]) -> None:
        for number, row in enumerate(self.cells):
            for each in row:
                last = min(number + each.cell.rows, len(self.heights))
                top, bottom = tops[number], tops[last]
                above = _THICK if self.thick_above and number == 0 else _THIN
                below = _THICK if self.thick_below and last == len(self.heights) else _THIN
                page.box(each.x, top - above / 2, each.width, above)
                page.box(each.x, bottom - below / 2, each.width, below)
                for x in (each.x, each.x + each.width):
                    page.box(x - _THIN / 2, top - _THIN / 2, _THIN, bottom - top + _THIN)


def set_table(house: House, table: Table, document: Part) -> list[Strip]:
    """Set a table over the width of the text.

    A band of rows that is taller than a page is set as paragraphs, cell by cell: so its text keeps its order.

    Raises:
        MalformedInput: DRAFT_NOT_SETTABLE.
    """
    widths, part = _widths(house, table), document.add("Table")
    heads = [row for row in table.rows if row.head]
    repeated = _repeated_head(house, table, heads, widths)
    room = BOTTOM - TOP - (repeated.height if repeated else 0.0)
    strips: list[Strip] = []
    bands = list(_bands(table.rows))
    for number, rows in enumerate(bands):
        band = _set_band(
            house, table, rows, widths, part, thick_above=number == 0, thick_below=number == len(bands) - 1
        )
        if band.height > room:
            strips += _unrolled(house, rows, document)
            continue
        keep = number in (0, len(bands) - 2) and len(bands) > 1
        strips.append(Strip(band.height, band.draw, keep=keep or rows[0].head, head=None if rows[0].head else repeated))
    last = strips[-1]
    return [*strips[:-1], replace(last, height=last.height + _AFTER, keep=False)]


def _repeated_head(house: House, table: Table, heads: Sequence[Row], widths: Sequence[float]) -> Strip | None:
    if not heads:
        return None
    band = _set_band(house, table, heads, widths, None, thick_above=True, thick_below=False)
    return Strip(band.height, band.draw) if band.height <= _TALLEST_HEAD * (BOTTOM - TOP) else None


def _bands(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Rows that cells reach across belong together."""
    band: list[Row] = []
    left = 0
    for row in rows:
        band.append(row)
        left = max(left - 1, *(cell.rows - 1 for cell in row.cells), 0)
        if not left:
            yield band
            band = []
    if band:
        yield band


def _set_band(
    house: House,
    table: Table,
    rows: Sequence[Row],
    widths: Sequence[float],
    part: Part | None,
    *,
    thick_above: bool,
    thick_below: bool,
) -> _Band:
    edges = [LEFT, *(LEFT + each for each in accumulate(widths))]
    cells = []
    for row in rows:
        row_part = part.add("TR") if part else None
        set_cells = []
        for cell in row.cells:
            x = edges[cell.column]
            width = edges[min(cell.column + cell.columns, len(widths))] - x
            cell_part = row_part.add("TH" if row.head else "TD", cell.columns, cell.rows) if row_part else None
            set_cells.append(_SetCell(cell, x, width, tuple(_cell_strips(house, cell, row, x, width, cell_part))))
        cells.append(tuple(set_cells))
    return _Band(tuple(cells), tuple(_heights(cells)), table.ruled, thick_above, thick_below)


def _cell_strips(house: House, cell: Cell, row: Row, x: float, width: float, part: Part | None) -> Iterator[Strip]:
    for paragraph in cell.paragraphs:
        yield from set_in_cell(house, paragraph, x + _BESIDE, width - 2 * _BESIDE, part, bold=row.head)


def _heights(cells: Sequence[Sequence[_SetCell]]) -> list[float]:
    heights = [max((each.height for each in row if each.cell.rows == 1), default=0.0) for row in cells]
    for number, row in enumerate(cells):
        for each in row:
            last = min(number + each.cell.rows, len(cells)) - 1
            heights[last] += max(0.0, each.height - sum(heights[number : last + 1]))
    return [each or 2 * _ABOVE for each in heights]


def _unrolled(house: House, rows: Sequence[Row], document: Part) -> Iterator[Strip]:
    for row in rows:
        for cell in row.cells:
            for paragraph in cell.paragraphs:
                yield from set_paragraph(house, replace(paragraph, first=paragraph.first or 0.0), document)


def _widths(house: House, table: Table) -> list[float]:
    """Of the columns, in points: as the table says, else as the texts want, but none less than its longest word."""
    wanted, least = [_NARROWEST] * table.columns, [_NARROWEST] * table.columns
    for row in table.rows:
        for cell in row.cells:
            if cell.columns == 1:
                found = [cell_width(house, each) for each in cell.paragraphs]
                at = cell.column
                wanted[at] = max(wanted[at], *(each + 2 * _BESIDE for each, _ in found), 0.0)
                least[at] = max(least[at], *(each + 2 * _BESIDE for _, each in found), 0.0)
    if sum(least) >= TEXT_WIDTH:
        return [each * TEXT_WIDTH / sum(least) for each in least]
    if table.widths is not None:
        wanted = [each * TEXT_WIDTH / sum(table.widths) for each in table.widths]
        raised = [max(pair) for pair in zip(wanted, least, strict=True)]
        share = (TEXT_WIDTH - sum(least)) / ((sum(raised) - sum(least)) or 1.0)
        return [low + (high - low) * share for low, high in zip(least, raised, strict=True)]
    if sum(wanted) <= TEXT_WIDTH:
        spare = (TEXT_WIDTH - sum(wanted)) / sum(wanted)
        return [each * (1 + spare) for each in wanted]
    share = (TEXT_WIDTH - sum(least)) / (sum(wanted) - sum(least))
    return [low + (high - low) * share for low, high in zip(least, wanted, strict=True)]
