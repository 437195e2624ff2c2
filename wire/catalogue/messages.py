"""Messages in contract sessions, as the agent sends, receives and answers them."""

from __future__ import annotations

from typing import Final

from grpc import StatusCode

from wire.catalogue.entry import INVALID, PRECONDITION, Entry

ENTRIES: Final = (
    Entry(
        "SOURCE_CHANGED",
        PRECONDITION,
        "The content {source} changed while it was being sent; nothing was signed.",
        "Send it again when nobody writes to it any more.",
    ),
    Entry(
        "SOURCE_NOT_REPEATABLE",
        StatusCode.ABORTED,
        "The content came from a stream that cannot be read again, and must be: {problem}; nothing was signed.",
        "Send it from a file.",
    ),
    Entry(
        "CONTENT_TOO_LONG",
        INVALID,
        "Evidence from a stream has at most {maximum} bytes; nothing was signed.",
        "Send it from a file.",
    ),
    Entry(
        "SENDING_ALREADY",
        StatusCode.ALREADY_EXISTS,
        "Another program of yours is sending {name} to the same recipients.",
        "Wait for it.",
    ),
    Entry(
        "RECIPIENT_CHANGED",
        StatusCode.ABORTED,
        "{name} got new certificates while the message was being sent; nothing was signed.",
        "Send it again.",
    ),
    Entry(
        "NOBODY_TO_SEND_TO",
        PRECONDITION,
        "The session {session_id} has no other member whom this could be sent to.",
        "Wait until somebody joins.",
    ),
    Entry("MESSAGE_NOT_FOUND", StatusCode.NOT_FOUND, "You have no message {number}.", "See: fourseal inbox."),
    Entry(
        "MAILBOX_BUSY",
        PRECONDITION,
        "Another program of yours is receiving in session {session_id}.",
        "Look there, or end it.",
    ),
    Entry(
        "ENVELOPE_MISDIRECTED",
        StatusCode.ABORTED,
        "The media server delivered another envelope, or one of another session, as {envelope_id}.",
        "It was thrown away. Tell the operator.",
    ),
    Entry(
        "ENVELOPE_REPEATED",
        StatusCode.ALREADY_EXISTS,
        "A message of {author} that is here already came once more in another envelope.",
        "It was thrown away. Somebody repeats messages: tell its author and the operator.",
    ),
    Entry(
        "MESSAGE_WITHHELD",
        StatusCode.DATA_LOSS,
        "Message {number} of {author} was signed for you, and the media server did not deliver it.",
        "Look again later; then ask its author to send it again, and the operator why.",
    ),
    Entry(
        "MESSAGE_HELD",
        StatusCode.UNAVAILABLE,
        "Message {number} of {author} is held by your gateway: two keys claim to be {author}'s.",
        "It comes when it is found out whose key is genuine: fourseal guard alarms says how that stands.",
    ),
    Entry(
        "MESSAGE_NOT_VERIFIED",
        PRECONDITION,
        "Message {number} is not verified, and so is not accepted: {problem}.",
        "Ask its author.",
    ),
    Entry(
        "ANSWERED_ALREADY",
        StatusCode.ALREADY_EXISTS,
        "You have answered message {number} already: {decision}.",
        "An answer stands. Send a message if there is more to say.",
    ),
    Entry(
        "COMMAND_UNKNOWN",
        INVALID,
        "There is no command /{command} here.",
        "Use /file, /accept, /reject, /members, /quit.",
    ),
    Entry("CONTENT_CHOICE_WRONG", INVALID, "A message is a file or a text.", "Name a file, or use --text; not both."),
    Entry("REASON_MISSING", INVALID, "A message is rejected for a reason.", "Say which."),
    Entry("ANSWER_TO_ANSWER", INVALID, "Message {number} is an answer itself.", "Reply to it instead."),
)
