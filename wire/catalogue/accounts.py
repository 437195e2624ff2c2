"""Accounts, logins, certificates of signers."""

from __future__ import annotations

from typing import Final

from grpc import StatusCode

from wire.catalogue.entry import DENIED, INVALID, PRECONDITION, REBUILD, UNAVAILABLE, Entry

ENTRIES: Final[tuple[Entry, ...]] = (
    Entry("ACCOUNT_EXISTS", StatusCode.ALREADY_EXISTS, "The name {name} is taken.", "Choose another name."),
    Entry("PASSWORD_UNSUITABLE", INVALID, "The password cannot be used: {problem}.", "Choose another one."),
    Entry(
        "LOGIN_FAILED",
        StatusCode.UNAUTHENTICATED,
        "Name, password, second factor or code are not right, or the account cannot be used.",
        "Try again; after five failures in a row the account is locked for a time.",
    ),
    Entry(
        "ACCOUNT_LOCKED",
        StatusCode.RESOURCE_EXHAUSTED,
        "The account is locked after repeated failures, for {retry_seconds} seconds more.",
        "Wait that long. If it was not you who failed, tell the operator.",
    ),
    Entry(
        "TOO_MANY_FAILURES",
        StatusCode.RESOURCE_EXHAUSTED,
        "Too many logins from this agent failed, under whatever names; none is looked at for {retry_seconds} seconds.",
        "Wait that long. If it was nobody at this agent who failed, tell the operator.",
    ),
    Entry(
        "LOGIN_REQUIRED",
        StatusCode.UNAUTHENTICATED,
        "This needs a login, and there is none, or it has ended or is another agent's.",
        "Log in: fourseal login.",
    ),
    Entry(
        "TOO_MANY_REGISTRATIONS",
        StatusCode.RESOURCE_EXHAUSTED,
        "{limit} accounts that were registered from this agent wait for their second factor.",
        "Confirm some first, or wait a day.",
    ),
    Entry("FACTOR_NOT_OFFERED", PRECONDITION, "This server offers no second factor of kind {kind}.", "Choose another."),
    Entry("FACTOR_NOT_FOUND", StatusCode.NOT_FOUND, "The account has no such second factor.", "Look at the account."),
    Entry(
        "FACTOR_DAMAGED",
        StatusCode.DATA_LOSS,
        "What the server keeps of the second factor is damaged or was tampered with.",
        "Use another one, and tell the operator.",
    ),
    Entry("LAST_FACTOR", PRECONDITION, "This is the account's last second factor.", "Add another one first."),
    Entry(
        "TOO_MANY_FACTORS",
        StatusCode.RESOURCE_EXHAUSTED,
        "The account has {limit} second factors.",
        "Remove one first.",
    ),
    Entry(
        "CODE_SENT_RECENTLY",
        StatusCode.RESOURCE_EXHAUSTED,
        "A code was sent less than a minute ago; another can be sent in {retry_seconds} seconds.",
        "Use that one, or wait.",
    ),
    Entry(
        "CODE_NOT_SENT",
        UNAVAILABLE,
        "The code could not be sent.",
        "Try again in a minute, or use another second factor.",
    ),
    Entry(
        "POSSESSION_NOT_PROVEN",
        StatusCode.UNAUTHENTICATED,
        "The proof that you have the account's sign key does not hold.",
        "Begin the proof again, with the account's active certificates.",
    ),
    Entry("POSSESSION_MALFORMED", INVALID, "The proof of possession is refused: {problem}.", REBUILD),
    Entry("KEY_BINDING_MALFORMED", INVALID, "The binding of the encrypt key is refused: {problem}.", REBUILD),
    Entry(
        "PROOF_REQUIRED",
        PRECONDITION,
        "This needs a login that has proved possession of the account's active certificates.",
        "Present them: BeginPossessionProof.",
    ),
    Entry(
        "CLOCK_DIFFERS",
        PRECONDITION,
        "Your clock is {seconds} seconds off; {maximum} are allowed.",
        "Set the clock right.",
    ),
    Entry(
        "SIGNER_REQUEST_INVALID",
        INVALID,
        "The request for signer certificates is refused: {problem}.",
        "Use a client library that follows docs/protocol.md.",
    ),
    Entry(
        "KEY_CERTIFIED_BEFORE",
        StatusCode.ALREADY_EXISTS,
        "The key for {purpose} stands in a certificate already.",
        "Make a new key for every certificate.",
    ),
    Entry(
        "KEY_BLACK_LISTED",
        DENIED,
        "The key is on the black list: somebody signed with it as somebody else.",
        "Make a new key. If it is yours and nobody else has it, ask the server's operator.",
    ),
    Entry(
        "TOO_MANY_CERTIFICATES",
        StatusCode.RESOURCE_EXHAUSTED,
        "The account was issued {limit} pairs of certificates within a day; {retry_seconds} seconds to the next.",
        "Wait that long, and use the pair that you have.",
    ),
    Entry(
        "PERSONAL_REQUEST_INVALID",
        INVALID,
        "The request for a personal certificate is refused: {problem}.",
        "See docs/operations.md, Registration authority.",
    ),
    Entry(
        "CERTIFICATE_REQUEST_NOT_FOUND",
        StatusCode.NOT_FOUND,
        "The account has made no such request for a certificate.",
        "List them: fourseal certificate list.",
    ),
    Entry(
        "TOO_MANY_CERTIFICATE_REQUESTS",
        StatusCode.RESOURCE_EXHAUSTED,
        "The account has made {limit} requests for certificates within a day.",
        "Wait a day.",
    ),
    Entry(
        "CERTIFICATE_NOT_ACTIVE",
        PRECONDITION,
        "The request {certificate_request_id} has no certificate, or one that was revoked.",
        "List them: fourseal certificate list.",
    ),
    Entry("NO_CERTIFICATES", PRECONDITION, "The account has no active certificates.", "Request some."),
)
