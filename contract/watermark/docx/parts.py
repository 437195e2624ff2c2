"""The XML of a DOCX's parts: parsed without entities, document types or anything from elsewhere."""

from __future__ import annotations

import posixpath
from typing import Any, Final

from lxml import etree

from contract.watermark.docx.package import MAX_PART_BYTES, Package
from contract.watermark.refusals import malformed, too_large

W: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
MC: Final = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
XML_SPACE: Final = "{http://www.w3.org/XML/1998/namespace}space"
OFFICE_DOCUMENT: Final = "officeDocument"
_RELATIONSHIP: Final = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
_OVERRIDE: Final = "{http://schemas.openxmlformats.org/package/2006/content-types}Override"
MAX_TAGS: Final = 4_000_000
"""Of a part: a tree takes some hundred bytes of memory for each."""

Element = Any
"""An element of lxml, which brings no types."""


def parse(package: Package, name: str) -> Element:
    """Parse a part: its root element.

    Raises:
        MalformedInput: DOCUMENT_MALFORMED: missing, no XML, or with a document type; DOCUMENT_TOO_LARGE.
    """
    data = package.part(name)
    require_plain(name, data)
    _require_tree(name, data)
    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False)
    try:
        tree = etree.fromstring(data, parser).getroottree()
    except (etree.XMLSyntaxError, ValueError):
        raise malformed(f"its part {name} is no XML") from None
    if tree.docinfo.internalDTD is not None:
        raise _document_type(name)
    return tree.getroot()


def require_plain(name: str, data: bytes) -> None:
    """Refuse what could declare entities, before any parser sees it.

    Raises:
        MalformedInput: DOCUMENT_MALFORMED.
    """
    if b"<!DOCTYPE" in data or b"\0" in data:  # a zero byte: UTF-16 or UTF-32, where the words would look otherwise
        raise _document_type(name)


def serialise(name: str, root: Element) -> bytes:
    """Write a part.

    Raises:
        MalformedInput: DOCUMENT_TOO_LARGE: nobody would read it again.
    """
    written: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)
    _require_tree(name, written)
    return written


class Relationships:
    """Which parts belong to a part, and as what.

    Raises:
        MalformedInput: as ``parse``.
    """

    def __init__(self, package: Package, of: str) -> None:
        folder, name = posixpath.split(of)
        listed = posixpath.join(folder, "_rels", f"{name}.rels")
        root = parse(package, listed) if listed in package.names else ()
        self.all = [(_kind(each), each) for each in root if each.tag == _RELATIONSHIP]
        self._folder = folder

    def parts(self, kind: str) -> list[str]:
        """Names of the parts of a kind, the last part of its type's address; sorted."""
        inside = [each.get("Target", "") for found, each in self.all if found == kind and not is_external(each)]
        return sorted(posixpath.normpath(posixpath.join("/", self._folder, each)).lstrip("/") for each in inside)


def is_external(relationship: Element) -> bool:
    """Whether what it leads to lies outside the document."""
    return bool(relationship.get("TargetMode") == "External")


def content_type(package: Package, name: str) -> str:
    """The type of a part; empty if it has none of its own. Raises as ``parse``."""
    for each in parse(package, "[Content_Types].xml"):
        if each.tag == _OVERRIDE and each.get("PartName") == f"/{name}":
            return str(each.get("ContentType", ""))
    return ""


def _kind(relationship: Element) -> str:
    return str(relationship.get("Type", "")).rpartition("/")[2]


def _require_tree(name: str, data: bytes) -> None:
    if len(data) > MAX_PART_BYTES or data.count(b"<") > MAX_TAGS:
        raise too_large(f"its part {name}")


def _document_type(name: str) -> Exception:
    return malformed(f"its part {name} has a document type, or is not in UTF-8")
