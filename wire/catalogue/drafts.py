"""Drafts of contracts: what cannot be read or set. What is wrong with a DOCX: ``watermark``."""

from __future__ import annotations

from typing import Final

from wire.catalogue.entry import INVALID, PRECONDITION, Entry

ENTRIES: Final[tuple[Entry, ...]] = (
    Entry("DRAFT_MALFORMED", INVALID, "The draft is refused: {problem}.", "Save it as plain text in UTF-8."),
    Entry(
        "DRAFT_UNSUPPORTED",
        INVALID,
        "The draft has {what}, which cannot be set.",
        "Say it in words, or attach it to the contract by its digest.",
    ),
    Entry(
        "DRAFT_NOT_SETTABLE",
        INVALID,
        "The draft cannot be set: no font has the character {character}.",
        "Write that in other characters.",
    ),
    Entry("DRAFT_TOO_LONG", INVALID, "The draft has more than {maximum} pages.", "Divide it."),
    Entry(
        "FONT_MISSING",
        PRECONDITION,
        "The server cannot set contracts: the font {file} is missing.",
        "The operator installs the packages fonts-noto-cjk and fonts-noto-core of Debian.",
    ),
)
