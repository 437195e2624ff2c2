"""Files inside a PDF: one is put in before the first signature, and read by its name."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any, Final

from pyhanko.pdf_utils.embed import EmbeddedFileObject, EmbeddedFileParams, FileSpec, embed_file

from contract.pades.reading import entry, malformed, open_for_update, open_pdf, readable, updated

_MAX_NODES: Final = 1000
"""Of the tree of names: one that turns back into itself has no end."""


def with_attachment(pdf: bytes, name: str, data: bytes) -> bytes:
    """The PDF with a file in it, as an incremental update.

    Args:
        pdf: not signed yet: this would be found as a change.
        name: of the file; printable ASCII.
        data: its content.

    Raises:
        MalformedInput: PDF_MALFORMED, PDF_ENCRYPTED; PDF_MALFORMED too if it has a file of that name.
    """
    writer = open_for_update(pdf)
    with readable("its embedded files cannot be read"):
        if any(found == name for found, _ in _files(writer.root)):
            raise malformed(f"it has a file {name} already")
        content = EmbeddedFileObject.from_file_data(writer, data, params=EmbeddedFileParams())
        embed_file(writer, FileSpec(file_spec_string=name, file_name=name, embedded_data=content))
        return updated(writer)


def attachment(pdf: bytes, name: str) -> bytes | None:
    """The content of the file of that name inside the PDF; None if there is none.

    Raises:
        MalformedInput: PDF_MALFORMED, PDF_ENCRYPTED; PDF_MALFORMED too if it has more than one of that name.
    """
    reader = open_pdf(pdf)
    with readable("its embedded files cannot be read"):
        found = [specification for each, specification in _files(reader.root) if each == name]
        if not found:
            return None
        if len(found) > 1:  # which one a reader takes would be up to the reader
            raise malformed(f"it has more than one file {name}")
        return bytes(found[0]["/EF"]["/F"].data)


def _files(root: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401  # objects of a PDF
    nodes = [entry(entry(root, "/Names", {}), "/EmbeddedFiles", {})]
    for seen in count(1):
        if not nodes:
            return
        if seen > _MAX_NODES:
            raise malformed("it has too many embedded files")
        node = nodes.pop()
        pairs = entry(node, "/Names", ())
        for place in range(0, len(pairs), 2):
            yield str(pairs[place]), pairs[place + 1]
        kids = entry(node, "/Kids", ())
        nodes += [kids[place] for place in range(len(kids))]
