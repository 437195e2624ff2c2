"""Author and session of a statement, read from their certificates. They never change: the newest used stay in memory.

That they are here says nothing about whether anything may be signed now: ``statement_policy`` decides that, every time,
in the transaction that records the intent.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from contract.certificates import SessionCertificate, SignerCertificate
from contract.errors import VerificationFailed
from contract.oids import Arc
from contract.signatures import require_parties
from contract.statement import Statement
from mpc.four_prime_rsa import Purpose
from server.sessions.certificates import read_joined_certificate, read_session_certificate
from server.sessions.guard import find_own, require_joined
from server.sessions.newest import Newest
from server.sessions.store import sessions as store
from server.sessions.store.sessions import Session
from server.storage import Database
from wire.catalogue import ServiceError


@dataclass(frozen=True, slots=True)
class Parties:
    """Who signs a statement together: the author's certificate, and the session's of one revision, both for signing."""

    author: SignerCertificate
    session: SessionCertificate


class OpenedParties:
    """Finds the parties of statements.

    Args:
        database: where certificates are.
        arc: of the object identifiers in them.
        capacity: how many stay in memory, at least 1.
    """

    def __init__(self, database: Database, arc: Arc, *, capacity: int) -> None:
        self._database = database
        self._arc = arc
        self._known = Newest[tuple[str, str, bytes, bytes], Parties](capacity)

    def find(self, statement: Statement) -> Parties:
        """The parties that a statement names. May read the database: not on an event loop.

        Raises:
            ServiceError: SESSION_NOT_FOUND, also if the author was never invited; NOT_A_MEMBER: it never joined with
                that certificate; SESSION_CHANGED: no revision of the session has that certificate.
        """
        key = (statement.session_id, statement.author, statement.author_certificate, statement.session_certificate)
        return self._known.find(
            key, lambda: self._database.read_now(lambda connection: self._load(connection, statement))
        )

    def _load(self, connection: Connection, statement: Statement) -> Parties:
        session, member = find_own(connection, statement.session_id, statement.author)
        require_joined(member)
        joining = store.find_joining(connection, statement.session_id, statement.author_certificate)
        if joining is None or joining.name != statement.author:
            raise ServiceError("NOT_A_MEMBER", name=statement.author)
        revision = store.find_revision_of(connection, statement.session_id, statement.session_certificate)
        if revision is None or revision.sign_fingerprint != statement.session_certificate:
            raise _changed(session)
        parties = Parties(
            read_joined_certificate(joining, Purpose.SIGN, self._arc),
            read_session_certificate(revision, Purpose.SIGN, self._arc),
        )
        try:
            require_parties(statement, parties.author, parties.session)
        except VerificationFailed:  # a revision in which the author was no member, or had another certificate
            raise _changed(session) from None
        return parties


def _changed(session: Session) -> ServiceError:
    return ServiceError("SESSION_CHANGED", session_id=session.session_id, revision=session.revision)
