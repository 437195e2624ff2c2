"""Contract documents and their watermarks: what is no contract, and what cannot be put in or read."""

from __future__ import annotations

from typing import Final

from grpc import StatusCode

from wire.catalogue.entry import CORRECT, INVALID, PRECONDITION, Entry

ENTRIES: Final[tuple[Entry, ...]] = (
    Entry("DOCUMENT_MALFORMED", INVALID, "The document is refused: {problem}.", "Save it again, as DOCX or PDF."),
    Entry(
        "DOCUMENT_TOO_LARGE", INVALID, "The document is too large: {what}.", "Divide it, or make its pictures smaller."
    ),
    Entry(
        "DOCUMENT_ENCRYPTED",
        INVALID,
        "The document is encrypted, or of a format older than DOCX.",
        "Save it without a password, as DOCX or PDF.",
    ),
    Entry(
        "DOCUMENT_SIGNED",
        INVALID,
        "The document is signed already, and a watermark would break its signature.",
        "Use the document as it was before it was signed.",
    ),
    Entry(
        "DOCUMENT_ACTIVE",
        INVALID,
        "The document has {what}: it may show another text tomorrow.",
        "Take that out, and save it again.",
    ),
    Entry(
        "DOCUMENT_CHANGES_TRACKED",
        INVALID,
        "The document has tracked changes, and so two texts.",
        "Accept or reject all changes, and save it again.",
    ),
    Entry(
        "DOCUMENT_DECEPTIVE",
        INVALID,
        "The document may show another text than it has: {problem}.",
        "Take that out, and read the document again before you agree to it.",
    ),
    Entry(
        "DOCUMENT_UNREADABLE",
        INVALID,
        "The document's text cannot be read: {problem}.",
        "Save it as PDF by another program, with its fonts embedded.",
    ),
    Entry(
        "DOCUMENT_EMPTY",
        INVALID,
        "The document has no text.",
        "Choose another document; of a scanned one, take the file that was printed.",
    ),
    Entry(
        "DOCUMENT_TOO_SHORT",
        PRECONDITION,
        "The watermark needs {needed} bits, and the document has room for {available}.",
        "Write a longer text, allow more channels, or give fewer signatures.",
    ),
    Entry("WATERMARK_PAYLOAD_MALFORMED", INVALID, "The watermark's payload is refused: {problem}.", CORRECT),
    Entry(
        "WATERMARK_PRESENT",
        PRECONDITION,
        "The document has a watermark already, or a format that changes with every letter.",
        "Use the document as it was before it was marked.",
    ),
    Entry(
        "WATERMARK_MISSING",
        StatusCode.NOT_FOUND,
        "The document has no watermark of this installation, or hardly anything of it.",
        "Check the authority's certificate; if it is right, the document is another one, or its format was reset.",
    ),
    Entry(
        "WATERMARK_DAMAGED",
        StatusCode.DATA_LOSS,
        "The document has a watermark, but too little of it is left to read it.",
        "Name the archived original with --original, which helps to find the rest.",
    ),
)
