"""Confirmed transactions: what is none, what does not hold, and what comes too late or once too often."""

from __future__ import annotations

from typing import Final

from grpc import StatusCode

from wire.catalogue.entry import CORRECT, DENIED, FORMATS, INVALID, PRECONDITION, UNAVAILABLE, Entry

_ANEW: Final = "Propose a new transaction."
_CLOCKS: Final = "Set the clocks of terminal and device, and propose a new transaction."

ENTRIES: Final[tuple[Entry, ...]] = (
    Entry("AMOUNT_MALFORMED", INVALID, "The amount is refused: {problem}.", CORRECT),
    Entry("TRANSACTION_MALFORMED", INVALID, "The transaction is refused: {problem}.", FORMATS),
    Entry("TRANSACTION_TEXT_MALFORMED", INVALID, "A transaction's text {problem}.", CORRECT),
    Entry("BINDING_MALFORMED", INVALID, "What the device signed is refused: {problem}.", FORMATS),
    Entry(
        "CODE_MISTYPED",
        INVALID,
        "This is no confirmation code: {problem}.",
        "Type it again as the device shows it. This was no try.",
    ),
    Entry(
        "PICTURE_MALFORMED",
        INVALID,
        "The picture that was scanned has no confirmation code.",
        "Scan the picture that the device shows, or type the code.",
    ),
    Entry(
        "PICTURE_OF_OTHER_TRANSACTION",
        PRECONDITION,
        "The picture that was scanned is of another transaction.",
        "Confirm this transaction at the device, and scan what it shows then.",
    ),
    Entry(
        "PICTURE_TOO_OLD",
        PRECONDITION,
        "The picture that was scanned is older than {seconds} seconds.",
        "Scan the device's display itself, and not a picture of it.",
    ),
    Entry(
        "BINDING_OF_OTHER_TRANSACTION",
        PRECONDITION,
        "The device signed another transaction than this.",
        "Do not trust the terminal: it changed the transaction after it was signed.",
    ),
    Entry(
        "BACK_END_WRONG",
        PRECONDITION,
        "The transaction is for the back end {back_end}, or its code is sealed for another.",
        "Send it there, or propose it anew with this back end's name and certificate.",
    ),
    Entry(
        "BINDING_OF_OTHER_CERTIFICATE",
        PRECONDITION,
        "The transaction names another signer, or another certificate, than the one shown.",
        "Propose it at the device of the account that it names.",
    ),
    Entry(
        "CODE_VARIANT_REFUSED",
        PRECONDITION,
        "The back end does not take codes of the variant {variant}.",
        "Set the device to a variant that the back end takes.",
    ),
    Entry(
        "BINDING_TIME_WRONG",
        PRECONDITION,
        "The times of code and transaction do not fit each other.",
        _CLOCKS,
    ),
    Entry("CODE_UNREADABLE", PRECONDITION, "The sealed code does not open for this transaction.", _ANEW),
    Entry(
        "CODE_WRONG",
        DENIED,
        "The confirmation code is not the one of this transaction. {left} more may be tried.",
        "Type the code that the device shows for this transaction. After three wrong codes propose a new one.",
    ),
    Entry(
        "CODE_USED",
        PRECONDITION,
        "The transaction was confirmed before.",
        "Look how it stands, before you propose another one.",
    ),
    Entry("CODE_GONE", PRECONDITION, "The device shows a code once, for a minute at most.", _ANEW),
    Entry("TRANSACTION_EXPIRED", PRECONDITION, "The transaction, or its code, has ended.", _ANEW),
    Entry("TRANSACTION_CLOSED", PRECONDITION, "The transaction is {state} already.", _ANEW),
    Entry(
        "TRANSACTION_STATE_WRONG",
        PRECONDITION,
        "The transaction is {state}: this is not its turn.",
        "Have it signed first, then confirmed, then executed.",
    ),
    Entry("TRANSACTION_BOUND", PRECONDITION, "The transaction was signed with another code before.", _ANEW),
    Entry("CLOCKS_DIFFER", PRECONDITION, "It comes from later than now: clocks are too far apart.", _CLOCKS),
    Entry(
        "SIGNER_WRONG",
        DENIED,
        "The transaction is for {name} to sign.",
        "Propose it at the device of that account, or a transaction of your own.",
    ),
    Entry(
        "PARTY_UNVERIFIED",
        PRECONDITION,
        "The name of {name} was not verified, so the transaction cannot be shown.",
        "Have the terminal bring that account's certificate.",
    ),
    Entry(
        "TRANSACTION_UNREAD",
        PRECONDITION,
        "The transaction was not read to its end: {pages} pages were not shown.",
        "Read all of it, then confirm.",
    ),
    Entry("TRANSACTION_RECORD_MALFORMED", INVALID, "The record of a transaction is refused: {problem}.", FORMATS),
    Entry(
        "TRANSACTION_NOT_FOUND",
        StatusCode.NOT_FOUND,
        "There is no such transaction of yours.",
        "See the list of transactions.",
    ),
    Entry(
        "TRANSACTION_KIND_UNKNOWN",
        INVALID,
        "This back end executes no transactions of the kind {kind}.",
        "Take a kind that it executes, or have its operator set transaction_executors.",
    ),
    Entry(
        "TRANSACTION_REPEATED",
        StatusCode.ALREADY_EXISTS,
        "The signer's request id was used for another transaction, or by another terminal.",
        "Propose it with a fresh request id.",
    ),
    Entry(
        "TOO_MANY_TRANSACTIONS",
        StatusCode.RESOURCE_EXHAUSTED,
        "{limit} transactions of this terminal are waiting, of all signers or of this one.",
        "Have some confirmed or refused first, or wait until they expire.",
    ),
    Entry(
        "SIGNER_CERTIFICATE_WRONG",
        PRECONDITION,
        "The certificate that the device signed with is refused: {problem}.",
        "Sign with a certificate of the transaction's signer that holds.",
    ),
    Entry(
        "BACK_END_NOT_READY",
        UNAVAILABLE,
        "The back end has no key for confirmation codes yet.",
        "Try again in a minute; then ask its operator.",
    ),
    Entry("DISPLAY_TOO_SMALL", PRECONDITION, "The display is {problem}.", "Make it larger."),
)
