"""Evidence in a DOCX: a part of custom XML (ECMA-376 part 1, 15.2.5), which word processors keep when they save.

Its root has the evidence in base64. It belongs to the package, not to the text: a page does not show it.
"""

from __future__ import annotations

import base64
import binascii
import io
import zipfile
from typing import Final

from lxml import etree

from contract.drafting.evidence import MAX_EVIDENCE_BYTES
from contract.watermark.docx.package import MAX_UNPACKED_BYTES, Package
from contract.watermark.docx.parts import OFFICE_DOCUMENT, Relationships, parse, serialise
from contract.watermark.refusals import malformed

_NAMESPACE: Final = "urn:fourseal:contract"
_TAG: Final = f"{{{_NAMESPACE}}}evidence"
_PART: Final = "customXml/fourseal-contract.xml"
_FOLDER: Final = "customXml/"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006/"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
_TYPES: Final = "[Content_Types].xml"
_LONGEST_PART: Final = 2 * MAX_EVIDENCE_BYTES  # base64, and white space that somebody's program puts in
_DATE: Final = (1980, 1, 1, 0, 0, 0)  # the same file for the same input


def with_evidence(docx: bytes, evidence_der: bytes) -> bytes:
    """The document with its evidence in it.

    Args:
        docx: without evidence.
        evidence_der: of ``ContractEvidence``.

    Raises:
        MalformedInput: DOCUMENT_MALFORMED, also if it has evidence already; DOCUMENT_TOO_LARGE.
    """
    package = Package.read(docx)
    if evidence_in(docx) is not None or _PART in package.names:
        raise malformed("it has a contract's evidence already")
    (main, *_) = Relationships(package, "").parts(OFFICE_DOCUMENT) or [""]
    folder, _, name = main.rpartition("/")
    listed = f"{folder}/_rels/{name}.rels".lstrip("/")
    root = etree.Element(_TAG, nsmap={None: _NAMESPACE})
    root.text = base64.b64encode(evidence_der).decode()
    changed = {
        _TYPES: _with_type(package),
        listed: _with_relationship(package, listed),
        _PART: serialise(_PART, root),
    }
    return _written(package, changed)


def evidence_in(docx: bytes) -> bytes | None:
    """The evidence in a document, DER; None if there is none.

    Raises:
        MalformedInput: DOCUMENT_MALFORMED, DOCUMENT_TOO_LARGE; CONTRACT_EVIDENCE_MALFORMED is for who reads it.
    """
    package = Package.read(docx)
    for name in package.names:
        if not (name.startswith(_FOLDER) and name.endswith(".xml")) or _NAMESPACE.encode() not in package.part(name):
            continue
        root = parse(package, name)
        if root.tag != _TAG or root.text is None or len(root.text) > _LONGEST_PART:
            continue
        try:
            return base64.b64decode("".join(root.text.split()), validate=True)
        except (binascii.Error, ValueError):
            raise malformed(f"its part {name} is damaged") from None
    return None


def _with_type(package: Package) -> bytes:
    types = parse(package, _TYPES)
    override = etree.SubElement(types, f"{{{_PACKAGE}content-types}}Override")
    override.set("PartName", f"/{_PART}")
    override.set("ContentType", "application/xml")
    return serialise(_TYPES, types)


def _with_relationship(package: Package, listed: str) -> bytes:
    tag = f"{{{_PACKAGE}relationships}}Relationship"
    relationships = parse(package, listed) if listed in package.names else etree.Element(f"{tag}s")
    added = etree.SubElement(relationships, tag)
    added.set("Id", "rIdFoursealContract")
    added.set("Type", f"{_OFFICE}customXml")
    added.set("Target", f"/{_PART}")
    return serialise(listed, relationships)


def _written(package: Package, changed: dict[str, bytes]) -> bytes:
    written, entries = io.BytesIO(), {each.filename: each.date_time for each in package.file.infolist()}
    with zipfile.ZipFile(written, "w") as target:
        for name in (*entries, *(name for name in changed if name not in entries)):
            content = changed[name] if name in changed else package.part(name, MAX_UNPACKED_BYTES)
            entry = zipfile.ZipInfo(name, entries.get(name, _DATE))
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, content)
    return written.getvalue()
