"""Evidence: records, entries of the log, permissions and bundles that do not have the form, or do not hold."""

from __future__ import annotations

from typing import Final

from wire.catalogue.entry import DISTRUST, FORMATS, INVALID, PRECONDITION, Entry

ENTRIES: Final = (
    Entry("LOG_ENTRY_MALFORMED", INVALID, "The log's entry is refused: {problem}.", FORMATS),
    Entry("EVIDENCE_RECORD_MALFORMED", INVALID, "The evidence record is refused: {problem}.", FORMATS),
    Entry(
        "KEY_CIPHERTEXT_OF_OTHER_SCHEME",
        PRECONDITION,
        "A key ciphertext is not of this session's scheme and size.",
        "Seal the content key by that scheme.",
    ),
    Entry("PERMISSION_MALFORMED", INVALID, "The permission is refused: {problem}.", FORMATS),
    Entry("PERMISSION_OF_OTHER_CERTIFICATE", PRECONDITION, "The permission names another certificate.", DISTRUST),
    Entry("PERMISSION_NOT_VALID", PRECONDITION, "The permission is not valid now.", "Ask for a new one."),
)
