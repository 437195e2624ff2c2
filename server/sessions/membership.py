"""Who is in a session: inviting, joining, leaving, removing. Each change makes a new revision (``revisions``).

Each happens in one transaction of the database, together with its record in the journal. What costs time is done
before: the certificates with which somebody joins are judged in a worker.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from contract.names import check_account_name
from server.clock import Clock
from server.identity import AccountState, Authority, Login, Logins, check_callers, find_account
from server.journal import Intent, Request, Result, run_at_once
from server.journal.runner import Change
from server.sessions.certificates import SignerPair, find_pair, require_suitable
from server.sessions.guard import find_own, proof_of, require_creator, require_open, require_time_left
from server.sessions.revisions import Revisions
from server.sessions.shared_primes import require_unshared_primes
from server.sessions.states import MemberState
from server.sessions.store import sessions as store
from server.sessions.store.sessions import Joining, Session, SessionMember
from server.storage import Database
from wire.catalogue import ServiceError


class Membership:
    """Changes who is in a session.

    Args:
        database: where sessions are.
        logins: says what a login has proved.
        authority: issues session certificates.
        clock: the time.
    """

    def __init__(self, database: Database, logins: Logins, authority: Authority, clock: Clock) -> None:
        self._database = database
        self._logins = logins
        self._authority = authority
        self._revisions = Revisions(authority)
        self._clock = clock

    async def invite(self, request: Request, login: Login, session_id: str, names: Sequence[str]) -> None:
        """Invite accounts. Those who are in the session already stay as they are.

        Raises:
            ServiceError: LOGIN_REQUIRED, PROOF_REQUIRED, SESSION_NOT_FOUND, NOT_THE_CREATOR, SESSION_CLOSED,
                SESSION_ENDED, ACCOUNT_UNKNOWN, SESSION_SIZE_WRONG, REQUEST_ID_REUSED.
            MalformedInput: ACCOUNT_NAME_MALFORMED.
        """
        invited = sorted(set(map(check_account_name, names)))

        def change(connection: Connection) -> Result:
            proof_of(self._logins, connection, login)
            session, _ = find_own(connection, session_id, login.account)
            require_creator(session, login.account)
            require_open(session)
            now = self._clock()
            require_time_left(session, now)
            there = store.find_members(connection, session_id, invited)
            new = [name for name in invited if name not in there or there[name].state is MemberState.LEFT]
            for name in new:
                store.put_member(connection, invited_member(connection, session_id, name, session.create_time))
            if new:
                self._revisions.renew(connection, session, now)
            return Result()

        await self._run(request, session_id, change)

    async def join(self, request: Request, login: Login, session_id: str) -> None:
        """Join with the certificates that the login has proved. Whoever has joined with them already stays as it is.

        Raises:
            ServiceError: LOGIN_REQUIRED, PROOF_REQUIRED, SESSION_NOT_FOUND, SESSION_CLOSED, SESSION_ENDED,
                NOT_INVITED, SESSION_KEYS_UNSUITABLE, CERTIFICATE_ENDS_EARLY, REQUEST_ID_REUSED.
            PeerMisbehaved: MODULUS_SHARES_PRIME; the culprit is the client.
        """
        pair = await asyncio.to_thread(self._judge, login, session_id)

        def change(connection: Connection) -> Result:
            proof = proof_of(self._logins, connection, login)
            session, member = find_own(connection, session_id, login.account)
            require_open(session)
            if (proof.sign_certificate, proof.encrypt_certificate) != (pair.sign.fingerprint, pair.encrypt.fingerprint):
                raise ServiceError("PROOF_REQUIRED")  # another pair was proved since it was judged
            now = self._clock()
            require_time_left(session, now)
            if member.state is MemberState.LEFT:
                raise ServiceError("NOT_INVITED", session_id=session_id)
            joined = joined_member(member, pair)
            if joined != member:
                require_unshared_primes(connection, session, member.name, pair)
                store.put_member(connection, joined)
                store.add_joining(connection, joining_of(member, pair, now))
                self._revisions.renew(connection, session, now)
            return Result()

        await self._run(request, session_id, change)

    async def leave(self, request: Request, login: Login, session_id: str) -> None:
        """Leave; also an invitation can be left. Who has left stays so.

        Raises:
            ServiceError: LOGIN_REQUIRED, PROOF_REQUIRED, SESSION_NOT_FOUND, SESSION_CLOSED, REQUEST_ID_REUSED.
        """

        def change(connection: Connection) -> Result:
            proof_of(self._logins, connection, login)
            session, member = find_own(connection, session_id, login.account)
            require_open(session)
            self._take_out(connection, session, member)
            return Result()

        await self._run(request, session_id, change)

    async def remove(self, request: Request, login: Login, session_id: str, name: str) -> None:
        """Make somebody leave.

        Raises:
            ServiceError: LOGIN_REQUIRED, PROOF_REQUIRED, SESSION_NOT_FOUND, NOT_THE_CREATOR, SESSION_CLOSED,
                NOT_A_MEMBER: never invited; REQUEST_ID_REUSED.
            MalformedInput: ACCOUNT_NAME_MALFORMED.
        """
        check_account_name(name)

        def change(connection: Connection) -> Result:
            proof_of(self._logins, connection, login)
            session, _ = find_own(connection, session_id, login.account)
            require_creator(session, login.account)
            require_open(session)
            member = store.find_member(connection, session_id, name)
            if member is None:
                raise ServiceError("NOT_A_MEMBER", name=name)
            self._take_out(connection, session, member)
            return Result()

        await self._run(request, session_id, change)

    def _judge(self, login: Login, session_id: str) -> SignerPair:
        def query(connection: Connection) -> tuple[Session, SignerPair]:
            if login.proof is None:
                raise ServiceError("PROOF_REQUIRED")
            session, _ = find_own(connection, session_id, login.account)
            return session, find_pair(connection, login.proof, self._authority.arc)

        session, pair = self._database.read_now(query)
        require_suitable(pair, session)
        return pair

    def _take_out(self, connection: Connection, session: Session, member: SessionMember) -> None:
        if member.state is not MemberState.LEFT:
            store.put_member(connection, replace(member, state=MemberState.LEFT))
            self._revisions.renew(connection, session, self._clock())

    async def _run(self, request: Request, session_id: str, change: Change) -> None:
        await run_at_once(self._database, check_callers, self._clock, Intent(request, session_id), change)


def invited_member(connection: Connection, session_id: str, name: str, session_time: datetime) -> SessionMember:
    """Somebody who is being invited to a session that was made at ``session_time``.

    Raises:
        ServiceError: ACCOUNT_UNKNOWN: there is no account of that name to which anybody can log in.
    """
    account = find_account(connection, name)
    if account is None or account.state is not AccountState.ACTIVE:
        raise ServiceError("ACCOUNT_UNKNOWN", name=name)
    return SessionMember(
        session_id=session_id,
        name=name,
        display_name=account.display_name,
        state=MemberState.INVITED,
        sign_fingerprint=None,
        encrypt_fingerprint=None,
        last_sequence=0,
        session_time=session_time,
    )


def joined_member(member: SessionMember, pair: SignerPair) -> SessionMember:
    """Somebody who joins with these certificates."""
    return replace(
        member,
        state=MemberState.JOINED,
        sign_fingerprint=pair.sign.fingerprint,
        encrypt_fingerprint=pair.encrypt.fingerprint,
    )


def joining_of(member: SessionMember, pair: SignerPair, now: datetime) -> Joining:
    """The certificates with which somebody joins, to be kept."""
    return Joining(
        session_id=member.session_id,
        name=member.name,
        sign_fingerprint=pair.sign.fingerprint,
        encrypt_fingerprint=pair.encrypt.fingerprint,
        sign_certificate=pair.sign_der,
        encrypt_certificate=pair.encrypt_der,
        join_time=now,
    )
