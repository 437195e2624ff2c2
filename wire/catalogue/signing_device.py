"""The signing device: what terminals hear from it, and its user."""

from __future__ import annotations

from typing import Final

from grpc import StatusCode

from wire.catalogue.entry import DISTRUST, PRECONDITION, UNAVAILABLE, Entry

ENTRIES: Final[tuple[Entry, ...]] = (
    Entry(
        "DEVICE_BUSY",
        UNAVAILABLE,
        "The signing device shows another transaction.",
        "Confirm or refuse that one at the device, then repeat the request.",
    ),
    Entry(
        "REFUSED_AT_DEVICE",
        PRECONDITION,
        "The transaction was refused at the signing device.",
        "If that was a mistake, propose a new one.",
    ),
    Entry(
        "TRANSACTION_NOT_SHOWN",
        StatusCode.NOT_FOUND,
        "The signing device does not show this transaction.",
        "Present it there first.",
    ),
    Entry(
        "DISPLAY_CHANGED",
        StatusCode.ABORTED,
        "The display shows something else since, or has shown this for less than a second.",
        "Look at it again.",
    ),
    Entry(
        "DEVICE_RUNNING",
        PRECONDITION,
        "A signing device runs already for the agent in {folder}.",
        "Use that one, or end it.",
    ),
    Entry(
        "DISPLAY_MISSING",
        PRECONDITION,
        "A signing device needs a display of its own, and this is no terminal.",
        "Run it in a terminal window that no other program writes to.",
    ),
    Entry(
        "PAGE_PORT_TAKEN",
        PRECONDITION,
        "Nothing can listen on port {port} of 127.0.0.1.",
        "Stop what uses that port, or name another one: 0 finds a free one.",
    ),
    Entry(
        "TRANSACTION_ANSWER_WRONG",
        PRECONDITION,
        "What the server shows of a transaction does not hold: {problem}.",
        DISTRUST,
    ),
)
