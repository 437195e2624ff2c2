"""Signatures of PDFs: what is no PDF that can be signed, and what is wrong with one that was."""

from __future__ import annotations

from typing import Final

from grpc import StatusCode

from wire.catalogue.entry import DISTRUST, INVALID, PRECONDITION, UNAVAILABLE, Entry

ENTRIES: Final[tuple[Entry, ...]] = (
    Entry("PDF_MALFORMED", INVALID, "The PDF is refused: {problem}.", "Take the file as it was made."),
    Entry("PDF_ENCRYPTED", INVALID, "The PDF is encrypted.", "Save it without a password."),
    Entry("PDF_UNSIGNABLE", PRECONDITION, "The PDF cannot be signed: {problem}.", "Ask who signed it before."),
    Entry(
        "PDF_ALTERED",
        StatusCode.DATA_LOSS,
        "The PDF is not the one that was signed.",
        "Take the file as its signers have it, and do not trust this one.",
    ),
    Entry("PDF_SIGNATURE_WRONG", PRECONDITION, "A signature of the PDF is not by its certificate's key.", DISTRUST),
    Entry("PDF_SIGNATURE_PARTIAL", PRECONDITION, "A signature leaves out part of the PDF.", DISTRUST),
    Entry(
        "PDF_CHANGED_WITH",
        PRECONDITION,
        "More than a signature was put into the PDF together with it.",
        "Compare with the file as it was before; sign that one.",
    ),
    Entry(
        "PDF_CHANGED_AFTER",
        PRECONDITION,
        "The PDF was changed after it had been signed.",
        "Take the file as its signers have it, and do not trust this one.",
    ),
    Entry("PDF_SIGNATURE_REFUSED", PRECONDITION, "A signature of the PDF does not hold: {problem}.", DISTRUST),
    Entry(
        "PDF_NOT_CONTINUED",
        PRECONDITION,
        "This is not the PDF as it was, with one further signature.",
        "Fetch the file again, and sign that one.",
    ),
    Entry(
        "TIME_STAMP_UNAVAILABLE",
        UNAVAILABLE,
        "The authority for time stamps gave none: {cause}.",
        "Try again later; what was signed holds without it.",
    ),
)
