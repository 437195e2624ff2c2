"""Guards of key stores: PINs."""

from __future__ import annotations

from typing import Final

from grpc import StatusCode

from wire.catalogue.entry import INVALID, PRECONDITION, REBUILD, Entry

_LAST: Final = "Nine wrong ones in a row destroy the server's halves of your keys."

ENTRIES: Final[tuple[Entry, ...]] = (
    Entry("ELEMENT_MALFORMED", INVALID, "This is no element of the group ristretto255.", REBUILD),
    Entry(
        "EVALUATION_WRONG",
        INVALID,
        "The {culprit}'s answer to the PIN is not by the key that its guard is known by.",
        "It was thrown away, and says nothing of the PIN. Tell the operator.",
    ),
    Entry("PIN_UNSUITABLE", INVALID, "The PIN cannot be used: {problem}.", "Choose another one."),
    Entry(
        "PIN_WRONG",
        StatusCode.UNAUTHENTICATED,
        "The PIN is wrong, {unproven} times in a row now.",
        f"Try again. Three wrong ones lock for three hours, six for a day. {_LAST}",
    ),
    Entry(
        "PIN_LOCKED",
        StatusCode.RESOURCE_EXHAUSTED,
        "The PIN is locked after repeated failures, for {retry_seconds} seconds more.",
        f"Wait that long. If it was not you who failed, somebody has a copy of your key store. {_LAST}",
    ),
    Entry(
        "PIN_SPENT",
        PRECONDITION,
        "The PIN was wrong nine times in a row: the server's halves of the keys in this key store are destroyed.",
        "Make a new key store, enrol it with a new ticket, and generate new keys.",
    ),
    Entry(
        "PIN_GUARD_UNKNOWN",
        StatusCode.NOT_FOUND,
        "The server has no such guard of a key store, or it is not in use yet.",
        "A copy of a key store made before its PIN was changed does not open any more. Use the newest.",
    ),
    Entry(
        "PIN_GUARD_EXISTS",
        StatusCode.ALREADY_EXISTS,
        "There is a guard of that name, made by another agent or for another input.",
        REBUILD,
    ),
    Entry(
        "TOO_MANY_PIN_GUARDS",
        StatusCode.RESOURCE_EXHAUSTED,
        "The agent has {limit} guards already.",
        "Remove those that are not in use: fourseal pin set does so at its end.",
    ),
    Entry("PIN_PROOF_WRONG", INVALID, "This does not prove that the attempt had the right PIN.", REBUILD),
    Entry(
        "PIN_GUARD_DAMAGED",
        StatusCode.DATA_LOSS,
        "What the server keeps of the guard is damaged or was tampered with.",
        "Tell the operator.",
    ),
    Entry(
        "PIN_NOT_SET",
        PRECONDITION,
        "The key store is opened by a passphrase; there is no PIN.",
        "Set one: fourseal pin set.",
    ),
)
