"""The XML of a DOCX's parts: parsed without entities, document types or anything from elsewhere."""

from __future__ import annotations

import hashlib
import io
import posixpath
from collections.abc import Iterator
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

_SAFE: Final = {"resolve_entities": False, "load_dtd": False, "no_network": True, "huge_tree": False}

Element = Any
"""An element of lxml, which brings no types."""


def parse(package: Package, name: str) -> Element:
    """Parse a part: its root element.

    Raises:
        MalformedInput: DOCUMENT_MALFORMED: missing, no XML, or with a document type; DOCUMENT_TOO_LARGE.
    """
    try:
        root = etree.fromstring(_checked(package, name), etree.XMLParser(**_SAFE))
    except (etree.XMLSyntaxError, ValueError):
        raise malformed(f"its part {name} is no XML") from None
    _require_no_type(name, root)
    return root


class Part:
    """A part that is parsed bit by bit: a tree of all of it may take a hundred times what its text does.

    Args:
        package: that has it.
        name: of it.
        keep: whether the tree stays.

    Raises:
        MalformedInput: as ``parse``, when it is opened or while it is read.
    """

    def __init__(self, package: Package, name: str, *, keep: bool = False) -> None:
        self._name = name
        self._data = _checked(package, name)
        self._keep = keep
        self.root: Element = None
        """Known when all is read, without what was not kept."""

    def outermost(self, tag: str) -> Iterator[Element]:
        """Every element of this name that is in no other one, with all that is in it; in order.

        What stands around it is known as far as it comes before.
        """
        events = etree.iterparse(io.BytesIO(self._data), ("start", "end"), tag=tag, **_SAFE)
        depth = 0
        try:
            for event, element in events:
                depth += 1 if event == "start" else -1
                if not depth:
                    yield element
                    if not self._keep:
                        element.clear(keep_tail=True)
        except (etree.XMLSyntaxError, ValueError):
            raise malformed(f"its part {self._name} is no XML") from None
        self.root = events.root
        _require_no_type(self._name, self.root)

    def foreign_name(self) -> str:
        """A name that stands nowhere in it: nothing can contain its own digest."""
        return f"of-{hashlib.sha256(self._data).hexdigest()}"


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
    require_limits(name, written)
    return written


def require_limits(name: str, data: bytes) -> None:
    """Refuse what takes too much memory.

    Raises:
        MalformedInput: DOCUMENT_TOO_LARGE.
    """
    if len(data) > MAX_PART_BYTES or data.count(b"<") > MAX_TAGS:
        raise too_large(f"its part {name}")


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


def _checked(package: Package, name: str) -> bytes:
    data = package.part(name)
    require_plain(name, data)
    require_limits(name, data)
    return data


def _require_no_type(name: str, root: Element) -> None:
    if root.getroottree().docinfo.internalDTD is not None:
        raise _document_type(name)


def _document_type(name: str) -> Exception:
    return malformed(f"its part {name} has a document type, or is not in UTF-8")
