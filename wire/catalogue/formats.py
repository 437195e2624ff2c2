"""Formats of contract sessions: what does not have the form, or does not hold."""

from __future__ import annotations

from typing import Final

from grpc import StatusCode

from wire.catalogue.entry import CORRECT, DISTRUST, FORMATS, INVALID, PRECONDITION, Entry

ENTRIES: Final[tuple[Entry, ...]] = (
    Entry("ARC_MALFORMED", INVALID, "The arc is no object identifier in dotted form.", CORRECT),
    Entry(
        "ACCOUNT_NAME_MALFORMED",
        INVALID,
        "An account's name has 1 to 63 characters of [a-z0-9._-] and begins and ends with one of [a-z0-9].",
        CORRECT,
    ),
    Entry("DISPLAY_NAME_MALFORMED", INVALID, "A display name {problem}.", CORRECT),
    Entry("SUBJECT_MALFORMED", INVALID, "A session's subject {problem}.", CORRECT),
    Entry("WHY_MALFORMED", INVALID, "The reason of a request for a permission {problem}.", CORRECT),
    Entry("PLACE_MALFORMED", INVALID, "A session's place is empty or a URI of at most 2000 characters.", CORRECT),
    Entry(
        "CONTENT_TYPE_MALFORMED",
        INVALID,
        "A content type is a media type in lower case of at most 127 characters.",
        CORRECT,
    ),
    Entry("FILE_NAME_MALFORMED", INVALID, "A file name {problem}.", "Send the file under another name."),
    Entry("SESSION_INFO_MALFORMED", INVALID, "The session info is refused: {problem}.", FORMATS),
    Entry("STATEMENT_MALFORMED", INVALID, "The statement is refused: {problem}.", FORMATS),
    Entry("JOINT_STATEMENT_MALFORMED", INVALID, "The jointly signed statement is refused: {problem}.", FORMATS),
    Entry("DESCRIPTION_MALFORMED", INVALID, "The content description is refused: {problem}.", FORMATS),
    Entry("ENVELOPE_MALFORMED", INVALID, "The envelope's header is refused: {problem}.", FORMATS),
    Entry("KEY_CIPHERTEXT_MALFORMED", INVALID, "A key ciphertext is refused: {problem}.", FORMATS),
    Entry("CERTIFICATE_MALFORMED", INVALID, "The certificate is refused: {problem}.", FORMATS),
    Entry("SIGNER_KEY_UNSUITABLE", INVALID, "A signer cannot have this key to {purpose}.", "Make another key."),
    Entry(
        "KEY_IS_NO_HALF",
        PRECONDITION,
        "The certificate's key is no RSA key, and makes no joint key.",
        "Use a session of the separate scheme, or request a certificate for an RSA key.",
    ),
    Entry("NOT_A_MEMBER", PRECONDITION, "{name} is no member of this session now.", "See who is, and try again."),
    Entry(
        "NOT_A_RECIPIENT", PRECONDITION, "{name} is no recipient of this message.", "Only its recipients can open it."
    ),
    Entry(
        "AUTHORITY_UNSUITABLE",
        PRECONDITION,
        "This is not the certificate of an authority with an ECDSA key.",
        "Get the authority's certificate from the operator.",
    ),
    Entry("CERTIFICATE_NOT_ISSUED", PRECONDITION, "The authority did not issue this certificate.", DISTRUST),
    Entry("CERTIFICATE_OF_OTHER_USAGE", PRECONDITION, "The certificate is for another use.", DISTRUST),
    Entry(
        "CONTENT_DAMAGED",
        StatusCode.DATA_LOSS,
        "The sealed content does not open: it was damaged, or is of another message.",
        "Fetch it again; if that does not help, ask its author to send it again.",
    ),
    Entry(
        "CERTIFICATE_NOT_VALID",
        PRECONDITION,
        "The certificate is not valid at this time.",
        "Request a new one, or look at the clock.",
    ),
    Entry("CONTENT_KEY_MALFORMED", INVALID, "A content key has 32 bytes.", CORRECT),
    Entry("SEGMENT_LENGTH_WRONG", INVALID, "No segment of this length may come here.", CORRECT),
    Entry("TRAILER_MALFORMED", INVALID, "The message's trailer is refused: {problem}.", FORMATS),
    Entry("SIGNATURE_MALFORMED", INVALID, "The signature is refused: {problem}.", FORMATS),
    Entry("SCHEME_WRONG", PRECONDITION, "The session is of the {scheme} scheme.", "Sign and seal by that scheme."),
    Entry(
        "STATEMENT_OF_OTHER_CERTIFICATE",
        PRECONDITION,
        "The statement names other certificates.",
        "Use the certificates that it names, or make a new statement.",
    ),
    Entry(
        "AUTHOR_NOT_A_MEMBER",
        PRECONDITION,
        "The session's info does not have this author as a member.",
        "Join the session first.",
    ),
    Entry("REVOCATION_LIST_MALFORMED", INVALID, "The revocation list is refused: {problem}.", FORMATS),
    Entry("REVOCATION_LIST_NOT_ISSUED", PRECONDITION, "The authority did not issue this revocation list.", DISTRUST),
    Entry(
        "TIME_OUTSIDE_SESSION",
        PRECONDITION,
        "The statement's time is not in the session's.",
        "Make a new statement while the session lasts.",
    ),
    Entry(
        "RECIPIENT_NOT_A_MEMBER",
        PRECONDITION,
        "The session's info does not have a recipient, with that certificate, as a member.",
        "Make a new statement for its members.",
    ),
    Entry("SESSION_WRONG", PRECONDITION, "Statement, envelope and certificate are not of one session.", DISTRUST),
    Entry("ENVELOPE_MISMATCHED", PRECONDITION, "Statement and envelope name different people.", DISTRUST),
    Entry(
        "ENVELOPE_CERTIFICATE_WRONG",
        PRECONDITION,
        "The envelope's session certificate is of another session or purpose.",
        DISTRUST,
    ),
    Entry("DESCRIPTION_WRONG", PRECONDITION, "The statement commits to another description.", DISTRUST),
    Entry("CONTENT_WRONG", PRECONDITION, "The content is not the one that is described.", DISTRUST),
)
