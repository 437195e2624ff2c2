"""The transparency log: what does not have the form, and what is not proven."""

from __future__ import annotations

from typing import Final

from grpc import StatusCode

from wire.catalogue.entry import CORRECT, FORMATS, INVALID, PRECONDITION, UNAVAILABLE, Entry

_SHOW: Final = "Show the proof to everybody who relies on this log, and ask its operator before you trust it again."
_KEEP: Final = "Keep what the log showed, and do not trust it: somebody rewrote the log, or changed this on the way."

ENTRIES: Final = (
    Entry("LOG_PLACE_WRONG", INVALID, "The log has no such place: {problem}.", CORRECT),
    Entry("CHECKPOINT_NOT_FOUND", StatusCode.NOT_FOUND, "There is no such checkpoint yet.", "Ask again later."),
    Entry("LOG_INDEX_UNKNOWN", StatusCode.NOT_FOUND, "The log has no entry {index} yet.", CORRECT),
    Entry("LOG_SIZE_UNKNOWN", StatusCode.NOT_FOUND, "The log did not grow from {old_size} to {new_size}.", CORRECT),
    Entry("LOG_FRONTIER_MALFORMED", INVALID, "The frontier of the log is refused: {problem}.", CORRECT),
    Entry(
        "LOG_NODE_MISSING",
        StatusCode.DATA_LOSS,
        "Node {position} of level {level} of the log is missing or damaged.",
        "Tell the operator, who restores the database from a backup.",
    ),
    Entry("LOG_PROOF_MALFORMED", INVALID, "The proof is refused: {problem}.", FORMATS),
    Entry("LOG_KEY_MALFORMED", INVALID, "The log key is refused: {problem}.", FORMATS),
    Entry("NOTE_MALFORMED", INVALID, "The signed note is refused: {problem}.", FORMATS),
    Entry("CHECKPOINT_MALFORMED", INVALID, "The checkpoint is refused: {problem}.", FORMATS),
    Entry("RECEIPT_MALFORMED", INVALID, "The receipt is refused: {problem}.", FORMATS),
    Entry("NOTE_NOT_SIGNED", PRECONDITION, "The note is not signed by a known key: {names}.", _KEEP),
    Entry("NOTE_SIGNATURE_WRONG", PRECONDITION, "The signature of {name} on the note does not hold.", _KEEP),
    Entry("CHECKPOINT_OF_OTHER_LOG", PRECONDITION, "The checkpoint is of the log {origin}, not of {expected}.", _KEEP),
    Entry("INCLUSION_NOT_PROVEN", PRECONDITION, "It is not proven that the log has it: {problem}.", _KEEP),
    Entry("CONSISTENCY_NOT_PROVEN", PRECONDITION, "It is not proven that the log only grew: {problem}.", _KEEP),
    # Alarms of who watches a log
    Entry("LOG_FORKED", StatusCode.ABORTED, "The log has two histories: {problem}. Proof: {file}.", _SHOW),
    Entry("LOG_REWOUND", StatusCode.ABORTED, "The log was set back: {problem}. Proof: {file}.", _SHOW),
    Entry("LOG_EXCHANGED", StatusCode.ABORTED, "The log is not that of before: {problem}. Proof: {file}.", _SHOW),
    Entry("LOG_SILENT", UNAVAILABLE, "The log is silent: {problem}.", "Ask the operator if this goes on."),
)
