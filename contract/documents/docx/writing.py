"""A draft as DOCX: few parts, few styles, nothing that others would have to guess. The same draft, the same bytes."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final
from xml.sax.saxutils import escape

from lxml import etree

from contract.documents.docx import fixed
from contract.documents.draft import Align, Block, Cell, Draft, Kind, Paragraph, Row, Rule, Run, Table
from contract.documents.typesetting.breaking import is_chinese
from contract.watermark.docx.parts import XML_SPACE, Element, W

_DATE: Final = (1980, 1, 1, 0, 0, 0)
"""The first that a zip file knows."""
_TWIPS_PER_EM: Final = 210
_WIDTH: Final = 8986
"""Of the text, in twips."""
_NUMBERED: Final = re.compile(r"(\d+)([.)])")
_DEEPEST: Final = 8
_BREAKS: Final = {"\n": "br", "\t": "tab"}
_CUT: Final = re.compile(r"([\n\t])")


def to_docx(draft: Draft) -> bytes:
    """Write a draft as DOCX, with the same text. Labels of lists become numbers and bullets that Word counts itself.

    Args:
        draft: in Markdown or plain text.
    """
    chinese = is_chinese(draft.text)
    document = etree.Element(f"{W}document", nsmap={"w": fixed.MAIN_NAMESPACE})
    body = etree.SubElement(document, f"{W}body")
    lists = _Lists()
    for block in draft.blocks:
        body.append(_block(block, lists, chinese=chinese))
    body.append(etree.fromstring(fixed.SECTION))
    parts = {
        "[Content_Types].xml": fixed.CONTENT_TYPES.encode(),
        "_rels/.rels": fixed.RELATIONS.encode(),
        "docProps/core.xml": fixed.core(escape(draft.title)).encode(),
        "word/document.xml": _xml(document),
        "word/_rels/document.xml.rels": fixed.DOCUMENT_RELATIONS.encode(),
        "word/styles.xml": fixed.styles(chinese=chinese).encode(),
        "word/numbering.xml": _xml(lists.part()),
        "word/footer1.xml": fixed.FOOTER.encode(),
    }
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as file:
        for name, content in parts.items():
            entry = zipfile.ZipInfo(name, _DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(entry, content)
    return written.getvalue()


@dataclass(slots=True)
class _Lists:
    """The lists of a document: each numbering that begins anew is one."""

    starts: list[tuple[int, int, str] | None] = field(default_factory=list)
    """Of each list: its depth, where it begins and what stands behind a number; None for bullets."""
    open: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Of each depth the list that goes on, and its last number."""

    def number_of(self, label: str, depth: int) -> int:
        """The list that an item is in, from 1."""
        found = _NUMBERED.fullmatch(label)
        wanted = int(found[1]) if found else 0
        number, last = self.open.get(depth, (0, -1))
        self.open = {each: value for each, value in self.open.items() if each < depth}
        if not number or wanted != last + bool(found):
            self.starts.append((depth, wanted, found[2]) if found else None)
            number = len(self.starts)
        self.open[depth] = (number, wanted)
        return number

    def end(self) -> None:
        """What follows is in no list."""
        self.open = {}

    def part(self) -> Element:
        """The part with all lists."""
        root = etree.Element(f"{W}numbering", nsmap={"w": fixed.MAIN_NAMESPACE})
        for number, start in enumerate(self.starts, 1):
            made = _sub(root, "abstractNum", abstractNumId=number)
            _sub(made, "multiLevelType", val="hybridMultilevel")
            for depth in range(_DEEPEST + 1):
                level = _sub(made, "lvl", ilvl=depth)
                _sub(level, "start", val=start[1] if start and start[0] == depth else 1)
                _sub(level, "numFmt", val="decimal" if start else "bullet")
                _sub(level, "lvlText", val=f"%{depth + 1}{start[2]}" if start else "•")
                _sub(level, "lvlJc", val="left")
                indent = _sub(level, "pPr")
                _sub(indent, "ind", left=(depth + 1) * 2 * _TWIPS_PER_EM, hanging=2 * _TWIPS_PER_EM)
        for number in range(1, len(self.starts) + 1):
            _sub(_sub(root, "num", numId=number), "abstractNumId", val=number)
        return root


def _block(block: Block, lists: _Lists, *, chinese: bool) -> Element:
    if isinstance(block, Table):
        lists.end()
        return _table(block)
    if isinstance(block, Rule):
        lists.end()
        paragraph = etree.Element(f"{W}p")
        edges = _sub(_sub(paragraph, "pPr"), "pBdr")
        _sub(edges, "bottom", val="single", sz=4, space=1, color="auto")
        return paragraph
    return _paragraph(block, lists, chinese=chinese)


