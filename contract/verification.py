"""Whether a received message holds: every check made, numbered, and answered with passed, failed or indeterminate.

Numbers and names are stable; evidence and programs refer to them. A check that could not be made because another one
failed is indeterminate, with the reason PREREQUISITE_FAILED.

 1. ``signature``: author and session signed the statement, by the session's scheme (``signatures.verify_signature``).
 2. ``author-certificate``: the authority issued it, for signing, and it was valid at the statement's time.
 3. ``author-not-revoked``: it had not been revoked then. A list that was outdated then cannot say.
 4. ``session-certificate``: as 2, for the session's certificate for signing.
 5. ``session``: it is the session that we are in, and that the envelope names.
 6. ``time``: the statement's time lies in the session's window: begin <= time < end.
 7. ``members``: author and recipients were members of that revision, with the certificates that the statement names.
 8. ``addressed``: we are a recipient, by our certificate, and the envelope names the same author and recipients.
 9. ``envelope-certificate``: the envelope's session certificate is one of this session for encryption, of the
    authority, of the same scheme, valid at the statement's time.
10. ``description``: the description is the one that the statement commits to.
11. ``content``: length and SHA-256 of the received content are those of the description.
12. ``sequence``: the author's sequence number is above the last one that we know of (else a repetition).
13. ``number``: the message is the author's next one to us. A lower number is a repetition; a higher one means that
    another message was withheld or has not arrived yet: indeterminate.
14. ``answer``: what it answers is a statement that we know to be genuine.
15. ``session-not-revoked``: as 3, for both certificates of the session. (Last, for numbers are stable.)

Certificates of other members are not looked at: one that is revoked concerns what its owner signs and is sent, and
nothing between the others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cryptography import x509

from contract import agreement
from contract.certificates import SessionCertificate, SignerCertificate
from contract.chain import check_chain
from contract.envelope import EnvelopeHeader
from contract.report import PREREQUISITE_FAILED, Failed, Outcome, Report, Undecided, make_check
from contract.revocation import RevocationList
from contract.signatures import verify_signature
from contract.statement import Recipient
from contract.trailer import SignedStatement


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """A message as it arrived and was opened.

    Args:
        header: of the envelope.
        signed: from the trailer.
        content_length: bytes of the content that opened whole.
        content_digest: SHA-256 of it, 32 bytes.
    """

    header: EnvelopeHeader
    signed: SignedStatement
    content_length: int
    content_digest: bytes


@dataclass(frozen=True, slots=True)
class Certificates:
    """The certificates that the message names, by their fingerprints.

    Args:
        author: for signing.
        session_sign: the session's for signing, of the revision that the statement names.
        session_encrypt: the session's for encryption, of the revision that the envelope names.
    """

    author: SignerCertificate
    session_sign: SessionCertificate
    session_encrypt: SessionCertificate


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom the verifier believes.

    Args:
        authority: its certificate, known beforehand.
        revocations: its revocation list; None if none is at hand.
    """

    authority: x509.Certificate
    revocations: RevocationList | None


@dataclass(frozen=True, slots=True)
class Expected:
    """What the recipient knows by itself.

    Args:
        session_id: the session that it takes this for.
        name: its own account.
        encrypt_certificate: SHA-256 of its own certificate for encryption, 32 bytes.
        last_sequence: highest sequence number that it has seen of this author; 0 for none.
        next_number: number of the author's next message to it, from 1.
        statements: digests of the statements in this session that it knows to be genuine.
    """

    session_id: str
    name: str
    encrypt_certificate: bytes
    last_sequence: int
    next_number: int
    statements: frozenset[bytes] = frozenset()


def verify_message(message: ReceivedMessage, certificates: Certificates, trust: Trust, expected: Expected) -> Report:
    """Make every check of the module's list. Raises nothing: what does not hold stands in the report."""
    verifier = _Verifier(message, certificates, trust, expected)
    return Report(
        tuple(
            make_check(name, check)
            for name, check in (
                ("signature", verifier.signature),
                ("author-certificate", verifier.author_certificate),
                ("author-not-revoked", verifier.author_not_revoked),
                ("session-certificate", verifier.session_certificate),
                ("session", verifier.session),
                ("time", verifier.time),
                ("members", verifier.members),
                ("addressed", verifier.addressed),
                ("envelope-certificate", verifier.envelope_certificate),
                ("description", verifier.description),
                ("content", verifier.content),
                ("sequence", verifier.sequence),
                ("number", verifier.number),
                ("answer", verifier.answer),
                ("session-not-revoked", verifier.session_not_revoked),
            )
        )
    )


