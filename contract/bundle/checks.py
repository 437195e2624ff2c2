"""The checks of ``verification``, one method each: it returns if the check passes, else raises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509

from contract import agreement
from contract.bundle.content import MeasuredContent
from contract.bundle.parts import Bundle, DisclosedMessage, Disclosure
from contract.chain import check_chain, require_authority
from contract.evidence_record import require_agreement
from contract.report import PREREQUISITE_FAILED, Failed, Outcome, Undecided, make_check
from contract.revocation import RevocationList
from contract.signatures import verify_signature
from contract.time_stamp import verify_time_stamp
from contract.trailer import SignedStatement, open_trailer
from mpc.errors import FoursealError
from transparency.keys import VerifierKey

CLOCK_TOLERANCE: Final = timedelta(minutes=10)
"""By how much the clocks of author, evidence server and authority for time stamps may differ."""

TRUST_MISSING: Final = "TRUST_MISSING"
"""Reason of a check that needs somebody whom the verifier does not know."""


@dataclass(frozen=True, slots=True)
class BundleTrust:
    """Whom the verifier believes, known beforehand and not from the bundle. What it lacks leaves checks indeterminate.

    Args:
        authority: certificate of the authority.
        log_key: of the log; its name is the log's origin.
        time_stamps: certificates of authorities for time stamps.
    """

    authority: x509.Certificate | None = None
    log_key: VerifierKey | None = None
    time_stamps: tuple[x509.Certificate, ...] = ()


class MessageChecks:
    """Of a message or an answer, apart from its content.

    Args:
        bundle: that has it.
        message: that is looked at.
        trust: whom the verifier believes.
        revocations: the bundle's list, if it has one; raises as ``RevocationList.read``.
    """

    def __init__(
        self,
        bundle: Bundle,
        message: DisclosedMessage,
        trust: BundleTrust,
        revocations: Callable[[], RevocationList | None],
    ) -> None:
        self._bundle = bundle
        self._revocations = revocations
        self._message = message
        self._statement = message.statement
        self._trust = trust

    def by_name(self) -> dict[str, Callable[[], object]]:
        """Every check."""
        return {
            "authority": self._authority,
            "signature": self._signature,
            "author-certificate": self._author_certificate,
            "author-not-revoked": self._author_not_revoked,
            "session-certificate": self._session_certificate,
            "time": lambda: agreement.require_in_time(self._statement, self._message.session_sign.info),
            "members": lambda: agreement.require_members(self._statement, self._message.session_sign.info),
            "record": self._record,
            "envelope-certificate": self._envelope_certificate,
            "log": self._log,
            "log-time": self._log_time,
            "time-stamp": self._time_stamp,
            "answered": self._answered,
        }

    def _authority(self) -> None:
        require_authority(self._bundle.authority)
        if self._trust.authority is None:
            raise Undecided(TRUST_MISSING)
        if self._trust.authority != self._bundle.authority:
            raise Failed("AUTHORITY_WRONG")

    def _signature(self) -> None:
        message = self._message
        verify_signature(message.statement.to_der(), message.signature, message.author, message.session_sign)

    def _author_certificate(self) -> None:
        author = self._message.author
        self._check_chain(author.certificate, author.arc.signer_sign)

    def _author_not_revoked(self) -> None:
        if make_check("author-certificate", self._author_certificate).outcome is not Outcome.PASSED:
            raise Undecided(PREREQUISITE_FAILED)  # the serial number of another authority says nothing
        revocations = self._revocations()
        if revocations is None:
            raise Undecided("REVOCATION_LIST_MISSING")
        revocation, shown = revocations.revoked(self._message.author.certificate), self._time_shown()
        if revocation is not None and revocation.time <= shown:
            if revocation.time <= self._statement.time:
                raise Failed("CERTIFICATE_REVOKED")
            raise Undecided("REVOKED_BEFORE_PROVEN")
        if revocations.issue_time < shown:
            raise Undecided("REVOCATION_LIST_OUTDATED")

    def _session_certificate(self) -> None:
        session = self._message.session_sign
        self._check_chain(session.certificate, session.arc.session_sign)

    def _record(self) -> None:
        message, record = self._message, self._message.record
        if (record.statement, record.signature) != (message.statement, message.signature):
            raise Failed("RECORD_OF_OTHER_MESSAGE")
        require_agreement(record, message.session_sign, message.session_encrypt)

    def _envelope_certificate(self) -> None:
        session = self._message.session_encrypt
        self._check_chain(session.certificate, session.arc.session_encrypt)

    def _log(self) -> None:
        if self._trust.log_key is None:
            raise Undecided(TRUST_MISSING)
        self._message.receipt.verify(self._message.entry.to_der(), self._trust.log_key)

    def _log_time(self) -> None:
        if self._message.entry.time < self._statement.time - CLOCK_TOLERANCE:
            raise Failed("LOGGED_BEFORE_SIGNED")

    def _time_stamp(self) -> None:
        if self._message.time_stamp is None:
            raise Undecided("TIME_STAMP_MISSING")
        if not self._trust.time_stamps:
            raise Undecided(TRUST_MISSING)
        if self._time_stamped(self._message.time_stamp) < self._message.entry.time - CLOCK_TOLERANCE:
            raise Failed("STAMPED_BEFORE_LOGGED")

    def _answered(self) -> None:
        answer = self._statement.answer
        if answer is None or answer.statement != self._bundle.message.statement:
            raise Failed("ANSWER_TO_ANOTHER")

    def _time_shown(self) -> datetime:
        """When the signature was there at the latest."""
        stamp, times = self._message.time_stamp, {self._message.entry.time}
        if make_check("log", self._log).outcome is not Outcome.PASSED:
            times.add(self._statement.time)  # else an author's fast clock would undo what was there before it
        if stamp is not None and self._trust.time_stamps:
            try:
                times.add(self._time_stamped(stamp))
            except FoursealError:
                return max(times)  # the check of the stamp itself says that it does not hold
        return max(times)

    def _time_stamped(self, stamp: bytes) -> datetime:
        return verify_time_stamp(stamp, self._message.receipt.checkpoint.to_bytes(), self._trust.time_stamps)

    def _check_chain(self, certificate: x509.Certificate, usage: x509.ObjectIdentifier) -> None:
        check_chain(certificate, self._bundle.authority, usage, self._statement.time)


class ContentChecks:
    """Of a message whose content is disclosed.

    Args:
        message: that is looked at.
        disclosure: of it.
        measured: its content.
    """

    def __init__(self, message: DisclosedMessage, disclosure: Disclosure, measured: MeasuredContent) -> None:
        self._message = message
        self._description = disclosure.description
        self._key = disclosure.content_key
        self._measured = measured

    def by_name(self) -> dict[str, Callable[[], object]]:
        """Every check."""
        return {
            "description": lambda: agreement.require_description(self._message.statement, self._description),
            "content": self._content,
            "sealed-content": self._sealed_content,
            "trailer": self._trailer,
        }

    def _content(self) -> None:
        agreement.require_content(self._description, self._measured.length, self._measured.digest)

    def _sealed_content(self) -> None:
        measured, record = self._measured, self._message.record
        deposited = (record.segments, record.content_length, record.content_digest)
        if (measured.segments, measured.sealed_length, measured.sealed_digest) != deposited:
            raise Failed("SEALED_CONTENT_WRONG")

    def _trailer(self) -> None:
        message, record = self._message, self._message.record
        opened = open_trailer(self._key.trailer_key(record.header.core), record.trailer)
        if opened != SignedStatement(message.statement, self._description, message.signature):
            raise Failed("TRAILER_OF_OTHER_MESSAGE")
