"""Organisation keys in trust: grants and uses."""

from __future__ import annotations

from typing import Final

from grpc import StatusCode

from wire.catalogue.entry import DENIED, DISTRUST, FORMATS, INVALID, PRECONDITION, Entry

ENTRIES: Final[tuple[Entry, ...]] = (
    Entry(
        "TRUST_STATEMENT_MALFORMED",
        INVALID,
        "The statement about an organisation's key is refused: {problem}.",
        FORMATS,
    ),
    Entry(
        "EXPORT_MALFORMED",
        INVALID,
        "The file is refused as a records export: {problem}.",
        "Export the records anew, or have the file sent again: it was damaged or cut short.",
    ),
    Entry(
        "ORGANISATION_NOT_FOUND",
        StatusCode.NOT_FOUND,
        "There is no organisation {organisation}.",
        "Ask its administrators, or the operator, for its name.",
    ),
    Entry(
        "NOT_AN_ADMINISTRATOR",
        DENIED,
        "The account {name} does not administer {organisation}.",
        "Log in as an account that does: fourseal org show names them.",
    ),
    Entry(
        "PERSONAL_CERTIFICATE_WRONG",
        PRECONDITION,
        "The statement is not signed by a personal certificate of the account that holds: {problem}.",
        "See fourseal certificate list, or ask for one: fourseal certificate request.",
    ),
    Entry(
        "GRANT_NOT_FOUND",
        StatusCode.NOT_FOUND,
        "There is no such grant, or it is none of yours.",
        "See fourseal grant list.",
    ),
    Entry(
        "GRANT_REQUEST_WRONG",
        PRECONDITION,
        "The request does not fit the organisation: {problem}.",
        "See fourseal org show, and ask again.",
    ),
    Entry(
        "TOO_MANY_GRANTS",
        StatusCode.RESOURCE_EXHAUSTED,
        "The account has asked for {limit} grants within a day.",
        "Wait until the first of them is a day old.",
    ),
    Entry("OWN_GRANT", DENIED, "Nobody decides about a grant of their own.", "Have another administrator decide."),
    Entry(
        "GRANT_ORDER_WRONG",
        PRECONDITION,
        "This cannot be ordered of the grant: {problem}.",
        "See how it stands: fourseal grant show.",
    ),
    Entry(
        "USE_REFUSED",
        DENIED,
        "The grant does not allow this use: {cause}. It is recorded under number {number}.",
        "See fourseal grant show, and ask for another grant if you need one.",
    ),
    Entry(
        "TOO_MANY_REFUSED_USES",
        StatusCode.RESOURCE_EXHAUSTED,
        "The grant does not allow this use: {cause}. It was refused {limit} times, and no more of that is recorded.",
        "See fourseal grant show, and ask for another grant if you need one.",
    ),
    Entry(
        "USE_NOT_FOUND",
        StatusCode.NOT_FOUND,
        "There is no use of that request id by this agent.",
        "Begin it first: the request id is that of its request.",
    ),
    Entry(
        "USE_ENDED",
        PRECONDITION,
        "The use has ended, and its result is gone: {problem}.",
        "Ask for another use.",
    ),
    Entry(
        "TRUST_ANSWER_WRONG",
        PRECONDITION,
        "What the server shows of an organisation's key does not hold: {problem}.",
        DISTRUST,
    ),
    Entry(
        "PRIVATE_KEY_IN_CUSTODY",
        PRECONDITION,
        "The private key of {key_id} stays in custody.",
        "Use it under a grant; it cannot be taken out.",
    ),
)
