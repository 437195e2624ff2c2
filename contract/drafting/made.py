"""What is made of a contract, apart from what makes it, which is long to import."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

MAX_DOCUMENT_BYTES: Final = 3 << 20
"""Of a document, with all signatures."""

_FIELD: Final = "signer-"


@dataclass(frozen=True, slots=True)
class MadeDocuments:
    """The documents of a contract, unsigned."""

    pdf: bytes = field(repr=False)
    docx: bytes = field(repr=False)


def field_name(account: str) -> str:
    """Name of the PDF's field in which a signer's signature shows: without full stops, which divide names there."""
    return _FIELD + account.replace(".", "+")
