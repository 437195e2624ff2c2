"""Looks through all key shares: whether each is there, and opens as the half of its key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from server.custody import ShareCustody
from server.signing import store
from server.signing.opened_keys import server_share_of
from server.signing.states import KeyState
from server.signing.store import Key
from server.storage import Database, PageCursor
from wire.catalogue import ServiceError

_WITHOUT_SHARE: Final = frozenset({KeyState.DESTROYED, KeyState.ABORTED})
_AT_A_TIME: Final = 500


@dataclass(frozen=True, slots=True)
class ShareInspection:
    """What was found.

    Args:
        sound: how many shares opened.
        damaged: ids of keys whose share is missing or does not open.
        left_over: ids of keys whose share should have been erased.
    """

    sound: int
    damaged: list[str]
    left_over: list[str]


def inspect_shares(database: Database, shares: ShareCustody) -> ShareInspection:
    """Open every share. Takes some milliseconds each.

    Raises:
        ServiceError: STORAGE_UNAVAILABLE.
    """
    sound, damaged, left_over = 0, list[str](), list[str]()
    for key in _all_keys(database):
        wanted = key.state not in _WITHOUT_SHARE
        there = _opens(shares, key)
        if wanted and there:
            sound += 1
        elif wanted:
            damaged.append(key.key_id)
        elif there is not None:
            left_over.append(key.key_id)
    return ShareInspection(sound, damaged, left_over)


def _opens(shares: ShareCustody, key: Key) -> bool | None:
    """Whether the share of a key opens; None if there is none."""
    try:
        return True if shares.open(key.key_id, server_share_of(key)) is not None else None
    except ServiceError as error:
        if error.reason != "SHARE_DAMAGED":
            raise
        return False


def _all_keys(database: Database) -> Iterator[Key]:
    after: PageCursor | None = None
    while True:
        keys = database.read_now(partial(store.list_keys, agent_id=None, after=after, limit=_AT_A_TIME))
        yield from keys
        if len(keys) < _AT_A_TIME:
            return
        after = PageCursor(keys[-1].create_time, keys[-1].key_id)
