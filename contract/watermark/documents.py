"""A contract of whatever format that can carry a watermark."""

from __future__ import annotations

from typing import Final

from contract.watermark.channels import Document
from contract.watermark.docx.document import DocxDocument
from contract.watermark.pdf.document import PdfDocument

_PDF: Final = b"%PDF-"
_BEGINS_WITHIN: Final = 1024


def open_document(data: bytes) -> Document:
    """Open a contract: a PDF by its first bytes, else a DOCX.

    Args:
        data: the file.

    Raises:
        MalformedInput: DOCUMENT_MALFORMED and others, as ``DocxDocument`` and ``PdfDocument`` say.
    """
    return PdfDocument(data) if _PDF in data[:_BEGINS_WITHIN] else DocxDocument(data)
