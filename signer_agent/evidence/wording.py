"""What checks and their reasons mean, in words: for the table on a terminal and the report for a court."""

from __future__ import annotations

from typing import Final

from contract.bundle.checks import TRUST_MISSING
from contract.report import PREREQUISITE_FAILED, Outcome

MEANINGS: Final = {
    "authority": "The certificates are of the authority that the verifier knows.",
    "signature": "Author and session signed the statement together.",
    "author-certificate": "The authority issued the author's certificate for signing, and it was valid then.",
    "author-not-revoked": "The author's certificate had not been revoked when the statement was signed.",
    "session-certificate": "The authority issued the session's certificate for signing, and it was valid then.",
    "time": "The statement was signed within the times of the session.",
    "members": "Author and recipients were members of the session, with these certificates.",
    "description": "The description of the content is the one that was signed.",
    "content": "The content is the one described: its length and digest.",
    "sealed-content": "Sealed again, the content is what was deposited as evidence.",
    "trailer": "What was sealed behind the content is this statement and signature.",
    "record": "The log's entry has the record of this statement and signature.",
    "envelope-certificate": "The authority issued the session's certificate for encryption, and it was valid then.",
    "log": "The log whose key the verifier knows has the entry: its place in the log is proven.",
    "log-time": "The entry is not older than the statement.",
    "time-stamp": "An authority for time stamps that the verifier trusts stamped the log after that.",
    "answered": "The answer is one to this message.",
}
"""What each check says if it passed, by its name."""

REASONS: Final = {
    TRUST_MISSING: "the verifier was not told whom to believe here",
    PREREQUISITE_FAILED: "another check must pass first",
    "AUTHORITY_WRONG": "it is another authority than the one that the verifier knows",
    "CERTIFICATE_REVOKED": "the certificate had been revoked before",
    "REVOKED_BEFORE_PROVEN": "it was revoked before the signature is shown to have been there",
    "REVOCATION_LIST_MISSING": "the bundle has no revocation list",
    "REVOCATION_LIST_OUTDATED": "the revocation list is older than what shows when the signature was there",
    "SEALED_CONTENT_WRONG": "sealed again it is something else than what was deposited",
    "TRAILER_OF_OTHER_MESSAGE": "it is of another message",
    "RECORD_OF_OTHER_MESSAGE": "it is of another message",
    "LOGGED_BEFORE_SIGNED": "the entry is older than the statement",
    "TIME_STAMP_MISSING": "the bundle has no time stamp",
    "STAMPED_BEFORE_LOGGED": "the time stamp is older than the entry",
    "ANSWER_TO_ANOTHER": "it answers another message",
}
"""What the reasons mean that stand in reports alone. The others are errors: docs/errors.md."""


VERDICTS: Final = {
    Outcome.PASSED: "Every check passed.",
    Outcome.FAILED: "At least one check failed: the bundle does not show what it says.",
    Outcome.INDETERMINATE: "No check failed, but at least one could not be made with what was at hand.",
}
"""What each verdict means."""

LIMITS: Final = """\
The verification was made by a program from the bundle alone and from what the verifier believed beforehand, as
listed above. This report is not signed. Who has the bundle and the same beliefs can repeat it with the command
fourseal verify, or with OpenSSL as the file VERIFY.txt of the bundle says.

A signature shows that the keys of the account and of the session signed, not which person used the account's key,
nor what that person understood. The authority vouches that the account has the name of its certificate.

Times of statements are those of their authors, and times of log entries those of the evidence server. Only a time
stamp that passed is the word of an outside authority. Whether that authority's own certificate had been revoked is
not looked at.

Whether a certificate had been revoked was looked up in the list that the bundle brings, as of that list's time.

The log's proof shows that the entry is in the log of that size. That the log shows others the same is for its
witnesses, and those who kept its checkpoints, to compare.

An answer that is missing says nothing: it may not exist, may not be evidence, or may have been left out. The
content is not reproduced here; the digest says which it is.

Texts are as they stand in the bundle. Characters that cannot be shown stand as their Unicode number in braces,
behind a backslash and a u.
"""
"""What a report does not say, in paragraphs."""


def reason_text(reason: str) -> str:
    """A reason with what it means, where that is known here; empty for none."""
    return f"{reason}: {REASONS[reason]}" if reason in REASONS else reason
