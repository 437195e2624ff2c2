"""What an export proves of certificates and grants, each looked at once however many records name it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from cryptography import x509

from contract.bundle.checks import CLOCK_TOLERANCE
from contract.chain import check_issued, check_valid
from contract.report import Failed
from contract.revocation import RevocationList
from contract.trusteeship.certificates import OrganisationCertificate, PersonalCertificate
from contract.trusteeship.export import ExportedGrant
from contract.trusteeship.grants import GrantAction, GrantOrder, GrantRequest
from mpc.errors import FoursealError


class ProvenCertificates:
    """The certificates of an export.

    Args:
        authority: that the verifier knows; None: none, and what certificates say is believed.
        revocations: its list; None: none that holds, and no certificate counts as revoked.
    """

    def __init__(self, authority: x509.Certificate | None, revocations: RevocationList | None) -> None:
        self._authority = authority
        self._revocations = revocations
        self._data: dict[bytes, bytes] = {}
        self._personal = cache(self._read_personal)  # what fails is tried again, and fails again
        self._organisation = cache(self._read_organisation)
        self._revoked = cache(self._find_revoked)

    def add(self, data: bytes) -> None:
        """A certificate, DER."""
        self._data[hashlib.sha256(data).digest()] = data

    def personal(self, fingerprint: bytes, account: str) -> PersonalCertificate:
        """An account's personal certificate. That it was valid says ``require_valid``.

        Raises:
            Failed: CERTIFICATE_MISSING, CERTIFICATE_OF_OTHER_ACCOUNT.
            FoursealError: CERTIFICATE_MALFORMED, what ``check_issued`` raises.
        """
        found = self._personal(fingerprint)
        if found.account != account:
            raise Failed("CERTIFICATE_OF_OTHER_ACCOUNT")
        return found

    def organisation(self, fingerprint: bytes, name: str) -> OrganisationCertificate:
        """The certificate of an organisation's key.

        Raises:
            Failed: CERTIFICATE_MISSING, CERTIFICATE_OF_OTHER_ORGANISATION.
            FoursealError: CERTIFICATE_MALFORMED, what ``check_issued`` raises.
        """
        found = self._organisation(fingerprint)
        if found.organisation != name:
            raise Failed("CERTIFICATE_OF_OTHER_ORGANISATION")
        return found

    def require_valid(self, certificate: x509.Certificate, at: datetime) -> None:
        """See that a certificate was valid.

        Raises:
            VerificationFailed: CERTIFICATE_NOT_VALID.
        """
        if self._authority is not None:
            check_valid(certificate, self._authority, at)

    def require_not_revoked(self, certificate: x509.Certificate, at: datetime) -> None:
        """See that a certificate was not revoked before a time.

        Raises:
            Failed: CERTIFICATE_REVOKED.
        """
        revoked = self._revoked(certificate)
        if revoked is not None and revoked < at:
            raise Failed("CERTIFICATE_REVOKED")

    def _read_personal(self, fingerprint: bytes) -> PersonalCertificate:
        found = PersonalCertificate.from_der(self._find(fingerprint))
        self._require_issued(found.certificate)
        return found

    def _read_organisation(self, fingerprint: bytes) -> OrganisationCertificate:
        found = OrganisationCertificate.from_der(self._find(fingerprint))
        self._require_issued(found.certificate)
        return found

    def _require_issued(self, certificate: x509.Certificate) -> None:
        if self._authority is not None:
            check_issued(certificate, self._authority)

    def _find(self, fingerprint: bytes) -> bytes:
        if fingerprint not in self._data:
            raise Failed("CERTIFICATE_MISSING")
        return self._data[fingerprint]

    def _find_revoked(self, certificate: x509.Certificate) -> datetime | None:
        found = None if self._revocations is None else self._revocations.revoked(certificate)
        return None if found is None else found.time


@dataclass(slots=True)
class ProvenGrant:
    """A grant whose request and orders are signed as they must be.

    Args:
        words: what it allows.
        active: from when until when it could be used, by the clocks of those who ordered it; None: until now.
        used: how often, as far as was counted here.
    """

    words: GrantRequest
    active: list[tuple[datetime, datetime | None]]
    used: int = 0

    def require_active(self, at: datetime) -> None:
        """See that as many as must had approved it, and nobody had suspended or revoked it, at a time.

        Raises:
            Failed: GRANT_NOT_APPROVED, GRANT_NOT_ACTIVE.
        """
        if not self.active:
            raise Failed("GRANT_NOT_APPROVED")
        for begin, end in self.active:
            if begin - CLOCK_TOLERANCE <= at and (end is None or at <= end + CLOCK_TOLERANCE):
                return
        raise Failed("GRANT_NOT_ACTIVE")


class ProvenGrants:
    """The grants of an export, each proven when a record names it first.

    Args:
        certificates: of the export.
    """

    def __init__(self, certificates: ProvenCertificates) -> None:
        self._certificates = certificates
        self._exported: dict[bytes, ExportedGrant] = {}
        self._proven: dict[bytes, ProvenGrant | str] = {}

    def add(self, grant: ExportedGrant) -> None:
        """A grant that what follows names."""
        self._exported[hashlib.sha256(grant.request.statement).digest()] = grant

    def find(self, digest: bytes) -> ProvenGrant:
        """The grant of a request with that digest.

        Raises:
            Failed: GRANT_MISSING; the reason for which ``prove_grant`` refused it.
        """
        if digest not in self._proven:
            self._proven[digest] = self._prove(digest)
        found = self._proven[digest]
        if isinstance(found, str):
            raise Failed(found)
        return found

    def _prove(self, digest: bytes) -> ProvenGrant | str:
        exported = self._exported.pop(digest, None)
        try:
            return "GRANT_MISSING" if exported is None else prove_grant(exported, self._certificates)
        except Failed as failed:
            return str(failed)
        except FoursealError as error:
            return error.reason


def prove_grant(exported: ExportedGrant, certificates: ProvenCertificates) -> ProvenGrant:
    """Check a grant's request and orders: signatures, certificates, and who approved in which round.

    An order's certificate must have held at the order's time, the request's at that of the first order.

    Raises:
        Failed: GRANT_ORDER_WRONG: an order of another grant, or by its user; of another round than it was in; after a
            revocation; somebody decided twice in a round. What ``ProvenCertificates`` raises.
        FoursealError: SIGNATURE_INVALID; what the structures and certificates raise.
    """
    words, orders = exported.words, exported.read_orders()
    user = certificates.personal(words.user_certificate, words.user)
    exported.request.check(user.public_key)
    if orders:
        certificates.require_valid(user.certificate, orders[0].time)
        certificates.require_not_revoked(user.certificate, orders[0].time)
    for signed, order in zip(exported.orders, orders, strict=True):
        signer = certificates.personal(order.administrator_certificate, order.administrator)
        signed.check(signer.public_key)
        certificates.require_valid(signer.certificate, order.time)
        certificates.require_not_revoked(signer.certificate, order.time)
    return ProvenGrant(words, _active(words, orders))


def _active(words: GrantRequest, orders: list[GrantOrder]) -> list[tuple[datetime, datetime | None]]:
    active: list[tuple[datetime, datetime | None]] = []
    round_, decided, approvals, revoked = 1, set[str](), 0, False
    for order in orders:
        if revoked or (order.grant, order.round) != (words.digest, round_) or order.administrator == words.user:
            raise Failed("GRANT_ORDER_WRONG")
        if order.action in {GrantAction.APPROVE, GrantAction.REFUSE}:
            if order.administrator in decided:
                raise Failed("GRANT_ORDER_WRONG")
            decided.add(order.administrator)
            if order.action is GrantAction.APPROVE:
                approvals += 1
                if approvals == words.approvals:
                    active.append((order.time, None))
            continue
        if active and active[-1][1] is None:
            active[-1] = (active[-1][0], order.time)
        round_, decided, approvals, revoked = round_ + 1, set(), 0, order.action is GrantAction.REVOKE
    return active
