"""Requests as such, and who makes them."""

from __future__ import annotations

from typing import Final

from grpc import StatusCode

from wire.catalogue.entry import CORRECT, INVALID, Entry

ENTRIES: Final[tuple[Entry, ...]] = (
    # Requests as such
    Entry("REQUEST_MALFORMED", INVALID, "The request is not a valid protobuf message.", CORRECT),
    Entry("FIELD_INVALID", INVALID, "The field {field} is invalid: {problem}.", CORRECT),
    Entry("REQUEST_ID_MALFORMED", INVALID, "request_id must be 16 to 64 characters of [A-Za-z0-9_-].", CORRECT),
    Entry(
        "REQUEST_ID_REUSED",
        StatusCode.ALREADY_EXISTS,
        "This request_id was used before, for another request.",
        "Choose a new request_id for every new request.",
    ),
    Entry("KEY_ID_MALFORMED", INVALID, 'A key id is "key-" and 26 characters of [a-z2-7].', CORRECT),
    Entry("SESSION_ID_MALFORMED", INVALID, 'A session id is "session-" and 26 characters of [a-z2-7].', CORRECT),
    Entry("ENVELOPE_ID_MALFORMED", INVALID, 'An envelope id is "envelope-" and 26 characters of [a-z2-7].', CORRECT),
    Entry("AGENT_ID_MALFORMED", INVALID, "An agent's name has 1 to 63 characters of [a-z0-9._-].", CORRECT),
    Entry("PAGE_TOKEN_INVALID", INVALID, "The page token is none of this list.", "Start at the first page."),
    Entry("BATCH_SIZE_WRONG", INVALID, "A batch has 1 to {maximum} items, not {found}.", "Split the batch."),
    Entry(
        "DEADLINE_TOO_SHORT",
        StatusCode.DEADLINE_EXCEEDED,
        "The deadline leaves less than {minimum} seconds.",
        "Allow more time; nothing was done.",
    ),
    Entry(
        "DEADLINE_PASSED",
        StatusCode.DEADLINE_EXCEEDED,
        "The deadline passed before the answer was ready.",
        "Repeat with the same request_id: the work may have been done.",
    ),
    # Who calls
    Entry(
        "ENROLMENT_TOKEN_INVALID",
        StatusCode.UNAUTHENTICATED,
        "The enrolment token is unknown, used or expired.",
        "Ask the operator for a new ticket.",
    ),
    Entry(
        "CERTIFICATE_REQUEST_INVALID",
        INVALID,
        "The certificate request is not PKCS#10 for an ECDSA P-256 key, signed by it.",
        CORRECT,
    ),
    Entry(
        "CALLER_UNKNOWN",
        StatusCode.UNAUTHENTICATED,
        "The client certificate belongs to no agent of this server, or was replaced or revoked.",
        "Enrol again with a new ticket.",
    ),
)
