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
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from cryptography import x509

from contract.certificates import SessionCertificate, SignerCertificate, check_chain
from contract.envelope import EnvelopeHeader
from contract.revocation import RevocationList
from contract.signatures import verify_signature
from contract.statement import Recipient
from contract.trailer import SignedStatement
from mpc.errors import FoursealError
from mpc.four_prime_rsa import Purpose

PREREQUISITE_FAILED = "PREREQUISITE_FAILED"
"""Reason of a check that could not be made because another one failed."""


class Outcome(StrEnum):
    """What a check came to."""

    PASSED = "passed"
    FAILED = "failed"
    INDETERMINATE = "indeterminate"
    """It could not be made with what is at hand."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check.

    Args:
        name: stable id, as in the module's list.
        outcome: what it came to.
        reason: why it did not pass, UPPER_SNAKE; empty if it did.
    """

    name: str
    outcome: Outcome
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """All checks of a message, in the order of the module's list: the first has number 1."""

    checks: tuple[Check, ...]

    @property
    def outcome(self) -> Outcome:
        """Failed if a check failed; else indeterminate if one is; else passed."""
        found = {check.outcome for check in self.checks}
        for outcome in (Outcome.FAILED, Outcome.INDETERMINATE):
            if outcome in found:
                return outcome
        return Outcome.PASSED

    def check(self, name: str) -> Check:
        """The check of that name. Raises KeyError if there is none."""
        return {each.name: each for each in self.checks}[name]


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
            Check(name, *verifier.run(check))
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
            )
        )
    )


class _Undecided(Exception):
    """A check could not be made; holds the reason."""


class _Failed(Exception):
    """A check failed; holds the reason."""


class _Verifier:
    """One method for each check: returns if it passes, else raises."""

    def __init__(self, message: ReceivedMessage, certificates: Certificates, trust: Trust, expected: Expected) -> None:
        self._message = message
        self._statement = message.signed.statement
        self._certificates = certificates
        self._trust = trust
        self._expected = expected

    def run(self, check: Callable[[], None]) -> tuple[Outcome, str]:
        try:
            check()
        except _Undecided as undecided:
            return Outcome.INDETERMINATE, str(undecided)
        except _Failed as failed:
            return Outcome.FAILED, str(failed)
        except FoursealError as error:
            return Outcome.FAILED, error.reason
        return Outcome.PASSED, ""

    def signature(self) -> None:
        signed = self._message.signed
        author, session = self._certificates.author, self._certificates.session_sign
        verify_signature(signed.statement.to_der(), signed.signature, author, session)

    def author_certificate(self) -> None:
        author = self._certificates.author
        self._check_chain(author.certificate, author.arc.signer_sign)

    def author_not_revoked(self) -> None:
        revocations, time = self._trust.revocations, self._statement.time
        if self.run(self.author_certificate)[0] is not Outcome.PASSED:
            raise _Undecided(PREREQUISITE_FAILED)  # the serial number of another authority says nothing
        if revocations is None:
            raise _Undecided("REVOCATION_LIST_MISSING")
        revocation = revocations.revoked(self._certificates.author.certificate)
        if revocation is not None and revocation.time <= time:
            raise _Failed("CERTIFICATE_REVOKED")
        if not revocations.covers(time):
            raise _Undecided("REVOCATION_LIST_OUTDATED")

    def session_certificate(self) -> None:
        session = self._certificates.session_sign
        self._check_chain(session.certificate, session.arc.session_sign)

    def session(self) -> None:
        ids = {
            self._statement.session_id,
            self._message.header.session_id,
            self._certificates.session_sign.info.session_id,
        }
        if ids != {self._expected.session_id}:
            raise _Failed("SESSION_WRONG")

    def time(self) -> None:
        info = self._certificates.session_sign.info
        if not info.begin <= self._statement.time < info.end:
            raise _Failed("TIME_OUTSIDE_SESSION")

    def members(self) -> None:
        info = self._certificates.session_sign.info
        signing = {(each.name, each.sign_certificate) for each in info.members}
        opening = {(each.name, each.encrypt_certificate) for each in info.members}
        if (self._statement.author, self._statement.author_certificate) not in signing:
            raise _Failed("AUTHOR_NOT_A_MEMBER")
        if any((each.name, each.encrypt_certificate) not in opening for each in self._statement.recipients):
            raise _Failed("RECIPIENT_NOT_A_MEMBER")

    def addressed(self) -> None:
        header, statement = self._message.header, self._statement
        if self._ourselves().encrypt_certificate != self._expected.encrypt_certificate:
            raise _Failed("RECIPIENT_CERTIFICATE_WRONG")
        named = (header.author, header.core.recipients)
        if named != (statement.author, tuple(each.name for each in statement.recipients)):
            raise _Failed("ENVELOPE_MISMATCHED")

    def envelope_certificate(self) -> None:
        session, signing = self._certificates.session_encrypt, self._certificates.session_sign
        if session.fingerprint != self._message.header.session_certificate or session.purpose is not Purpose.DECRYPT:
            raise _Failed("ENVELOPE_CERTIFICATE_WRONG")
        fixed = (session.info.session_id, session.info.scheme, session.info.half_bits)
        if fixed != (signing.info.session_id, signing.info.scheme, signing.info.half_bits):
            raise _Failed("ENVELOPE_CERTIFICATE_WRONG")
        self._check_chain(session.certificate, session.arc.session_encrypt)

    def description(self) -> None:
        if self._message.signed.description.commitment != self._statement.description:
            raise _Failed("DESCRIPTION_WRONG")

    def content(self) -> None:
        described = self._message.signed.description
        if (described.length, described.digest) != (self._message.content_length, self._message.content_digest):
            raise _Failed("CONTENT_WRONG")

    def sequence(self) -> None:
        if self._statement.sequence <= self._expected.last_sequence:
            raise _Failed("MESSAGE_REPEATED")

    def number(self) -> None:
        number = self._ourselves().number
        if number < self._expected.next_number:
            raise _Failed("MESSAGE_REPEATED")
        if number > self._expected.next_number:
            raise _Undecided("MESSAGE_MISSING")

    def answer(self) -> None:
        answer = self._statement.answer
        if answer is not None and answer.statement.digest not in self._expected.statements:
            raise _Undecided("ANSWERED_STATEMENT_UNKNOWN")

    def _ourselves(self) -> Recipient:
        return self._statement.recipient(self._expected.name)

    def _check_chain(self, certificate: x509.Certificate, usage: x509.ObjectIdentifier) -> None:
        check_chain(certificate, self._trust.authority, usage, self._statement.time)
