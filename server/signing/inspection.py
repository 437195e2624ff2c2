"""Looks through key shares: whether each that must be there is, and opens as what it is said to be.

``inspect_shares`` opens; what there must be is said by those whose shares they are: here ``expected_shares`` for joint
keys, and other systems for theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from mpc.four_prime_rsa import PublicShare
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
class ExpectedShare:
    """A share that must be in custody, or must not be there any more.

    Args:
        name: in custody.
        public: its public half.
        wanted: whether it must be there.
    """

    name: str
    public: PublicShare
    wanted: bool


@dataclass(frozen=True, slots=True)
class ShareInspection:
    """What was found.

    Args:
        sound: how many shares opened.
        damaged: names of shares that are missing or do not open.
        left_over: names of shares that should have been erased.
    """

    sound: int
    damaged: list[str]
    left_over: list[str]


def inspect_shares(shares: ShareCustody, expected: Iterable[ExpectedShare]) -> ShareInspection:
    """Open every share, and use it where that is how to see it. Takes some milliseconds each.

    Raises:
        ServiceError: STORAGE_UNAVAILABLE, CUSTODY_UNAVAILABLE.
    """
    sound, damaged, left_over = 0, list[str](), list[str]()
    for share in expected:
        there = _opens(shares, share)
        if share.wanted and there:
            sound += 1
        elif share.wanted:
            damaged.append(share.name)
        elif there is not None:
            left_over.append(share.name)
    return ShareInspection(sound, damaged, left_over)


def expected_shares(database: Database) -> Iterator[ExpectedShare]:
    """The server's share of every joint key.

    Raises:
        ServiceError: STORAGE_UNAVAILABLE.
    """
    for key in _all_keys(database):
        yield ExpectedShare(key.key_id, server_share_of(key), wanted=key.state not in _WITHOUT_SHARE)


def _opens(shares: ShareCustody, share: ExpectedShare) -> bool | None:
    """Whether a share opens; None if it is not there."""
    try:
        opened = shares.open(share.name, share.public)
        return None if opened is None else shares.holder.works(opened)
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
