"""What is no contract, in whatever format: because it is not what it says, or not plain."""

from __future__ import annotations

import unicodedata
from typing import Final

from mpc.errors import MalformedInput

MAX_FILE_BYTES: Final = 32 << 20
MAX_CHARACTERS: Final = 400_000
"""Of a document: some hundred and fifty dense pages."""


def require_plain_text(text: str) -> None:
    """Refuse characters that cannot be seen or turn the direction of writing; no text, and too much.

    Raises:
        MalformedInput: DOCUMENT_DECEPTIVE, DOCUMENT_EMPTY, DOCUMENT_TOO_LARGE.
    """
    for character in set(text):
        if unicodedata.category(character) == "Cf":
            raise deceptive(f"it has the character U+{ord(character):04X}, which cannot be seen")
    if not text.strip():
        raise MalformedInput("DOCUMENT_EMPTY", "the document has no text")
    if len(text) > MAX_CHARACTERS:
        raise too_large(f"it has more than {MAX_CHARACTERS} characters")


def malformed(problem: str) -> MalformedInput:
    """The error for a file that cannot be read."""
    return MalformedInput("DOCUMENT_MALFORMED", f"the document is refused: {problem}", problem=problem)


def too_large(what: str) -> MalformedInput:
    """The error for a document beyond the limits."""
    return MalformedInput("DOCUMENT_TOO_LARGE", f"the document is too large: {what}", what=what)


def active(what: str) -> MalformedInput:
    """The error for a document that is more than text."""
    return MalformedInput("DOCUMENT_ACTIVE", f"the document has {what}", what=what)


def deceptive(problem: str) -> MalformedInput:
    """The error for a text that may look otherwise than it is."""
    return MalformedInput("DOCUMENT_DECEPTIVE", f"the document may deceive: {problem}", problem=problem)
