"""The terminal: what it lacks to go on with a transaction."""

from __future__ import annotations

from typing import Final

from wire.catalogue.entry import PRECONDITION, UNAVAILABLE, Entry

ENTRIES: Final[tuple[Entry, ...]] = (
    Entry(
        "DEVICE_NOT_NAMED",
        PRECONDITION,
        "The transaction has to be shown by a signing device, and none is named.",
        "Name its socket: --device SOCKET, or FOURSEAL_DEVICE.",
    ),
    Entry(
        "DEVICE_UNREACHABLE",
        UNAVAILABLE,
        "No signing device answers at {device}.",
        "Have its user start it (fourseal device run), or name another socket.",
    ),
    Entry(
        "NOT_PRESENTED",
        PRECONDITION,
        "No device has signed {transaction_id} yet.",
        "Present it: fourseal-terminal pay --resume TRANSACTION --device SOCKET.",
    ),
    Entry(
        "TRANSACTION_NOT_PROPOSED",
        PRECONDITION,
        "The transaction {transaction_id} is kept here, and the back end does not know it.",
        "Go on with it: fourseal-terminal pay --resume TRANSACTION.",
    ),
    Entry(
        "CONFIRMATION_CODE_MISSING",
        PRECONDITION,
        "The transaction {transaction_id} is signed; its code is needed, and nobody can be asked for it.",
        "Go on when the device shows it: fourseal-terminal pay --resume TRANSACTION --code CODE.",
    ),
    Entry(
        "PICTURE_READER_MISSING",
        PRECONDITION,
        "What reads pictures is not installed here.",
        "Install fourseal[terminal], or type the code.",
    ),
)
