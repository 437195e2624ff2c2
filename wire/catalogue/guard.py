"""The guard against forged signers: announcements that do not hold, control messages, and how alarms stand."""

from __future__ import annotations

from typing import Final

from grpc import StatusCode

from wire.catalogue.entry import CORRECT, DENIED, DISTRUST, FORMATS, INVALID, PRECONDITION, UNAVAILABLE, Entry

_ANNOUNCE: Final = "Look at the clock, and announce the key anew."
_ASK: Final = "Look how the alarm stands: fourseal-server guard alarms."

ENTRIES: Final[tuple[Entry, ...]] = (
    Entry("CLAIM_MALFORMED", INVALID, "What is claimed of a sender is refused: {problem}.", CORRECT),
    Entry("ANNOUNCEMENT_MALFORMED", INVALID, "The announcement is refused: {problem}.", FORMATS),
    Entry("KEY_CHANGE_MALFORMED", INVALID, "The key change is refused: {problem}.", FORMATS),
    Entry("ALARM_MALFORMED", INVALID, "The alarm is refused: {problem}.", FORMATS),
    Entry("ACCOUNT_ALARM_MALFORMED", INVALID, "The alarm about an account is refused: {problem}.", FORMATS),
    Entry("HISTORY_MALFORMED", INVALID, "What is told of a history is refused: {problem}.", FORMATS),
    Entry("JUDGEMENT_MALFORMED", INVALID, "The judgement is refused: {problem}.", CORRECT),
    Entry("CONTROL_MALFORMED", INVALID, "The control message is refused: {problem}.", FORMATS),
    Entry("ANNOUNCEMENT_TIME_WRONG", PRECONDITION, "The announcement is too old, or from later than now.", _ANNOUNCE),
    Entry(
        "ANNOUNCEMENT_MISPLACED",
        INVALID,
        "The announcement is of another envelope, session, user or recipient than it came with.",
        DISTRUST,
    ),
    Entry(
        "ANNOUNCEMENT_OF_OTHER_CERTIFICATE",
        PRECONDITION,
        "The announcement names another user, certificate or key than the one shown.",
        DISTRUST,
    ),
    Entry(
        "KEY_CHANGE_UNPROVEN",
        PRECONDITION,
        "Neither the old key nor the log shows that the key was changed.",
        "Have the old key sign the change, or the registration authority decide it.",
    ),
    Entry(
        "TOO_MANY_ANNOUNCEMENTS",
        StatusCode.RESOURCE_EXHAUSTED,
        "The agent {agent} has announced to too many destinations within a few minutes.",
        "Wait until the window has passed, and send to fewer at a time.",
    ),
    Entry(
        "TOO_MANY_INVALID_ANNOUNCEMENTS",
        StatusCode.RESOURCE_EXHAUSTED,
        "Too many announcements of the agent {agent} did not hold. None is looked at for {seconds} seconds.",
        "Wait, and repair what makes them.",
    ),
    Entry("CONTROL_OF_OTHER_RECIPIENT", DENIED, "The control message is for somebody else.", DISTRUST),
    Entry(
        "CONTROL_TIME_WRONG",
        PRECONDITION,
        "The control message is too old, or from later than now.",
        "Look at the clocks, and sign it anew.",
    ),
    Entry("CONTROL_REPLAYED", DENIED, "A control message as new, or newer, was taken before.", "Sign it anew."),
    Entry("ALARM_STATE_WRONG", PRECONDITION, "The alarm is {state}: this is not its turn.", _ASK),
    Entry("ALARM_JUDGED", PRECONDITION, "The alarm was judged otherwise before: it is {state}.", _ASK),
    Entry(
        "ALARM_OF_OTHER_KEYS",
        PRECONDITION,
        "The judgement leaves out a key of the alarm.",
        "Say of both whether they are genuine.",
    ),
    Entry("CONTROL_OF_OTHER_ISSUER", DENIED, "The control message is not of the gateway that brings it.", DISTRUST),
    Entry(
        "GATEWAY_NAME_UNSUITABLE",
        PRECONDITION,
        "A gateway that the guard knows has a name of 1 to 63 characters of [a-z0-9._-]; this one's is another.",
        "Have it certified with a host name or an IPv4 address as its first --server-name.",
    ),
    Entry("STANDING_MALFORMED", INVALID, "What is decided of a gateway is refused: {problem}.", CORRECT),
    Entry(
        "GATEWAY_SHUT_OUT",
        DENIED,
        "The gateway {gateway} was shut out: the guard neither listens to it nor tells it anything.",
        "Ask the guard's operator why. Agents go by another gateway until it is readmitted.",
    ),
    Entry("ALARM_NOT_FOUND", StatusCode.NOT_FOUND, "There is no such alarm.", _ASK),
    Entry(
        "TOO_MANY_ALARMS",
        StatusCode.RESOURCE_EXHAUSTED,
        "Traffic of the account {account} is held for {limit} destinations already.",
        "Decide about those alarms first: fourseal-server guard alarms --open.",
    ),
    Entry(
        "ALARM_OF_OTHER_DESTINATION",
        DENIED,
        "The two keys were announced to somebody else than {account}.",
        "Ask for what is sent to the account that the pass is for.",
    ),
    Entry(
        "ALARM_OF_GUARD",
        PRECONDITION,
        "The guard deals with this alarm: its operator decides.",
        "Wait, or ask the server's operator.",
    ),
    Entry(
        "TOO_MANY_BLOCKS",
        StatusCode.RESOURCE_EXHAUSTED,
        "For the account {account}, {limit} alarms of peer mode are not over.",
        "Decide about those first: fourseal guard alarms.",
    ),
    Entry(
        "ENVELOPE_HELD",
        UNAVAILABLE,
        "The envelope {envelope_id} is held: two keys claim to be its author's.",
        "Wait until it is found out whose key is genuine, and fetch it then.",
    ),
    Entry(
        "ENVELOPE_QUARANTINED",
        DENIED,
        "The envelope {envelope_id} was sent by an impostor, and is not given out.",
        "Ask its author by another way whether it sent something.",
    ),
    Entry(
        "CHANNEL_BLACK_LISTED",
        DENIED,
        "The agent {agent} has sent as somebody else. Nothing is taken from it.",
        "If nobody else uses it, ask the server's operator.",
    ),
    Entry(
        "ANNOUNCEMENT_REFUSED",
        PRECONDITION,
        "The guard does not take the announcement of the key: {problem}.",
        "See what this reason means, and announce the key anew.",
    ),
    Entry(
        "TOO_MANY_REPORTS",
        StatusCode.RESOURCE_EXHAUSTED,
        "The gateway {gateway} has told of too many announcements. None is looked at for {seconds} seconds.",
        "Tell them later: nothing was taken of this report.",
    ),
)
