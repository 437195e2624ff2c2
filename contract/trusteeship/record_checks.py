"""The checks of ``verification`` that are made of each record, one method each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final, TypeVar

from contract.bundle.checks import CLOCK_TOLERANCE
from contract.log_entry import LogEntry
from contract.report import PREREQUISITE_FAILED, Failed, Undecided
from contract.trusteeship.allowing import RefusalCause, find_cause
from contract.trusteeship.certificates import OrganisationCertificate, PersonalCertificate
from contract.trusteeship.export import ExportedRecord
from contract.trusteeship.proven import ProvenCertificates, ProvenGrant, ProvenGrants
from contract.trusteeship.uses import RecordedUse, UseOutcome
from mpc.errors import FoursealError
from transparency.checkpoint import Checkpoint
from transparency.hashing import hash_leaf
from transparency.verification import verify_inclusion

_Found = TypeVar("_Found")

_WAIT: Final = timedelta(minutes=10) + CLOCK_TOLERANCE
"""For the user's signature. What comes later may be written in the place of a record that was taken away."""


class RecordChecks:
    """Of one record.

    Args:
        exported: as it stands in the export.
        entry: the log's, that is in it.
        recorded: the body of that.
        checkpoint: that the proof leads to; None: it cannot be read.
        certificates: of the export.
        grants: of the export.
    """

    def __init__(
        self,
        exported: ExportedRecord,
        entry: LogEntry,
        recorded: RecordedUse,
        checkpoint: Checkpoint | None,
        certificates: ProvenCertificates,
        grants: ProvenGrants,
    ) -> None:
        self._exported = exported
        self._entry = entry
        self._recorded = recorded
        self._asked = recorded.asked
        self._record = recorded.record
        self._checkpoint = checkpoint
        self._certificates = certificates
        self._grants = grants

    def by_name(self) -> dict[str, Callable[[], object]]:
        """Every check that such a record has."""
        checks: dict[str, Callable[[], object]] = {
            "log": self._log,
            "log-time": self._log_time,
            "certificate": self._certificate,
            "not-revoked": self._not_revoked,
            "signature": self._signature,
        }
        if self._record.outcome is not UseOutcome.REFUSED:
            checks |= {
                "grant": self._grant,
                "allowed": self._allowed,
                "key-certificate": self._key_certificate,
                "uses": self._uses,
            }
        return checks

    def _log(self) -> None:
        if self._checkpoint is None:
            raise Undecided(PREREQUISITE_FAILED)
        leaf, place, tree = hash_leaf(self._exported.entry), self._exported.index, self._checkpoint
        verify_inclusion(leaf, place, tree.size, self._exported.proof, tree.root)

    def _log_time(self) -> None:
        if self._entry.time < max(self._record.time, self._asked.time) - CLOCK_TOLERANCE:
            raise Failed("LOGGED_BEFORE_SIGNED")
        if self._entry.time > self._record.time + _WAIT:
            raise Failed("LOGGED_LATE")

    def _certificate(self) -> None:
        self._certificates.require_valid(self._find_user().certificate, self._record.time)

    def _not_revoked(self) -> None:
        shown = self._entry.time if self._record.outcome.signed else self._record.time
        self._certificates.require_not_revoked(self._user().certificate, shown)

    def _signature(self) -> None:
        key = self._user().public_key
        self._recorded.request.check(key)
        signed = self._recorded.signed_record
        if signed is not None:
            signed.check(key)

    def _grant(self) -> None:
        self._grants.find(self._asked.grant).require_active(self._record.time)

    def _allowed(self) -> None:
        grant, asked, time = self._proven_grant(), self._asked, self._record.time
        if (asked.organisation, asked.user) != (grant.words.organisation, grant.words.user):
            raise Failed("GRANT_OF_OTHER_USER")
        causes = [find_cause(grant.words, asked, each) for each in (time, time - CLOCK_TOLERANCE)]
        if None not in causes:  # at the time of the record, or of its request
            raise Failed(str(causes[0]))
        if not asked.operation.fits(self._key().public_key):
            raise Failed(RefusalCause.OPERATION_NOT_OF_KEY)

    def _key_certificate(self) -> None:
        words, time = self._proven_grant().words, self._record.time
        key = self._certificates.organisation(words.key_certificate, words.organisation)
        if key.purpose is not words.purpose:
            raise Failed("CERTIFICATE_OF_OTHER_USAGE")
        self._certificates.require_valid(key.certificate, time)
        self._certificates.require_not_revoked(key.certificate, time - CLOCK_TOLERANCE)

    def _uses(self) -> None:
        grant = self._proven_grant()
        grant.used += 1
        if grant.used > grant.words.uses:
            raise Failed(RefusalCause.GRANT_USED_UP)

    def _find_user(self) -> PersonalCertificate:
        return self._certificates.personal(self._record.user_certificate, self._record.user)

    def _user(self) -> PersonalCertificate:
        return _required(self._find_user)

    def _proven_grant(self) -> ProvenGrant:
        return _required(lambda: self._grants.find(self._asked.grant))

    def _key(self) -> OrganisationCertificate:
        words = self._proven_grant().words
        return _required(lambda: self._certificates.organisation(words.key_certificate, words.organisation))


def _required(find: Callable[[], _Found]) -> _Found:
    """What another check finds: if it is not there, that one says so."""
    try:
        return find()
    except (Failed, FoursealError):
        raise Undecided(PREREQUISITE_FAILED) from None
