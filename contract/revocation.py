"""Revocation lists: which certificates no longer hold, since when and why (X.509 CRL version 2, RFC 5280 section 5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import SignatureAlgorithmOID

from contract.certificate_parts import UNREADABLE
from contract.chain import require_authority
from contract.errors import VerificationFailed
from mpc.errors import MalformedInput

MAX_REVOCATION_LIST_BYTES: Final = 32 << 20
"""Longest list that is looked at: some 700,000 certificates."""


@dataclass(frozen=True, slots=True)
class Revocation:
    """That a certificate was revoked.

    Args:
        time: since when, UTC, whole seconds.
        reason: such as "keyCompromise" or "superseded" (RFC 5280 section 5.3.1); "unspecified" if the list says none.
    """

    time: datetime
    reason: str


class RevocationList:
    """An authority's list at one time, genuine. From ``read``.

    Args:
        issue_time: when it was made: it knows what was revoked until then.
        next_update: when the next one must have been made: from then on this one says nothing of the present.
    """

    __slots__ = ("_list", "issue_time", "next_update")

    def __init__(self, read: x509.CertificateRevocationList, issue_time: datetime, next_update: datetime) -> None:
        self._list = read
        self.issue_time = issue_time
        self.next_update = next_update

    @classmethod
    def read(cls, data: bytes, authority: x509.Certificate) -> Self:
        """Read a list's DER, and check that the authority issued it.

        (1) it is canonical DER, has a next update, and no critical extension: those make it a list of some certificates
            only, and here it speaks for all;
        (2) the authority's certificate is one, and the list names it;
        (3) the signature is ECDSA with SHA-256 by its key.

        Raises:
            MalformedInput: REVOCATION_LIST_MALFORMED (1).
            VerificationFailed: AUTHORITY_UNSUITABLE (2), REVOCATION_LIST_NOT_ISSUED (2, 3).
        """
        read, next_update = _parse(data)  # (1)
        key = require_authority(authority)  # (2)
        try:
            genuine = (
                read.issuer == authority.subject
                and read.signature_algorithm_oid == SignatureAlgorithmOID.ECDSA_WITH_SHA256
                and read.is_signature_valid(key)  # (3)
            )
        except (ValueError, TypeError, UnsupportedAlgorithm):
            genuine = False
        if not genuine:
            raise VerificationFailed("REVOCATION_LIST_NOT_ISSUED", "the authority did not issue this revocation list")
        return cls(read, read.last_update_utc, next_update)

    def covers(self, time: datetime) -> bool:
        """Whether the list can say what was revoked at a time: it was made then or later, or is the newest still.

        Args:
            time: aware.
        """
        return time < self.next_update

    def revoked(self, certificate: x509.Certificate) -> Revocation | None:
        """The revocation of a certificate of the same authority, or None."""
        found = self._list.get_revoked_certificate_by_serial_number(certificate.serial_number)
        if found is None:
            return None
        try:
            reason = found.extensions.get_extension_for_class(x509.CRLReason).value.reason.value
        except x509.ExtensionNotFound:
            reason = x509.ReasonFlags.unspecified.value
        return Revocation(found.revocation_date_utc, reason)


def _parse(data: bytes) -> tuple[x509.CertificateRevocationList, datetime]:
    if len(data) > MAX_REVOCATION_LIST_BYTES:
        raise _malformed(f"longer than {MAX_REVOCATION_LIST_BYTES} bytes")
    try:
        read = x509.load_der_x509_crl(data)
        critical = [each.oid for each in read.extensions if each.critical]
        critical += [each.oid for entry in read for each in entry.extensions if each.critical]
        unused_bits = data[-len(read.signature) - 1]  # of its signature, which no signature covers
        canonical = read.public_bytes(Encoding.DER) == data and unused_bits == 0
    except (ValueError, *UNREADABLE):
        raise _malformed("not a revocation list in DER") from None
    if not canonical:
        raise _malformed("not the canonical encoding")
    if critical:
        raise _malformed("a critical extension")
    if read.next_update_utc is None:
        raise _malformed("no next update")
    return read, read.next_update_utc


def _malformed(problem: str) -> MalformedInput:
    return MalformedInput("REVOCATION_LIST_MALFORMED", f"the revocation list is refused: {problem}", problem=problem)
