"""Revisions: every change of who is in a session makes a new pair of session certificates for the same keys.

So each statement names, through the certificate's fingerprint, every member's certificates as its author saw them.

A session info has at least two people. When all but one have left there is no such info: then the newest revision stays
as it is, and nothing can be signed under it, for there is nobody left to be a recipient. The next invitation makes the
next revision.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import Connection

from contract.certificate_parts import fingerprint
from contract.session_info import MAX_PEOPLE, MIN_PEOPLE, Member, SessionInfo
from mpc.four_prime_rsa import Purpose
from server.identity import Authority
from server.identity.authority import BACKDATE
from server.sessions.shares import public_share
from server.sessions.states import MemberState
from server.sessions.store import sessions as store
from server.sessions.store.sessions import Revision, Session, SessionMember
from wire.catalogue import ServiceError


class Revisions:
    """Makes revisions.

    Args:
        authority: issues the certificates.
    """

    def __init__(self, authority: Authority) -> None:
        self._authority = authority

    def renew(self, connection: Connection, session: Session, now: datetime) -> None:
        """Make the next revision of a session from its members as they are now in this transaction.

        None is made when the session's time is over: nothing can be signed under it, and it would end before it began.

        Raises:
            ServiceError: SESSION_SIZE_WRONG: more than 50 people.
        """
        members = store.list_members(connection, [session.session_id])[session.session_id]
        people = sum(member.state is not MemberState.LEFT for member in members)
        if people > MAX_PEOPLE:
            raise ServiceError("SESSION_SIZE_WRONG", found=people)
        if people < MIN_PEOPLE or now >= session.end_time:
            return
        revision = session.revision + 1
        store.insert_revision(connection, self.issue(session, members, revision, now))
        store.set_revision(connection, session.session_id, revision)

    def issue(self, session: Session, members: Iterable[SessionMember], revision: int, now: datetime) -> Revision:
        """The certificates of a revision.

        Args:
            session: whose.
            members: everybody, by name; those who have left do not count.
            revision: its number.
            now: the present time.
        """
        info = _info(session, members, revision)
        sign, encrypt = (
            self._authority.issue_session_certificate(
                info,
                purpose,
                public_share(session, purpose).to_cryptography(),
                now - BACKDATE,  # also of a session that begins later: members look at it before
                session.end_time,
            )
            for purpose in (Purpose.SIGN, Purpose.DECRYPT)
        )
        return Revision(
            session_id=session.session_id,
            revision=revision,
            sign_fingerprint=fingerprint(sign),
            encrypt_fingerprint=fingerprint(encrypt),
            sign_certificate=sign.public_bytes(Encoding.DER),
            encrypt_certificate=encrypt.public_bytes(Encoding.DER),
            create_time=now,
        )


def _info(session: Session, members: Iterable[SessionMember], revision: int) -> SessionInfo:
    present = sorted(members, key=lambda member: member.name)
    return SessionInfo(
        session_id=session.session_id,
        revision=revision,
        scheme=session.scheme,
        half_bits=session.half_bits,
        subject=session.subject,
        place=session.place,
        begin=session.begin_time,
        end=session.end_time,
        creator=session.creator,
        members=tuple(
            Member(member.name, member.sign_fingerprint or b"", member.encrypt_fingerprint or b"")
            for member in present
            if member.state is MemberState.JOINED
        ),
        invited=tuple(member.name for member in present if member.state is MemberState.INVITED),
        all_is_evidence=session.all_is_evidence,
    )
