"""Contents looked over, for the operator: whether each is as it came, and what nobody needs.

It changes nothing, and a relay may be at work meanwhile. So names come before rows: the row of a file stands before the
file is made, and goes before the file does. And what seems wrong is looked up again before it is called so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from server.relay import store
from server.relay.content import ContentFolder, name_of
from server.relay.store import Envelope, EnvelopeState
from server.storage import Database
from wire.catalogue import ServiceError

_AT_A_TIME: Final = 100


@dataclass(frozen=True, slots=True)
class ContentReport:
    """What was found.

    Args:
        sound: finished envelopes that are as they came.
        damaged: ids of those that are not.
        left_over: names of files that nobody needs; the relay tries again and again to delete them.
    """

    sound: int
    damaged: list[str]
    left_over: list[str]


def inspect_contents(database: Database, folder: ContentFolder) -> ContentReport:
    """Read every finished envelope whole. Takes long; blocks.

    Raises:
        OSError: the folder cannot be read.
        ServiceError: STORAGE_UNAVAILABLE.
    """
    not_needed = set(folder.names())
    sound, damaged = 0, []
    for envelope in all_with_content(database):
        not_needed.discard(name_of(envelope.envelope_id, envelope.check_key))
        if envelope.state is not EnvelopeState.FINISHED:
            continue
        if _is_sound(folder, envelope):
            sound += 1
        elif _find(database, envelope.envelope_id) == envelope:  # else it was delivered meanwhile
            damaged.append(envelope.envelope_id)
    return ContentReport(sound, damaged, sorted(not_needed.intersection(folder.names())))


def all_with_content(database: Database) -> Iterator[Envelope]:
    """Envelopes that have content, finished or not. Blocks."""
    page = _page(database, "")
    while page:
        yield from page
        page = _page(database, page[-1].envelope_id)


def _page(database: Database, after: str) -> list[Envelope]:
    return database.read_now(lambda connection: store.list_with_content(connection, after, _AT_A_TIME))


def _find(database: Database, envelope_id: str) -> Envelope | None:
    return database.read_now(lambda connection: store.find_envelope(connection, envelope_id))


def _is_sound(folder: ContentFolder, envelope: Envelope) -> bool:
    try:
        content = folder.open(envelope.envelope_id, envelope.check_key)
    except (ServiceError, OSError):
        return False
    try:
        for number in range(envelope.segments):
            content.read(number)
    except ServiceError:
        return False
    finally:
        content.close()
    return sha256(envelope.header or b"").digest() == envelope.header_sha256