def _paragraph(paragraph: Paragraph, lists: _Lists, *, chinese: bool) -> Element:
    element = etree.Element(f"{W}p")
    properties = _sub(element, "pPr")
    styles = {Kind.TITLE: "Title", Kind.QUOTE: "Quote", Kind.HEADING: f"Heading{min(paragraph.level, 6)}"}
    if paragraph.kind in styles:
        _sub(properties, "pStyle", val=styles[paragraph.kind])
    if paragraph.new_page:
        _sub(properties, "pageBreakBefore")
    if paragraph.label:
        depth = min(paragraph.level, _DEEPEST) if paragraph.kind is not Kind.HEADING else 0
        number = _sub(properties, "numPr")
        _sub(number, "ilvl", val=depth)
        _sub(number, "numId", val=lists.number_of(paragraph.label, depth))
    elif paragraph.label is not None:
        _sub(properties, "ind", left=(paragraph.level + 1) * 2 * _TWIPS_PER_EM)
    else:
        lists.end()
        first = paragraph.first
        if first is None:
            first = 2.0 if chinese and paragraph.kind is Kind.BODY and paragraph.align is Align.LEFT else 0.0
        if first or paragraph.left:
            indent = {"left": round(paragraph.left * _TWIPS_PER_EM)} if paragraph.left else {}
            side = "firstLine" if first >= 0 else "hanging"
            _sub(properties, "ind", **indent, **{side: round(abs(first) * _TWIPS_PER_EM)})
    if paragraph.align is not Align.LEFT and paragraph.kind is not Kind.TITLE:
        _sub(properties, "jc", val=paragraph.align.value)
    _add_runs(element, paragraph.runs)
    return element


def _add_runs(paragraph: Element, runs: Sequence[Run], *, bold: bool = False) -> None:
    for run in runs:
        element = _sub(paragraph, "r")
        properties = _sub(element, "rPr")
        for name, wanted in (("b", run.bold or bold), ("i", run.italic), ("strike", run.strike)):
            if wanted:
                _sub(properties, name)
        if run.underline:
            _sub(properties, "u", val="single")
        if run.shift:
            _sub(properties, "vertAlign", val="superscript" if run.shift > 0 else "subscript")
        if not len(properties):
            element.remove(properties)
        for text in filter(None, _CUT.split(run.text)):
            if text in _BREAKS:
                _sub(element, _BREAKS[text])
            else:
                added = _sub(element, "t")
                added.text = text
                added.set(XML_SPACE, "preserve")


def _table(table: Table) -> Element:
    element = etree.Element(f"{W}tbl")
    properties = _sub(element, "tblPr")
    if table.ruled:
        _sub(properties, "tblStyle", val="TableGrid")
    _sub(properties, "tblW", w=_WIDTH, type="dxa")
    grid = _sub(element, "tblGrid")
    widths = _widths(table)
    for width in widths:
        _sub(grid, "gridCol", w=width)
    for row in table.rows:
        _add_row(element, row, widths)
    return element


def _add_row(table: Element, row: Row, widths: Sequence[int]) -> None:
    element = _sub(table, "tr")
    properties = _sub(element, "trPr")
    _sub(properties, "cantSplit")
    if row.head:
        _sub(properties, "tblHeader")
    for cell in row.cells:
        added = _sub(element, "tc")
        look = _sub(added, "tcPr")
        _sub(look, "tcW", w=sum(widths[cell.column : cell.column + cell.columns]), type="dxa")
        if cell.columns > 1:
            _sub(look, "gridSpan", val=cell.columns)
        if cell.middle:
            _sub(look, "vAlign", val="center")
        for paragraph in cell.paragraphs or (Paragraph(()),):
            made = _sub(added, "p")
            said = _sub(made, "pPr")
            _sub(said, "spacing", before=40, after=40)
            if paragraph.align is not Align.LEFT:
                _sub(said, "jc", val=paragraph.align.value)
            _add_runs(made, paragraph.runs, bold=row.head)


def _widths(table: Table) -> list[int]:
    """In twips; by the lengths of the texts, within reason."""
    lengths = list(_longest(table)) if table.widths is None else list(table.widths)
    return [round(each * _WIDTH / sum(lengths)) for each in lengths]


def _longest(table: Table) -> Iterator[float]:
    for column in range(table.columns):
        cells = [cell for row in table.rows for cell in row.cells if cell.column == column and cell.columns == 1]
        yield min(max(4.0, *map(_length, cells)) if cells else 4.0, 24.0) + 2.0


def _length(cell: Cell) -> float:
    """In ems, about."""
    lines = (line for paragraph in cell.paragraphs for line in paragraph.text.split("\n"))
    return max((sum(1.0 if ord(each) > 0x2E7F else 0.55 for each in line) for line in lines), default=0.0)  # noqa: PLR2004


def _sub(above: Element, name: str, **attributes: str | int) -> Element:
    return etree.SubElement(above, f"{W}{name}", {f"{W}{key}": str(value) for key, value in attributes.items()})


def _xml(root: Element) -> bytes:
    written: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)
    return written
