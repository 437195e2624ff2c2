"""What sessions know of their statements, for evidence: it stays true after members left and after the close."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection

from contract.agreement import require_same_session
from contract.certificates import SessionCertificate, SignerCertificate
from contract.envelope import EnvelopeHeader
from contract.errors import VerificationFailed
from contract.oids import Arc
from contract.statement import Statement
from mpc.four_prime_rsa import Purpose
from server.sessions.certificates import read_joined_certificate, read_session_certificate
from server.sessions.guard import find_own
from server.sessions.newest import Newest
from server.sessions.store import sessions as store
from server.sessions.store import statements
from wire.catalogue import ServiceError

Query = Callable[[Connection], "MessageCertificates"]


@dataclass(frozen=True, slots=True)
class MessageCertificates:
    """The certificates that statement and header of a message name.

    Args:
        author: for signing, with which the author joined.
        signing: the session's, of the statement's revision.
        encrypting: the session's, of the header's revision.
    """

    author: SignerCertificate
    signing: SessionCertificate
    encrypting: SessionCertificate


class MessageCertificatesFinder:
    """Finds the certificates of messages, which never change.

    Args:
        arc: of the object identifiers in them.
        capacity: how many messages' stay in memory: those of one author and revision share them.
    """

    def __init__(self, arc: Arc, *, capacity: int) -> None:
        self._arc = arc
        self._known = Newest[tuple[str, str, bytes, bytes, bytes], MessageCertificates](capacity)

    def find(
        self, read: Callable[[Query], MessageCertificates], statement: Statement, header: EnvelopeHeader
    ) -> MessageCertificates:
        """The certificates of a message, by the session of its statement.

        Args:
            read: runs a query on a snapshot.
            statement: of the message.
            header: of its envelope.

        Raises:
            ServiceError: SESSION_NOT_FOUND, also if the author was never invited; NOT_A_MEMBER: the author never
                joined with that certificate; SESSION_CHANGED: no revision has the statement's.
            VerificationFailed: SESSION_WRONG: the header is of another; ENVELOPE_CERTIFICATE_WRONG: no revision has
                its.
        """
        require_same_session(statement.session_id, header.session_id)
        key = (
            statement.session_id,
            statement.author,
            statement.author_certificate,
            statement.session_certificate,
            header.session_certificate,
        )
        return self._known.find(key, lambda: read(partial(self._load, statement=statement, header=header)))

    def _load(self, connection: Connection, statement: Statement, header: EnvelopeHeader) -> MessageCertificates:
        session, _ = find_own(connection, statement.session_id, statement.author)
        joining = store.find_joining(connection, session.session_id, statement.author_certificate)
        if joining is None or joining.name != statement.author:
            raise ServiceError("NOT_A_MEMBER", name=statement.author)
        signing = store.find_revision_of(connection, session.session_id, statement.session_certificate)
        if signing is None or signing.sign_fingerprint != statement.session_certificate:
            raise ServiceError("SESSION_CHANGED", session_id=session.session_id, revision=session.revision)
        encrypting = store.find_revision_of(connection, session.session_id, header.session_certificate)
        if encrypting is None or encrypting.encrypt_fingerprint != header.session_certificate:
            raise VerificationFailed("ENVELOPE_CERTIFICATE_WRONG", "the session has no such certificate for encryption")
        return MessageCertificates(
            read_joined_certificate(joining, Purpose.SIGN, self._arc),
            read_session_certificate(signing, Purpose.SIGN, self._arc),
            read_session_certificate(encrypting, Purpose.DECRYPT, self._arc),
        )


def require_joined_once(connection: Connection, session_id: str, name: str) -> None:
    """See that somebody joined a session at some time; may have left it since.

    Raises:
        ServiceError: SESSION_NOT_FOUND, NOT_A_MEMBER.
    """
    find_own(connection, session_id, name)
    if not store.list_joinings(connection, session_id, name=name):
        raise ServiceError("NOT_A_MEMBER", name=name)


def signed_statements(connection: Connection, asked: Iterable[tuple[str, bytes]]) -> set[bytes]:
    """Digests of those of the statements (session id, digest) of which this server made its half of the signature."""
    return {digest for _, digest in statements.list_signed(connection, set(asked))}