class _Verifier:
    """One method for each check: returns if it passes, else raises."""

    def __init__(self, message: ReceivedMessage, certificates: Certificates, trust: Trust, expected: Expected) -> None:
        self._message = message
        self._statement = message.signed.statement
        self._certificates = certificates
        self._trust = trust
        self._expected = expected

    def signature(self) -> None:
        signed = self._message.signed
        author, session = self._certificates.author, self._certificates.session_sign
        verify_signature(signed.statement.to_der(), signed.signature, author, session)

    def author_certificate(self) -> None:
        author = self._certificates.author
        self._check_chain(author.certificate, author.arc.signer_sign)

    def author_not_revoked(self) -> None:
        self._check_not_revoked(self.author_certificate, self._certificates.author.certificate)

    def session_not_revoked(self) -> None:
        session, envelope = self._certificates.session_sign, self._certificates.session_encrypt
        self._check_not_revoked(self.session_certificate, session.certificate)
        self._check_not_revoked(self.envelope_certificate, envelope.certificate)

    def session_certificate(self) -> None:
        session = self._certificates.session_sign
        self._check_chain(session.certificate, session.arc.session_sign)

    def session(self) -> None:
        ids = (self._message.header.session_id, self._certificates.session_sign.info.session_id)
        agreement.require_same_session(self._expected.session_id, self._statement.session_id, *ids)

    def time(self) -> None:
        agreement.require_in_time(self._statement, self._certificates.session_sign.info)

    def members(self) -> None:
        agreement.require_members(self._statement, self._certificates.session_sign.info)

    def addressed(self) -> None:
        if self._ourselves().encrypt_certificate != self._expected.encrypt_certificate:
            raise Failed("RECIPIENT_CERTIFICATE_WRONG")
        agreement.require_same_people(self._statement, self._message.header)

    def envelope_certificate(self) -> None:
        session = self._certificates.session_encrypt
        agreement.require_envelope_certificate(self._message.header, session, self._certificates.session_sign)
        self._check_chain(session.certificate, session.arc.session_encrypt)

    def description(self) -> None:
        agreement.require_description(self._statement, self._message.signed.description)

    def content(self) -> None:
        received = self._message
        agreement.require_content(received.signed.description, received.content_length, received.content_digest)

    def sequence(self) -> None:
        if self._statement.sequence <= self._expected.last_sequence:
            raise Failed("MESSAGE_REPEATED")

    def number(self) -> None:
        number = self._ourselves().number
        if number < self._expected.next_number:
            raise Failed("MESSAGE_REPEATED")
        if number > self._expected.next_number:
            raise Undecided("MESSAGE_MISSING")

    def answer(self) -> None:
        answer = self._statement.answer
        if answer is not None and answer.statement.digest not in self._expected.statements:
            raise Undecided("ANSWERED_STATEMENT_UNKNOWN")

    def _ourselves(self) -> Recipient:
        return self._statement.recipient(self._expected.name)

    def _check_not_revoked(self, of_authority: Callable[[], None], certificate: x509.Certificate) -> None:
        revocations, time = self._trust.revocations, self._statement.time
        if make_check("authority", of_authority).outcome is not Outcome.PASSED:
            raise Undecided(PREREQUISITE_FAILED)  # the serial number of another authority says nothing
        if revocations is None:
            raise Undecided("REVOCATION_LIST_MISSING")
        revocation = revocations.revoked(certificate)
        if revocation is not None and revocation.time <= time:
            raise Failed("CERTIFICATE_REVOKED")
        if not revocations.covers(time):
            raise Undecided("REVOCATION_LIST_OUTDATED")

    def _check_chain(self, certificate: x509.Certificate, usage: x509.ObjectIdentifier) -> None:
        check_chain(certificate, self._trust.authority, usage, self._statement.time)
