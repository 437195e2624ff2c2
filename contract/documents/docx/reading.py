"""A DOCX as a draft: all that ``DocxDocument`` takes for its text, in that order, with what it looks like.

What would be lost when it is set is refused: pictures, formulas, notes, objects. What stands in headers and footers is
set as small print at the end, once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from contract.documents.docx.numbering import Numbering
from contract.documents.docx.paragraphs import ParagraphReader
from contract.documents.draft import Align, Block, Cell, Kind, Paragraph, Row, Run, Table, text_of
from contract.documents.refusals import not_settable_part
from contract.documents.text import canonical_text
from contract.watermark.docx.document import DocxDocument
from contract.watermark.docx.package import Package
from contract.watermark.docx.parts import MC, OFFICE_DOCUMENT, Element, Relationships, W, parse
from contract.watermark.docx.styles import Styles, has_lines, is_on, value_of
from contract.watermark.docx.text import paragraphs
from contract.watermark.docx.text import text_of as text_of_pieces

_LOST: Final = {
    "pic": "a picture",
    "imagedata": "a picture",
    "chart": "a chart",
    "relIds": "a drawing",
    "oMath": "a formula",
    "object": "an object of another program",
    "footnoteReference": "footnotes",
    "endnoteReference": "endnotes",
}
_MARGINS: Final = ("header", "footer")
_MAX_COLUMNS: Final = 63
"""As many as Word allows."""
_LONGEST_TITLE: Final = 60
_RESTART: Final = "restart"
_CONTINUOUS: Final = "continuous"


def read_docx(data: bytes) -> tuple[str, tuple[Block, ...]]:
    """The text of a DOCX, and what is set of it.

    Raises:
        MalformedInput: DOCUMENT_*: it is no plain contract; DRAFT_UNSUPPORTED: something of it would be lost.
    """
    text = DocxDocument(data).text
    package = Package.read(data)
    main = Relationships(package, "").parts(OFFICE_DOCUMENT)[0]
    related = Relationships(package, main)
    root = parse(package, main)
    _require_settable(root)
    styles, numbering = (
        parse(package, names[0]) if (names := related.parts(kind)) else None for kind in ("styles", "numbering")
    )
    reader = _Reader(root, Styles(styles), Numbering(numbering))
    blocks = (*_titled(list(reader.blocks(root.find(f"{W}body")))), *_margins(package, related))
    if canonical_text(text_of(blocks)) != canonical_text(text):
        raise not_settable_part("text in an unusual place")
    return text, blocks


class _Reader:
    """Goes through the main part once."""

    def __init__(self, root: Element, styles: Styles, numbering: Numbering) -> None:
        self._styles = styles
        pieces = dict(paragraphs(root, page_numbers=True))
        self._paragraphs = ParagraphReader(styles, numbering, pieces)
        self._new_page = False

    def blocks(self, container: Element) -> Iterator[Block]:
        """The blocks below an element, in the order of the document."""
        for element in container:
            if element.tag == f"{W}p":
                yield from self._paragraph(element)
            elif element.tag == f"{W}tbl":
                yield from self._table(element)
            elif element.tag != f"{MC}Fallback" and isinstance(element.tag, str):
                yield from self.blocks(element)

    def _paragraph(self, element: Element) -> Iterator[Block]:
        for paragraph in self._paragraphs.read(element):
            if paragraph.text:
                yield replace(paragraph, new_page=paragraph.new_page or self._new_page)
                self._new_page = False
            else:
                self._new_page = True
        section = element.find(f"{W}pPr/{W}sectPr")
        if section is not None and value_of(section.find(f"{W}type")) != _CONTINUOUS:
            self._new_page = True
        for child in element:  # text boxes: their paragraphs come behind the one that holds them
            if child.tag != f"{W}pPr":
                yield from self.blocks(child) if len(child) else ()

    def _table(self, element: Element) -> Iterator[Block]:
        rows: list[list[Cell]] = []
        heads: list[bool] = []
        merged: dict[int, tuple[int, int]] = {}  # of each column: the row and the place there of the cell above
        for row in _below(element, "tr"):
            properties = row.find(f"{W}trPr")
            heads.append(properties is not None and is_on(properties.find(f"{W}tblHeader")))
            column = _span(None if properties is None else properties.find(f"{W}gridBefore"), 0)
            cells: list[Cell] = []
            for each in _below(row, "tc"):
                cell, merge = self._cell(each, column)
                column += cell.columns
                if merge is not None and merge != _RESTART and cell.column in merged:
                    if any(paragraph.text.strip() for paragraph in cell.paragraphs):
                        raise not_settable_part("text in a cell that another one covers")
                    above, place = merged[cell.column]
                    upper = rows[above][place]
                    rows[above][place] = replace(upper, rows=len(rows) - above + 1)
                    continue
                merged.pop(cell.column, None)
                if merge is not None:
                    merged[cell.column] = (len(rows), len(cells))
                cells.append(cell)
            rows.append(cells)
        yield from self._made(element, rows, heads)

    def _made(self, element: Element, rows: list[list[Cell]], heads: list[bool]) -> Iterator[Block]:
        columns = max((cell.column + cell.columns for row in rows for cell in row), default=0)
        if not columns:
            return
        if columns > _MAX_COLUMNS:
            raise not_settable_part(f"a table of more than {_MAX_COLUMNS} columns")
        grid = [_span(each, 0, "w") for each in element.findall(f"{W}tblGrid/{W}gridCol")]
        widths = tuple(map(float, grid)) if len(grid) == columns and all(each > 0 for each in grid) else None
        ruled = has_lines(element) or self._styles.rules(element)
        first = heads.index(False) if False in heads else 0  # heads are the first rows, and not all
        made = (Row(tuple(cells), number < first) for number, cells in enumerate(rows))
        if self._new_page:
            yield Paragraph((), new_page=True)
            self._new_page = False
        yield Table(tuple(made), columns, widths, ruled)

    def _cell(self, element: Element, column: int) -> tuple[Cell, str | None]:
        properties = element.find(f"{W}tcPr")
        columns, merge, middle = 1, None, False
        if properties is not None:
            columns = max(_span(properties.find(f"{W}gridSpan"), 1), 1)
            vertical = properties.find(f"{W}vMerge")
            merge = None if vertical is None else value_of(vertical) or ""
            middle = value_of(properties.find(f"{W}vAlign")) == "center"
        content: list[Paragraph] = []
        for block in self.blocks(element):
            if isinstance(block, Table):  # one within another: its cells one below the other
                content += [each for row in block.rows for cell in row.cells for each in cell.paragraphs]
            elif isinstance(block, Paragraph):
                content.append(replace(block, new_page=False))
        return Cell(tuple(content), column, columns, 1, middle), merge


def _require_settable(root: Element) -> None:
    for element in root.iter():
        if isinstance(element.tag, str):
            name = element.tag.rpartition("}")[2]
            if name in _LOST and next(element.iterancestors(f"{MC}Fallback"), None) is None:
                raise not_settable_part(_LOST[name])


def _below(element: Element, name: str) -> Iterator[Element]:
    """The rows of a table, or the cells of a row; also where content controls are around them."""
    for child in element:
        if child.tag == f"{W}{name}":
            yield child
        elif child.tag in (f"{W}sdt", f"{W}sdtContent", f"{W}customXml"):
            yield from _below(child, name)


def _span(element: Element | None, default: int, attribute: str = "val") -> int:
    try:
        return default if element is None else int(element.get(f"{W}{attribute}", default))
    except ValueError:
        return default


def _margins(package: Package, related: Relationships) -> Iterator[Paragraph]:
    texts = set()
    for name in (each for kind in _MARGINS for each in related.parts(kind)):
        found = (text_of_pieces(pieces) for _, pieces in paragraphs(parse(package, name), page_numbers=False))
        texts.add("\n".join(filter(None, found)))
    for text in sorted(filter(None, texts)):
        if text.strip():
            yield Paragraph((Run(text),), Kind.NOTE)


def _titled(blocks: list[Block]) -> list[Block]:
    """Take a short line in the middle that a draft begins with for its title, if no style says what is."""
    first = blocks[0] if blocks else None
    titled = any(isinstance(each, Paragraph) and each.kind is Kind.TITLE for each in blocks)
    if (
        isinstance(first, Paragraph)
        and not titled
        and first.align is Align.CENTER
        and len(first.text) <= _LONGEST_TITLE
        and (first.scale > 1 or all(run.bold for run in first.runs) or first.kind is Kind.HEADING)
    ):
        blocks[0] = replace(first, kind=Kind.TITLE, level=0, scale=1.0)
    return blocks
