"""What a DOCX says: the text of its parts, in pieces that lead back to their elements.

Paragraphs in the order of the part, those of text boxes behind the paragraph that holds the box; what stands there
only for older programs (``mc:Fallback``) is left out. docs/formats.md has the rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from contract.watermark.docx.parts import MC, XML_SPACE, Element, W
from contract.watermark.refusals import malformed

_MATH_TEXT: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/math}t"
_XML_WHITESPACE: Final = " \t\r\n"
_FIXED: Final = {
    f"{W}tab": "\t",
    f"{W}ptab": "\t",
    f"{W}br": "\n",
    f"{W}cr": "\n",
    f"{W}noBreakHyphen": "\u2011",
}
_NOT_BELOW: Final = frozenset({f"{W}p", f"{W}pPr", f"{W}rPr", f"{MC}Fallback"})
_MAX_FIELDS: Final = 32
"""One in another."""
_PAGE_NUMBERS: Final = ("PAGE", "NUMPAGES", "SECTIONPAGES")


@dataclass(frozen=True, slots=True)
class Piece:
    """Text of one element.

    Args:
        element: that has it.
        text: without the white space that does not count.
    """

    element: Element
    text: str

    @property
    def run(self) -> Element | None:
        """The run whose text it is; None where its characters cannot be marked."""
        run = self.element.getparent()
        return run if self.element.tag == f"{W}t" and run.tag == f"{W}r" else None


def paragraphs(root: Element, *, page_numbers: bool) -> Iterator[tuple[Element, list[Piece]]]:
    """Every paragraph of a part, with its text.

    Args:
        root: of the part.
        page_numbers: whether numbers of pages are text. In headers and footers they are not: they change by themselves.

    Raises:
        MalformedInput: DOCUMENT_MALFORMED.
    """
    for paragraph in root.iter(f"{W}p"):
        if next(paragraph.iterancestors(f"{MC}Fallback"), None) is None:
            yield paragraph, list(_pieces(paragraph, page_numbers=page_numbers))


def text_of(pieces: list[Piece]) -> str:
    """The text of a paragraph."""
    return "".join(each.text for each in pieces)


def _pieces(paragraph: Element, *, page_numbers: bool) -> Iterator[Piece]:
    fields: list[list[str]] = []  # of each open one: "instruction" or "result", and the instruction so far
    for element in _below(paragraph, page_numbers=page_numbers):
        if element.tag == f"{W}fldChar":
            _follow(fields, element.get(f"{W}fldCharType"))
        elif element.tag == f"{W}instrText" and fields:
            fields[-1][1] += element.text or ""
        elif page_numbers or not any(state == "result" and _is_page_number(said) for state, said in fields):
            text = _text(element)
            if text:
                yield Piece(element, text)


def _below(element: Element, *, page_numbers: bool) -> Iterator[Element]:
    for child in element:
        if child.tag in _NOT_BELOW or not isinstance(child.tag, str):
            continue
        if child.tag == f"{W}fldSimple" and not page_numbers and _is_page_number(child.get(f"{W}instr", "")):
            continue
        yield child
        if len(child):
            yield from _below(child, page_numbers=page_numbers)


def _follow(fields: list[list[str]], kind: str | None) -> None:
    if kind == "begin":
        if len(fields) == _MAX_FIELDS:
            raise malformed("it has fields in fields without end")
        fields.append(["instruction", ""])
    elif kind == "separate" and fields:
        fields[-1][0] = "result"
    elif kind == "end" and fields:
        fields.pop()


def _is_page_number(instruction: str) -> bool:
    return instruction.strip().upper().partition(" ")[0] in _PAGE_NUMBERS


def _text(element: Element) -> str:
    if element.tag in (f"{W}t", _MATH_TEXT):
        if len(element):  # word processors show what stands behind it
            raise malformed("it has something in the middle of a text")
        text = element.text or ""
        return text if element.get(XML_SPACE) == "preserve" else text.strip(_XML_WHITESPACE)
    if element.tag == f"{W}sym":
        try:
            return chr(int(element.get(f"{W}char", ""), 16)).encode(errors="replace").decode()  # a half of a pair
        except (ValueError, OverflowError):
            return "\ufffd"
    return _FIXED.get(element.tag, "")
