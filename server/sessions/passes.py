"""Relay passes: who may do what at the media server, for ten minutes.

Members get a pass to post and fetch while the session is open and its time is not over. Afterwards, and when they have
left, whoever had joined gets one that fetches only: what was addressed to a member is still delivered.

The key that signs passes lives in this process alone: its certificate, which travels with every pass, is all that the
media server needs. A new key is made at the start, and every twelve hours.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import Connection

from contract.relay_pass import RelayPass
from server.clock import Clock
from server.identity import Authority, Login, Logins
from server.sessions.guard import find_own, require_proof
from server.sessions.states import MemberState, SessionState
from server.sessions.store import sessions as store
from server.storage import Database
from wire.catalogue import ServiceError

PASS_LIFETIME: Final = timedelta(minutes=10)
CLOCKS_DIFFER: Final = timedelta(minutes=2)  # the media server's and ours, at most
_KEY_LIFETIME: Final = timedelta(hours=12)
_CERTIFICATE_LIFETIME: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class _PassKey:
    private_key: ec.EllipticCurvePrivateKey = field(repr=False)
    certificate_der: bytes
    make_time: datetime


class RelayPasses:
    """Gives passes.

    Args:
        database: where sessions are.
        logins: says what a login has proved.
        authority: issues the certificate of the key that signs passes.
        clock: the time.
        quota_bytes: content of one author that may wait at the media server.
    """

    def __init__(
        self, database: Database, logins: Logins, authority: Authority, clock: Clock, *, quota_bytes: int
    ) -> None:
        self._database = database
        self._logins = logins
        self._authority = authority
        self._clock = clock
        self._quota_bytes = quota_bytes
        self._renewing = asyncio.Lock()
        self._key = self._make_key()

    async def give(self, login: Login, session_id: str) -> tuple[bytes, datetime]:
        """A pass as it travels, and its end.

        Raises:
            ServiceError: PROOF_REQUIRED, SESSION_NOT_FOUND; NOT_A_MEMBER: never joined; CUSTODY_UNAVAILABLE, when the
                authority's key is in a token that was away for half a day.
        """
        require_proof(self._logins, login)
        made = await self._database.read(lambda connection: self._make(connection, login, session_id))
        key = await self._current_key()
        return made.sign(key.private_key, key.certificate_der), made.end

    def _make(self, connection: Connection, login: Login, session_id: str) -> RelayPass:
        session, member = find_own(connection, session_id, login.account)
        if not store.list_joinings(connection, session_id, name=login.account):  # who is invited anew has joined too
            raise ServiceError("NOT_A_MEMBER", name=login.account)
        now = self._clock()
        running = session.state is SessionState.OPEN and session.begin_time <= now < session.end_time
        may_post = running and member.state is MemberState.JOINED
        recipients = {
            each.name
            for each in store.list_members(connection, [session_id])[session_id]
            if each.state is MemberState.JOINED
        }
        whole = now.replace(microsecond=0)
        return RelayPass(
            session_id=session_id,
            account=login.account,
            agent_certificate=login.caller.certificate_sha256,
            members=tuple(sorted(recipients)) if may_post else (login.account,),
            begin=whole - CLOCKS_DIFFER,
            end=whole + PASS_LIFETIME,
            session_end=session.end_time,
            may_post=may_post,
            quota_bytes=self._quota_bytes,
        )

    async def _current_key(self) -> _PassKey:
        async with self._renewing:
            age = self._clock() - self._key.make_time
            if age >= _KEY_LIFETIME:
                try:
                    self._key = await asyncio.to_thread(self._make_key)
                except ServiceError:  # the authority's token is away: this one's certificate lasts for a while
                    if age >= _CERTIFICATE_LIFETIME - 2 * PASS_LIFETIME:
                        raise
            return self._key

    def _make_key(self) -> _PassKey:
        now = self._clock()
        private_key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._authority.issue_relay_pass_certificate(private_key.public_key(), now, _CERTIFICATE_LIFETIME)
        return _PassKey(private_key, certificate.public_bytes(Encoding.DER), now)
