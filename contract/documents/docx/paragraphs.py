"""Paragraphs of a DOCX: their runs, and how they look by themselves and by their styles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from contract.documents.docx.numbering import Numbering
from contract.documents.draft import Align, Kind, Paragraph, Run
from contract.watermark.docx.parts import Element, W
from contract.watermark.docx.styles import Styles, is_on, value_of
from contract.watermark.docx.text import Piece

_ALIGNS: Final = {"center": Align.CENTER, "right": Align.RIGHT, "end": Align.RIGHT}
_SHIFTS: Final = {"superscript": 1, "subscript": -1}
_NOT_UNDERLINED: Final = (None, "none")
_HEADINGS: Final = range(9)
_TITLE: Final = "title"
_PAGE: Final = "page"
_DEFAULT_SIZE: Final = 20
"""In half points, of a text of which nothing says more (17.3.2.38)."""
_SMALLEST, _LARGEST = 0.75, 2.4
_NEARLY: Final = 0.1
"""Sizes that differ by less of the text's are taken for it."""
_TWIPS_PER_EM: Final = 210.0
_FARTHEST: Final = 20.0


@dataclass(frozen=True, slots=True)
class _Look:
    run: Run
    size: int


class ParagraphReader:
    """Reads paragraphs, in the order of the document: it counts the items of lists.

    Args:
        styles: of the document.
        numbering: of its lists.
        pieces: of its text, by paragraphs.
    """

    def __init__(self, styles: Styles, numbering: Numbering, pieces: Mapping[Element, Sequence[Piece]]) -> None:
        self._styles = styles
        self._numbering = numbering
        self._pieces = pieces
        self._looks: dict[Element, _Look] = {}
        sizes: Counter[int] = Counter()
        for paragraph, found in pieces.items():
            for each in found:
                sizes[self._look(paragraph, each).size] += len(each.text)
        self._size = sizes.most_common(1)[0][0] if sizes else _DEFAULT_SIZE

    def read(self, paragraph: Element) -> Iterator[Paragraph]:
        """The paragraph; more than one if pages end within it, none if it has no text."""
        parts: list[list[tuple[Run, int]]] = [[]]
        for piece in self._pieces.get(paragraph, ()):
            if piece.element.get(f"{W}type") == _PAGE:
                parts.append([])
                continue
            look = self._look(paragraph, piece)
            parts[-1].append((replace(look.run, text=piece.text), look.size))
        label, level = self._label(paragraph)
        new_page = is_on(self._styles.find_of_paragraph(paragraph, "pageBreakBefore")[0])
        for number, part in enumerate(parts):
            begins = number > 0 or new_page
            if not any(run.text.strip() for run, _ in part):
                if begins:
                    yield Paragraph((), new_page=True)
                continue
            yield self._paragraph(paragraph, part, label, level, new_page=begins)
            label = None if label is None else ""

    def _paragraph(
        self, paragraph: Element, part: Sequence[tuple[Run, int]], label: str | None, level: int, *, new_page: bool
    ) -> Paragraph:
        kind, heading = self._kind(paragraph)
        align = _ALIGNS.get(value_of(self._styles.find_of_paragraph(paragraph, "jc")[0]) or "", Align.LEFT)
        left, first = (0.0, 0.0) if label is not None else self._indents(paragraph)
        return Paragraph(
            _joined([run for run, _ in part]),
            kind,
            heading if kind is Kind.HEADING else level,
            align,
            label,
            left,
            first,
            self._scale(part) if kind is Kind.BODY else 1.0,
            new_page,
        )

    def _kind(self, paragraph: Element) -> tuple[Kind, int]:
        names = self._styles.names(value_of(paragraph.find(f"{W}pPr/{W}pStyle")))
        if names and names[0] == _TITLE:
            return Kind.TITLE, 0
        outline = value_of(self._styles.find_of_paragraph(paragraph, "outlineLvl")[0]) or ""
        if outline.isdecimal() and int(outline) in _HEADINGS:
            return Kind.HEADING, int(outline) + 1
        return Kind.BODY, 0

    def _label(self, paragraph: Element) -> tuple[str | None, int]:
        number, style = self._styles.find_of_paragraph(paragraph, "numPr")
        found = None if number is None else self._numbering.level(number, style)
        return (None, 0) if found is None else (self._numbering.label(*found), found[1])

    def _indents(self, paragraph: Element) -> tuple[float, float]:
        indent = self._styles.find_of_paragraph(paragraph, "ind")[0]
        if indent is None:
            return 0.0, 0.0
        left = _ems(indent, "left") or _ems(indent, "start")
        first = _ems(indent, "firstLine") - _ems(indent, "hanging")
        return min(max(left, 0.0), _FARTHEST), min(max(first, -_FARTHEST), _FARTHEST)

    def _scale(self, part: Sequence[tuple[Run, int]]) -> float:
        sizes: Counter[int] = Counter()
        for run, size in part:
            sizes[size] += len(run.text.strip())
        scale = sizes.most_common(1)[0][0] / self._size
        return 1.0 if abs(scale - 1) < _NEARLY else min(max(scale, _SMALLEST), _LARGEST)

    def _look(self, paragraph: Element, piece: Piece) -> _Look:
        run = next(piece.element.iterancestors(f"{W}r"), None)
        if run is None:
            return _Look(Run(""), _DEFAULT_SIZE)
        if run not in self._looks:
            style = value_of(paragraph.find(f"{W}pPr/{W}pStyle"))
            found = {
                name: self._styles.find(run, style, name)
                for name in ("b", "i", "u", "strike", "dstrike", "vertAlign", "sz")
            }
            size = value_of(found["sz"]) or ""
            look = Run(
                "",
                bold=is_on(found["b"]),
                italic=is_on(found["i"]),
                underline=value_of(found["u"]) not in _NOT_UNDERLINED,
                strike=is_on(found["strike"]) or is_on(found["dstrike"]),
                shift=_SHIFTS.get(value_of(found["vertAlign"]) or "", 0),
            )
            self._looks[run] = _Look(look, int(size) if size.isdecimal() and int(size) else _DEFAULT_SIZE)
        return self._looks[run]


def _joined(runs: Sequence[Run]) -> tuple[Run, ...]:
    """Runs of one look that stand side by side as one."""
    joined: list[Run] = []
    for run in runs:
        if joined and replace(joined[-1], text=run.text) == run:
            joined[-1] = replace(run, text=joined[-1].text + run.text)
        else:
            joined.append(run)
    return tuple(joined)


def _ems(indent: Element, name: str) -> float:
    """A length, in hundredths of a character or in twips (17.3.1.12)."""
    for attribute, unit in ((f"{name}Chars", 100.0), (name, _TWIPS_PER_EM)):
        try:
            length = float(indent.get(f"{W}{attribute}", "0"))
        except ValueError:
            continue
        if length:
            return length / unit
    return 0.0
