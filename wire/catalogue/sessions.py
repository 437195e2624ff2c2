"""Contract sessions: membership, times, statements, decryption."""

from __future__ import annotations

from typing import Final

from grpc import StatusCode

from wire.catalogue.entry import CORRECT, DENIED, INVALID, PRECONDITION, Entry

ENTRIES: Final = (
    Entry(
        "SESSION_NOT_FOUND",
        StatusCode.NOT_FOUND,
        "There is no session {session_id} that you were invited to.",
        "List your sessions.",
    ),
    Entry(
        "SESSION_NOT_JOINED",
        PRECONDITION,
        "You were invited to the session {session_id}, and have not joined it.",
        "Join it: fourseal session join SESSION.",
    ),
    Entry(
        "SESSION_CERTIFICATE_UNKNOWN",
        StatusCode.NOT_FOUND,
        "No revision of session {session_id} has a certificate with this fingerprint.",
        "Do not trust who named it.",
    ),
    Entry("ACCOUNT_UNKNOWN", PRECONDITION, "There is no account {name} in use.", "Check the name."),
    Entry(
        "SESSION_SIZE_WRONG",
        INVALID,
        "A session has 2 to 50 people, members and invited together, not {found}.",
        "Invite others, or fewer.",
    ),
    Entry("SESSION_TIME_WRONG", INVALID, "The session's time is refused: {problem}.", CORRECT),
    Entry(
        "SESSION_KEYS_UNSUITABLE",
        PRECONDITION,
        "This session's joint keys need {wanted} to sign and to decrypt, and your certificates are of other keys.",
        "Request certificates for such keys, or use a session of the separate scheme.",
    ),
    Entry(
        "CERTIFICATE_ENDS_EARLY",
        PRECONDITION,
        "Your certificates end at {certificate_end_time}, before session {session_id} does, at {end_time}.",
        "Renew your certificates and log in with the new ones, or create a session that ends earlier.",
    ),
    Entry("NOT_THE_CREATOR", DENIED, "Only {creator}, who made the session, may do this.", "Ask its creator."),
    Entry("NOT_INVITED", PRECONDITION, "You have left session {session_id}.", "Ask its creator to invite you again."),
    Entry(
        "SESSION_CLOSED",
        PRECONDITION,
        "Session {session_id} is closed; its signing share was destroyed.",
        "Create a new session; what was sent in this one can still be opened.",
    ),
    Entry("SESSION_NOT_BEGUN", PRECONDITION, "Session {session_id} begins at {begin_time}.", "Wait until then."),
    Entry("SESSION_ENDED", PRECONDITION, "Session {session_id} ended at {end_time}.", "Create a new session."),
    Entry(
        "SESSION_CHANGED",
        StatusCode.ABORTED,
        "The members of session {session_id} have changed: it is at revision {revision} now.",
        "Fetch the session, check what has changed, and make a new statement.",
    ),
    Entry("NOT_THE_AUTHOR", DENIED, "The statement is by {name}, and you are somebody else.", "Sign your own."),
    Entry(
        "AUTHOR_CERTIFICATE_WRONG",
        PRECONDITION,
        "The statement names another certificate than the one that your login has proved.",
        "Join the session again with your active certificates.",
    ),
    Entry(
        "STATEMENT_TIME_OFF",
        PRECONDITION,
        "The statement's time is {seconds} seconds off; {maximum} are allowed.",
        "Set the clock right, and make a new statement.",
    ),
    Entry(
        "SEQUENCE_REPEATED",
        StatusCode.ABORTED,
        "The sequence number {sequence} is not above {last}, the last one that you used in this session.",
        "Make a new statement with a higher number.",
    ),
    Entry("RECIPIENT_UNKNOWN", PRECONDITION, "The recipient {name} is no member of this session now.", "See who is."),
    Entry(
        "RECIPIENT_CERTIFICATE_WRONG",
        PRECONDITION,
        "The statement names another certificate of {name} than the one that {name} joined with.",
        "Fetch the session. If it shows you that certificate, you were deceived: tell the others.",
    ),
    Entry(
        "RECIPIENT_NUMBER_WRONG",
        StatusCode.ABORTED,
        "The number of the message to {name} is {found}, must be {expected}.",
        "Make a new statement with the right number.",
    ),
    Entry(
        "ANSWERED_UNKNOWN",
        PRECONDITION,
        "What the statement answers was not signed in this session.",
        "Do not trust who sent it.",
    ),
    Entry(
        "ANSWERED_BEFORE",
        StatusCode.ALREADY_EXISTS,
        "You have answered that statement before.",
        "Send a message if you want to add something.",
    ),
)
