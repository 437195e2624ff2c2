"""Who may do what: every rule of sessions begins here.

A session is there for those who were ever invited to it. To everybody else it is answered like one that does not exist,
whatever they ask.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from server.identity import Login, Logins, Proof
from server.sessions.states import MemberState, SessionState
from server.sessions.store import sessions as store
from server.sessions.store.sessions import Session, SessionMember
from wire.catalogue import ServiceError


def require_proof(logins: Logins, login: Login) -> None:
    """See that a login that was just read is proven: for what changes nothing.

    Raises:
        ServiceError: PROOF_REQUIRED.
    """
    if not logins.is_proven(login):
        raise ServiceError("PROOF_REQUIRED")


def proof_of(logins: Logins, connection: Connection, login: Login) -> Proof:
    """As ``require_proof``, in the transaction of a change; what was proved.

    Raises:
        ServiceError: LOGIN_REQUIRED, PROOF_REQUIRED.
    """
    return logins.require_proven(connection, login)


def find_own(connection: Connection, session_id: str, name: str) -> tuple[Session, SessionMember]:
    """A session, and where somebody stands in it.

    Raises:
        ServiceError: SESSION_NOT_FOUND, also if that account was never invited.
    """
    member = store.find_member(connection, session_id, name)
    session = None if member is None else store.find_session(connection, session_id)
    if member is None or session is None:
        raise ServiceError("SESSION_NOT_FOUND", session_id=session_id)
    return session, member


def require_open(session: Session) -> None:
    """Raise ServiceError (SESSION_CLOSED) unless the session is open."""
    if session.state is not SessionState.OPEN:
        raise ServiceError("SESSION_CLOSED", session_id=session.session_id)


def require_time_left(session: Session, now: datetime) -> None:
    """Raise ServiceError (SESSION_ENDED) unless the session ends later."""
    if now >= session.end_time:
        raise ServiceError("SESSION_ENDED", session_id=session.session_id, end_time=session.end_time.isoformat())


def require_creator(session: Session, name: str) -> None:
    """Raise ServiceError (NOT_THE_CREATOR) unless that account made the session."""
    if session.creator != name:
        raise ServiceError("NOT_THE_CREATOR", session_id=session.session_id, creator=session.creator)


def require_joined(member: SessionMember) -> None:
    """Raise ServiceError (NOT_A_MEMBER) unless that account is a member now."""
    if member.state is not MemberState.JOINED:
        raise ServiceError("NOT_A_MEMBER", name=member.name)
