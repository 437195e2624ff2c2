"""The signing device: what terminals hear from it, and its user."""

from __future__ import annotations

from typing import Final

from grpc import StatusCode

from wire.catalogue.entry import PRECONDITION, UNAVAILABLE, Entry

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
)
