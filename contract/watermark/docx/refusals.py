"""What is no plain contract as DOCX: refused before anything is read or marked."""

from __future__ import annotations

from typing import Final

from contract.watermark.docx.package import Package
from contract.watermark.docx.parts import Element, Relationships, W, content_type, is_external, require_plain
from contract.watermark.refusals import active, deceptive, malformed
from mpc.errors import MalformedInput

_PLAIN_TYPE: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_TRACKED: Final = frozenset(
    f"{W}{name}"
    for name in (
        *("ins", "del", "moveFrom", "moveTo", "delText", "delInstrText", "cellIns", "cellDel", "cellMerge"),
        *("rPrChange", "pPrChange", "sectPrChange", "tblPrChange", "tblPrExChange", "trPrChange", "tcPrChange"),
        *("tblGridChange", "numberingChange", "moveFromRangeStart", "moveToRangeStart"),
    )
)
_FROM_OUTSIDE: Final = frozenset({f"{W}altChunk", f"{W}subDoc"})
_TURNING: Final = frozenset({f"{W}bdo", f"{W}dir"})
_HARMLESS_OUTSIDE: Final = "hyperlink"


def require_plain_package(package: Package, main: str) -> None:
    """Refuse macros, what comes from elsewhere, signatures, and XML with entities.

    Raises:
        MalformedInput: DOCUMENT_ACTIVE, DOCUMENT_SIGNED, DOCUMENT_MALFORMED, DOCUMENT_TOO_LARGE.
    """
    kind = content_type(package, main)
    if "macroenabled" in kind.lower() or any(_is_macro(name.lower()) for name in package.names):
        raise active("macros or controls")
    if kind != _PLAIN_TYPE:
        raise malformed("it is no document of WordprocessingML")
    if any(name.lower().startswith("_xmlsignatures/") for name in package.names):
        raise MalformedInput("DOCUMENT_SIGNED", "the document is signed already")
    for name in package.names:
        if name.lower().endswith((".xml", ".rels")):
            require_plain(name, package.part(name))
        for found, each in Relationships(package, name).all:
            if is_external(each) and found != _HARMLESS_OUTSIDE:
                raise active("parts that lie outside it")


def require_plain_content(root: Element) -> None:
    """Refuse tracked changes, text from elsewhere, and elements that turn the direction of writing.

    Raises:
        MalformedInput: DOCUMENT_CHANGES_TRACKED, DOCUMENT_ACTIVE, DOCUMENT_DECEPTIVE.
    """
    for element in root.iter(*_TRACKED, *_FROM_OUTSIDE, *_TURNING):
        if element.tag in _TRACKED:
            raise MalformedInput("DOCUMENT_CHANGES_TRACKED", "the document has tracked changes")
        if element.tag in _FROM_OUTSIDE:
            raise active("text of other files")
        raise deceptive("it turns the direction of writing")


def _is_macro(name: str) -> bool:
    return "vbaproject" in name or "/activex/" in name
