"""Whatever is unavailable, and faults of ours."""

from __future__ import annotations

from typing import Final

from grpc import StatusCode

from wire.catalogue.entry import UNAVAILABLE, Entry

ENTRIES: Final[tuple[Entry, ...]] = (
    Entry("SERVER_UNAVAILABLE", UNAVAILABLE, "The server cannot be reached.", "Check address and network; repeat."),
    Entry("SHUTTING_DOWN", UNAVAILABLE, "The server is shutting down.", "Repeat with the same request_id."),
    Entry(
        "STORAGE_UNAVAILABLE",
        UNAVAILABLE,
        "The database cannot be read or written now.",
        "Repeat with the same request_id; the operator finds the cause in the log.",
    ),
    Entry(
        "CUSTODY_UNAVAILABLE",
        UNAVAILABLE,
        "The token that holds the server's keys cannot be reached now.",
        "Repeat with the same request_id; the operator finds the cause in the log.",
    ),
    Entry(
        "CUSTODY_FULL",
        StatusCode.RESOURCE_EXHAUSTED,
        "The token that holds the server's keys has no room for another key, or makes none of this size.",
        "Repeat with the same request_id when the operator has made room.",
    ),
    Entry(
        "NAMED_KEY_DAMAGED",
        StatusCode.DATA_LOSS,
        "The private key of {name} in the server's custody is missing, damaged or was tampered with.",
        "The operator restores the token, or sets up another key.",
    ),
    Entry(
        "FAULT_DETECTED",
        StatusCode.INTERNAL,
        "A result of the server failed its own check; nothing was released.",
        "Repeat with the same request_id. The operator must look at the machine.",
    ),
    Entry("UNEXPECTED", StatusCode.INTERNAL, "The server met a fault of its own.", "Tell the operator."),
)
