"""What callers read of sessions: one, their own, and the certificates of any revision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from contract.session_info import SessionInfo
from mpc.four_prime_rsa import Purpose
from server.identity import Authority, Login, Logins
from server.sessions.certificates import read_session_certificate
from server.sessions.guard import find_own, require_proof
from server.sessions.store import sessions as store
from server.sessions.store import statements
from server.sessions.store.sessions import Joining, Revision, Session, SessionMember
from server.storage import Database, Page, PageCursor
from server.storage.paging import cut_page
from wire.catalogue import ServiceError

MAX_LISTED: Final = 100
"""Sessions of a page at most: each has up to 50 members."""
DEFAULT_LISTED: Final = 20


@dataclass(frozen=True, slots=True)
class MemberView:
    """Somebody in a session as the caller sees it.

    Args:
        member: who, and where it stands.
        joining: the certificates of its last joining; None if it never joined, and in lists.
        messages_to_caller, messages_from_caller: how many were signed.
    """

    member: SessionMember
    joining: Joining | None = None
    messages_to_caller: int = 0
    messages_from_caller: int = 0


@dataclass(frozen=True, slots=True)
class SessionView:
    """A session as the caller sees it; without its newest certificates in lists."""

    session: Session
    members: Sequence[MemberView]
    revision: Revision | None = None


@dataclass(frozen=True, slots=True)
class RevisionView:
    """The certificates of a revision, and those of its members in the order of its session info."""

    revision: Revision
    joinings: Sequence[Joining]


class SessionReading:
    """Reads sessions.

    Args:
        database: where they are.
        logins: says what a login has proved.
        authority: whose arc the certificates use.
    """

    def __init__(self, database: Database, logins: Logins, authority: Authority) -> None:
        self._database = database
        self._logins = logins
        self._authority = authority

    async def get(self, login: Login, session_id: str) -> SessionView:
        """One session.

        Raises:
            ServiceError: PROOF_REQUIRED; SESSION_NOT_FOUND, also for who was never invited.
        """
        require_proof(self._logins, login)
        return await self._database.read(lambda connection: _view(connection, session_id, login.account))

    async def list(self, login: Login, page_size: int, page_token: str) -> Page[SessionView]:
        """A page of the sessions that the caller was invited to, newest first.

        Raises:
            ServiceError: PROOF_REQUIRED, FIELD_INVALID, PAGE_TOKEN_INVALID.
        """
        require_proof(self._logins, login)
        if not 0 <= page_size <= MAX_LISTED:
            raise ServiceError("FIELD_INVALID", field="page_size", problem=f"not in 0 to {MAX_LISTED}")
        limit, after = page_size or DEFAULT_LISTED, PageCursor.from_token(page_token)

        def query(connection: Connection) -> list[SessionView]:
            sessions = store.list_sessions_of(connection, login.account, after, limit + 1)
            members = store.list_members(connection, [session.session_id for session in sessions])
            return [
                SessionView(session, [MemberView(member) for member in members[session.session_id]])
                for session in sessions
            ]

        return cut_page(
            await self._database.read(query),
            limit,
            lambda view: PageCursor(view.session.create_time, view.session.session_id),
        )

    async def certificates(self, login: Login, session_id: str, fingerprint: bytes) -> RevisionView:
        """The certificates of the revision that has one with that fingerprint.

        Raises:
            ServiceError: PROOF_REQUIRED, SESSION_NOT_FOUND, SESSION_CERTIFICATE_UNKNOWN.
        """
        require_proof(self._logins, login)

        def query(connection: Connection) -> RevisionView:
            find_own(connection, session_id, login.account)
            revision = store.find_revision_of(connection, session_id, fingerprint)
            if revision is None:
                raise ServiceError("SESSION_CERTIFICATE_UNKNOWN", session_id=session_id)
            info = read_session_certificate(revision, Purpose.SIGN, self._authority.arc).info
            return RevisionView(revision, _joinings_of(connection, info))

        return await self._database.read(query)


def _view(connection: Connection, session_id: str, name: str) -> SessionView:
    session, _ = find_own(connection, session_id, name)
    joinings = {
        (joining.name, joining.sign_fingerprint): joining for joining in store.list_joinings(connection, session_id)
    }
    to_caller = statements.list_numbers_to(connection, session_id, name)
    from_caller = statements.list_numbers_from(connection, session_id, name)
    members = [
        MemberView(
            member,
            joinings.get((member.name, member.sign_fingerprint or b"")),
            to_caller.get(member.name, 0),
            from_caller.get(member.name, 0),
        )
        for member in store.list_members(connection, [session_id])[session_id]
    ]
    return SessionView(session, members, store.find_revision(connection, session_id, session.revision))


def _joinings_of(connection: Connection, info: SessionInfo) -> list[Joining]:
    joinings = {joining.sign_fingerprint: joining for joining in store.list_joinings(connection, info.session_id)}
    return [joinings[member.sign_certificate] for member in info.members]
