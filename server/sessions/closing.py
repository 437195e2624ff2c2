"""Closing sessions: the creator closes one, or the server itself when its time is over.

In one transaction the state becomes CLOSED, the signing share is erased, and the journal gets a record that proves it:
CloseSession, with the name that the share had (``key_id``), the SHA-256 of its public key (``digest``), when, and by
which account; the server's own closings are of the agent "-", which no agent can be called. After the commit the share
is dropped from memory, and from the database's logs. There is one such record for a session, for ever.

Whoever has every member's key then has one half of keys whose other half is nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from hashlib import sha256
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import Connection

from mpc.errors import FoursealError
from mpc.four_prime_rsa import Purpose
from server.clock import Clock
from server.custody import ShareCustody
from server.identity import Login, Logins, check_callers
from server.journal import Caller, Intent, Request, Result, run_at_once
from server.sessions.guard import find_own, proof_of, require_creator, require_proof
from server.sessions.shares import public_share, share_name
from server.sessions.store import sessions as store
from server.sessions.store.sessions import Session
from server.storage import Database
from wire.catalogue import ServiceError

METHOD: Final = "CloseSession"
_HOUSEKEEPING: Final = Caller("-", b"")  # no agent can have that name


class SessionClosing:
    """Closes sessions.

    Args:
        database: where they are.
        shares: where their shares are.
        logins: says what a login has proved.
        clock: the time.
    """

    def __init__(self, database: Database, shares: ShareCustody, logins: Logins, clock: Clock) -> None:
        self._database = database
        self._shares = shares
        self._logins = logins
        self._clock = clock

    async def close(self, request: Request, login: Login, session_id: str) -> None:
        """Close a session, for good.

        Raises:
            ServiceError: LOGIN_REQUIRED, PROOF_REQUIRED, SESSION_NOT_FOUND, NOT_THE_CREATOR, SESSION_CLOSED,
                REQUEST_ID_REUSED.
        """
        require_proof(self._logins, login)
        session, _ = await self._database.read(lambda connection: find_own(connection, session_id, login.account))

        def change(connection: Connection) -> Result:
            proof_of(self._logins, connection, login)
            require_creator(session, login.account)
            return self._close(session_id, connection)

        await run_at_once(self._database, check_callers, self._clock, _destruction(request, session), change)

    async def close_overdue(self) -> list[str]:
        """Close every open session whose time is over; their ids."""
        now = self._clock()
        overdue = await self._database.read(lambda connection: store.list_overdue(connection, now))
        closed = []
        for session in overdue:
            request = Request(_HOUSEKEEPING, f"close.{session.session_id}", METHOD, b"")
            change = partial(self._close, session.session_id)
            try:
                await run_at_once(self._database, _admit_ourselves, self._clock, _destruction(request, session), change)
                closed.append(session.session_id)
            except ServiceError as error:
                if error.reason != "SESSION_CLOSED":  # its creator was faster
                    raise
        return closed

    def _close(self, session_id: str, connection: Connection) -> Result:
        if not store.close_session(connection, session_id, self._clock()):
            raise ServiceError("SESSION_CLOSED", session_id=session_id)
        name = share_name(session_id, Purpose.SIGN)
        self._shares.erase(connection, name)
        return Result(afterwards=partial(self._shares.forget, name))


def _destruction(request: Request, session: Session) -> Intent:
    key = public_share(session, Purpose.SIGN).to_cryptography()
    digest = sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    return Intent(request, share_name(session.session_id, Purpose.SIGN), digest=digest)


def _admit_ourselves(_connection: Connection, callers: Sequence[Caller]) -> list[FoursealError | None]:
    return [None] * len(callers)
