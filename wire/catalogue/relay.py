"""The relay: passes, uploads, mailboxes."""

from __future__ import annotations

from typing import Final

from grpc import StatusCode

from wire.catalogue.entry import CORRECT, DENIED, INVALID, PRECONDITION, UNAVAILABLE, Entry

_GO_ON: Final = "Ask how far the upload has come, and go on from there."

ENTRIES: Final[tuple[Entry, ...]] = (
    Entry(
        "PASS_INVALID",
        StatusCode.UNAUTHENTICATED,
        "The pass is missing, not genuine, expired, or made for another agent.",
        "Get a new one from the evidence server.",
    ),
    Entry("PASS_MALFORMED", INVALID, "This is no relay pass: {problem}.", "See docs/formats.md."),
    Entry(
        "PASS_NOT_GENUINE",
        StatusCode.UNAUTHENTICATED,
        "The pass is not signed by the key of its certificate.",
        "Get one from the evidence server.",
    ),
    Entry(
        "PASS_NOT_VALID",
        StatusCode.UNAUTHENTICATED,
        "The pass is not valid at this time.",
        "Get a new one from the evidence server.",
    ),
    Entry(
        "POSTING_NOT_ALLOWED",
        DENIED,
        "Nothing new can be posted in session {session_id} with this pass.",
        "The session was closed, or you have left it. What was sent can still be fetched.",
    ),
    Entry(
        "POSTED_FOR_ANOTHER",
        DENIED,
        "The envelope {envelope_id} is of another author or session than the pass.",
        "Post it where it belongs.",
    ),
    Entry(
        "RELAY_RECIPIENT_UNKNOWN",
        DENIED,
        "{name} is no member of the session, and the envelope was not begun before.",
        "Get a new pass; if that does not name it either, send a new envelope without it.",
    ),
    Entry(
        "ENVELOPE_CHANGED",
        StatusCode.ALREADY_EXISTS,
        "The envelope {envelope_id} was begun before, with another header.",
        "Choose a new id for every new envelope.",
    ),
    Entry(
        "ENVELOPE_OF_OTHER_AGENT",
        DENIED,
        "The envelope {envelope_id} is being posted by another agent.",
        "Send the message anew. If you have no other agent, somebody else has your login: change your password.",
    ),
    Entry(
        "TOO_MANY_UPLOADS",
        StatusCode.RESOURCE_EXHAUSTED,
        "You have {limit} uploads in this session that are not finished.",
        "Finish some first; those that nobody goes on with are dropped after a while.",
    ),
    Entry(
        "UPLOAD_ELSEWHERE",
        PRECONDITION,
        "The upload is at segment {expected}, not {found}.",
        _GO_ON,
    ),
    Entry("UPLOAD_INCOMPLETE", StatusCode.ABORTED, "The upload of {envelope_id} ended without a finish.", _GO_ON),
    Entry("UPLOAD_IDLE", StatusCode.ABORTED, "Nothing came of the upload of {envelope_id} for too long.", _GO_ON),
    Entry(
        "UPLOAD_TAKEN_OVER",
        StatusCode.ABORTED,
        "Another stream goes on with the upload of {envelope_id}.",
        "Use one stream for an envelope.",
    ),
    Entry(
        "UPLOAD_ABANDONED",
        StatusCode.ABORTED,
        "The upload of {envelope_id} was not finished in time, and was dropped.",
        "Send it again as a new envelope.",
    ),
    Entry(
        "RELAY_SEGMENT_LENGTH_WRONG",
        INVALID,
        "A segment has {found} bytes. All but the last have {maximum}, the last at most as many.",
        CORRECT,
    ),
    Entry("TRAILER_LENGTH_WRONG", INVALID, "The trailer has {found} bytes, at most {maximum} are taken.", CORRECT),
    Entry(
        "SEQUENCE_NOT_RISING",
        PRECONDITION,
        "The sequence number {found} does not follow {last}.",
        "Finish envelopes in the order in which they were signed.",
    ),
    Entry(
        "QUOTA_EXCEEDED",
        StatusCode.RESOURCE_EXHAUSTED,
        "There is room for {limit} bytes of yours in this session.",
        "Wait until recipients have fetched what is there, or send less.",
    ),
    Entry(
        "TOO_MANY_WAITING",
        StatusCode.RESOURCE_EXHAUSTED,
        "In this session {limit} envelopes of yours wait for their recipients; more are not taken.",
        "Wait until recipients have fetched some of them.",
    ),
    Entry(
        "CONTENT_UNWRITABLE",
        UNAVAILABLE,
        "The media server cannot write content now: {problem}.",
        "Go on with the upload later; the operator finds the cause in the log.",
    ),
    Entry(
        "CONTENT_LOST",
        StatusCode.DATA_LOSS,
        "A stored content is missing or damaged, and was not served.",
        "Ask its author to send it again.",
    ),
    Entry(
        "ENVELOPE_NOT_FOUND",
        StatusCode.NOT_FOUND,
        "There is no envelope {envelope_id} for you.",
        "It may have expired. Ask its author.",
    ),
)
