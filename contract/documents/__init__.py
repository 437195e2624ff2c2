"""Contract documents, of whatever format: bytes and values in, bytes and values out.

``text``: what a document says, and its digest. ``draft``: what is set of it; read from DOCX, Markdown and plain text
(``reading``). ``docx``, ``typesetting``: written as DOCX and as PDF. ``diff``: what changed between two versions.
"""

from contract.documents.diff import Change, ChangeKind, word_diff
from contract.documents.draft import Draft, DraftFormat
from contract.documents.fonts import Fonts
from contract.documents.reading import read_draft
from contract.documents.text import canonical_text, text_digest

__all__ = [
    "Change",
    "ChangeKind",
    "Draft",
    "DraftFormat",
    "Fonts",
    "canonical_text",
    "read_draft",
    "text_digest",
    "word_diff",
]
