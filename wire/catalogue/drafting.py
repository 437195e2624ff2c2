"""Contracts as documents: drafted, signed, consented to, finished. What is wrong with a file: ``watermark``."""

from __future__ import annotations

from typing import Final

from grpc import StatusCode

from wire.catalogue.entry import CORRECT, DENIED, FORMATS, INVALID, PRECONDITION, Entry

_SEE: Final = "See how it stands: fourseal contract show."

ENTRIES: Final[tuple[Entry, ...]] = (
    Entry("CONTRACT_ID_MALFORMED", INVALID, 'A contract id is "contract-" and 26 characters of [a-z2-7].', CORRECT),
    Entry("TITLE_MALFORMED", INVALID, "A contract's title {problem}.", CORRECT),
    Entry("CONTRACT_STATEMENT_MALFORMED", INVALID, "The statement about a contract is refused: {problem}.", FORMATS),
    Entry("CONTRACT_EVIDENCE_MALFORMED", INVALID, "The contract's evidence is refused: {problem}.", FORMATS),
    Entry(
        "CONTRACT_MARK_INVALID",
        INVALID,
        "The mark of {account} is not by the key that its statement names.",
        "Sign again; if it came from somebody else, do not trust it.",
    ),
    Entry(
        "CONTRACT_ANSWER_WRONG",
        PRECONDITION,
        "What the server shows of a contract does not hold: {problem}.",
        "Sign nothing of it, and ask the operator.",
    ),
    Entry(
        "CONTRACT_DOCUMENT_WRONG",
        PRECONDITION,
        "The document that the server made is not the contract that was signed: {check} of {who}: {problem}.",
        "It was not signed. Ask the operator, and do not sign it elsewhere.",
    ),
    Entry(
        "CONTRACT_NOT_FOUND",
        StatusCode.NOT_FOUND,
        "There is no such contract, or you are no party of it.",
        "See fourseal contract list.",
    ),
    Entry(
        "CONTRACT_PAGES_DIFFER",
        PRECONDITION,
        "The PDF is another one than this agent makes of the same draft; it was not signed.",
        "The server lies, or has another version of Fourseal or of the fonts. Ask the operator; or look at every page "
        "(fourseal contract get --pdf), and repeat fourseal contract finish with --pages-seen.",
    ),
    Entry(
        "CONTRACT_PAGES_UNCOMPARED",
        PRECONDITION,
        "What the pages of the PDF show was not compared with the draft, and it was not signed: this machine lacks the "
        "font {file}.",
        "Install the packages fonts-noto-cjk and fonts-noto-core of Debian; or look at every page (fourseal contract "
        "get --pdf), and repeat fourseal contract finish with --pages-seen.",
    ),
    Entry("CONTRACT_PARTIES_WRONG", INVALID, "These cannot be the parties of a contract: {problem}.", CORRECT),
    Entry(
        "TOO_MANY_CONTRACTS",
        StatusCode.RESOURCE_EXHAUSTED,
        "The account has made {limit} contracts within a day.",
        "Wait until the first of them is a day old.",
    ),
    Entry("CONTRACT_STATE_WRONG", PRECONDITION, "This is not possible now: the contract is {state}.", _SEE),
    Entry(
        "PEN_NOT_HELD",
        DENIED,
        "{account} has the pen, and nobody else can change the draft.",
        "Ask for the pen: fourseal contract pass.",
    ),
    Entry(
        "DRAFT_TOO_LARGE",
        INVALID,
        "The draft has {size} bytes, at most {maximum} are allowed.",
        "Make its pictures smaller.",
    ),
    Entry(
        "DRAFT_QUOTA_EXCEEDED",
        StatusCode.RESOURCE_EXHAUSTED,
        "All versions of a contract together have at most {limit} bytes.",
        "Refuse it, and begin another one with the last version.",
    ),
    Entry(
        "DRAFT_VERSION_NOT_FOUND",
        StatusCode.NOT_FOUND,
        "The contract has no version {number}.",
        _SEE,
    ),
    Entry(
        "DRAFT_VERSION_STALE",
        StatusCode.ABORTED,
        "The last version is {last} by now.",
        "Take that one (fourseal contract get), see what changed (fourseal contract diff), and start over from it.",
    ),
    Entry(
        "TOO_MANY_DRAFT_VERSIONS",
        StatusCode.RESOURCE_EXHAUSTED,
        "The contract has {limit} versions.",
        "Refuse it, and begin another one with the last version.",
    ),
    Entry(
        "CONTRACT_STATEMENT_WRONG",
        PRECONDITION,
        "The statement does not say what the contract is: {problem}.",
        _SEE,
    ),
    Entry(
        "CONTRACT_TEXT_DIFFERS",
        PRECONDITION,
        "The text that {account} signed is not that of version {number}. The contract went back to editing.",
        "Compare what each of you sees (fourseal contract get), and confirm a version again.",
    ),
    Entry(
        "CONTRACT_CERTIFICATE_ENDED",
        PRECONDITION,
        "The certificate of {account} was revoked, or its time is over.",
        "Go back to editing, and have that account confirm with another certificate.",
    ),
    Entry(
        "CONTRACT_REVISION_STALE",
        StatusCode.ABORTED,
        "Another party has signed the PDF meanwhile: its last revision is {last}.",
        "Take that one, and sign it again: fourseal contract finish does.",
    ),
    Entry(
        "PDF_REVISION_WRONG",
        INVALID,
        "The signed PDF is refused: {problem}.",
        "Take the last revision, and add your signature to it and nothing else.",
    ),
    Entry("PDF_SIGNED_BEFORE", PRECONDITION, "You have signed this PDF.", _SEE),
)
