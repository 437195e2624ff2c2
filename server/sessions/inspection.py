"""Looks through the shares of all sessions: whether each is there that must be, opens, and none is left over."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from mpc.four_prime_rsa import Purpose
from server.sessions.shares import public_share, share_name
from server.sessions.states import SessionState
from server.sessions.store import sessions as store
from server.sessions.store.sessions import Session
from server.signing import ExpectedShare
from server.storage import Database, PageCursor

_AT_A_TIME: Final = 500


def expected_shares(database: Database) -> Iterator[ExpectedShare]:
    """Both shares of every session; the signing share of a closed one must be gone.

    Raises:
        ServiceError: STORAGE_UNAVAILABLE.
    """
    for session in _all_sessions(database):
        for purpose, wanted in ((Purpose.SIGN, session.state is SessionState.OPEN), (Purpose.DECRYPT, True)):
            name = share_name(session.session_id, purpose)
            yield ExpectedShare(name, public_share(session, purpose), wanted=wanted)


def _all_sessions(database: Database) -> Iterator[Session]:
    after: PageCursor | None = None
    while True:
        sessions = database.read_now(partial(store.list_sessions, after=after, limit=_AT_A_TIME))
        yield from sessions
        if len(sessions) < _AT_A_TIME:
            return
        after = PageCursor(sessions[-1].create_time, sessions[-1].session_id)
