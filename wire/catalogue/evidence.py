"""Evidence: records, entries of the log, permissions and bundles that do not have the form, or do not hold."""

from __future__ import annotations

from typing import Final

from grpc import StatusCode

from wire.catalogue.entry import DENIED, DISTRUST, FORMATS, INVALID, PRECONDITION, UNAVAILABLE, Entry

_GO_ON: Final = "Ask how far the upload has come, and go on from there."

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
    Entry(
        "EVIDENCE_NOT_FOUND",
        StatusCode.NOT_FOUND,
        "There is no such evidence that concerns you.",
        "Ask the message's author to deposit it, or one who has it for a permission.",
    ),
    Entry(
        "EVIDENCE_DIFFERS",
        StatusCode.ALREADY_EXISTS,
        "Another record of this statement stands in the log, at {log_index}.",
        "Deposit a message once, with all that it was sent with.",
    ),
    Entry(
        "EVIDENCE_DOES_NOT_HOLD",
        PRECONDITION,
        "The check {check} of the evidence failed: {problem}. Nothing was written.",
        "Look at all checks: open it without --out.",
    ),
    Entry("EVIDENCE_OF_OTHER_MESSAGE", PRECONDITION, "The evidence is of another message: {problem}.", DISTRUST),
    Entry(
        "STATEMENT_NOT_SIGNED_HERE",
        PRECONDITION,
        "This server did not sign the statement in that session.",
        "Have it signed first, and deposit it where it was signed.",
    ),
    Entry(
        "EVIDENCE_CONTENT_MISSING",
        PRECONDITION,
        "The content with this digest and length was not uploaded for this envelope.",
        "Upload it first: PutContent.",
    ),
    Entry(
        "EVIDENCE_CONTENT_DELETED",
        StatusCode.NOT_FOUND,
        "The content is not kept any more; the record is.",
        "Ask author or recipients, who may have it.",
    ),
    Entry(
        "EVIDENCE_CONTENT_LOST",
        StatusCode.DATA_LOSS,
        "The content is missing or damaged.",
        "Tell the operator, who restores it from a backup.",
    ),
    Entry(
        "CONTENT_CHANGED",
        StatusCode.ALREADY_EXISTS,
        "The upload of {envelope_id} is another's, or was begun with another length.",
        "Choose a new id for every new envelope.",
    ),
    Entry(
        "CONTENT_UPLOAD_BUSY",
        StatusCode.ABORTED,
        "Another stream uploads the content of {envelope_id}.",
        "Use one stream for a content; wait until the other has ended.",
    ),
    Entry("CONTENT_UPLOAD_ELSEWHERE", PRECONDITION, "The upload is at byte {expected}, not {found}.", _GO_ON),
    Entry(
        "CONTENT_UPLOAD_INCOMPLETE",
        StatusCode.ABORTED,
        "The upload of {envelope_id} ended without a finish, or nothing came for too long.",
        _GO_ON,
    ),
    Entry(
        "CONTENT_DIGEST_WRONG",
        INVALID,
        "What came has another SHA-256, and was thrown away.",
        "Upload it again from the beginning.",
    ),
    Entry(
        "TOO_MANY_CONTENT_UPLOADS",
        StatusCode.RESOURCE_EXHAUSTED,
        "You have {limit} contents here that no record names.",
        "Deposit their records first, or wait a day.",
    ),
    Entry(
        "EVIDENCE_QUOTA_EXCEEDED",
        StatusCode.RESOURCE_EXHAUSTED,
        "There is room for {limit} bytes of your evidence.",
        "Ask the operator for more, or deposit less.",
    ),
    Entry(
        "EVIDENCE_UNWRITABLE",
        UNAVAILABLE,
        "The evidence server cannot write content now: {problem}.",
        "Go on with the upload later; the operator finds the cause in the log.",
    ),
    Entry("NOT_THE_GRANTOR", DENIED, "The permission is one of {name}.", "Grant what you signed yourself."),
    Entry("PERMISSION_WRONG", PRECONDITION, "The permission cannot be granted: {problem}.", "Make a new one."),
    Entry("PERMISSION_NOT_FOUND", StatusCode.NOT_FOUND, "You gave no such permission.", "Look at the list."),
    Entry("PERMISSION_NOT_VALID", PRECONDITION, "The permission is not valid now.", "Ask for a new one."),
    Entry(
        "TOO_MANY_PERMISSION_REQUESTS",
        StatusCode.RESOURCE_EXHAUSTED,
        "You asked for {limit} permissions within a day; {retry_seconds} seconds to the next.",
        "Wait that long.",
    ),
    Entry(
        "PERMISSION_REQUEST_NOT_FOUND",
        StatusCode.NOT_FOUND,
        "No such request for a permission lies before you.",
        "Look at the list: it may have been answered, or its time is over.",
    ),
    Entry("TIME_STAMP_MALFORMED", INVALID, "The time stamp is refused: {problem}.", FORMATS),
    Entry(
        "TIME_STAMP_NOT_GENUINE",
        PRECONDITION,
        "No trusted authority for time stamps stamped this.",
        "Use the certificate of the authority that did, if you trust it.",
    ),
    Entry("BUNDLE_MALFORMED", INVALID, "The bundle is refused: {problem}.", "Get it again from who disclosed it."),
)
