"""Contract documents, of whatever format: bytes and values in, bytes and values out.

``text``: what a document says, and its digest. ``draft``: what is set of it; read from DOCX, Markdown and plain text
(``reading``). ``docx``, ``typesetting``: written as DOCX and as PDF. ``diff``: what changed between two versions.
"""

from contract.documents.diff import Change, ChangeKind, word_diff
from contract.documents.docx.writing import to_docx
from contract.documents.draft import Draft, DraftFormat
from contract.documents.fonts import Fonts
from contract.documents.reading import read_draft
from contract.documents.text import canonical_text, text_digest
from contract.documents.typesetting.document import Typeset, typeset
from contract.documents.typesetting.signatures import Box, SignatureBlock

__all__ = [
    "Box",
    "Change",
    "ChangeKind",
    "Draft",
    "DraftFormat",
    "Fonts",
    "SignatureBlock",
    "Typeset",
    "canonical_text",
    "read_draft",
    "text_digest",
    "to_docx",
    "typeset",
    "word_diff",
]
