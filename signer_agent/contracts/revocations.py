"""The authority's list of revoked certificates, read and checked."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from cryptography import x509

from contract.certificates import require_authority
from contract.errors import VerificationFailed
from signer_agent.contracts.blame import blaming_server

_MAX_LIST_BYTES: Final = 8 << 20
_CLOCK_DIFFERENCE: Final = timedelta(minutes=10)


class Revocations:
    """Which certificates are revoked. Use ``read``.

    Args:
        revoked: X.509 revocation list, checked.
    """

    def __init__(self, revoked: x509.CertificateRevocationList) -> None:
        self._revoked = revoked

    @classmethod
    def read(cls, data: bytes, authority: x509.Certificate, now: datetime) -> Revocations:
        """Read a list that the server sent.

        Raises:
            PeerMisbehaved: REVOCATION_LIST_INVALID: not the authority's, or not of now; the culprit is the server.
        """
        with blaming_server():
            key = require_authority(authority)
            try:
                if len(data) > _MAX_LIST_BYTES:
                    raise _invalid("it is too long")
                revoked = x509.load_der_x509_crl(data)
                genuine = revoked.issuer == authority.subject and revoked.is_signature_valid(key)
            except (ValueError, TypeError):
                raise _invalid("it cannot be read") from None
            if not genuine:
                raise _invalid("the authority did not sign it")
            end = revoked.next_update_utc
            if end is None or not revoked.last_update_utc - _CLOCK_DIFFERENCE <= now <= end + _CLOCK_DIFFERENCE:
                raise _invalid("it is not of now")
        return cls(revoked)

    def revoke_time(self, *certificates: x509.Certificate) -> datetime | None:
        """When the first of the certificates was revoked, UTC; None if none was."""
        found = (self._revoked.get_revoked_certificate_by_serial_number(each.serial_number) for each in certificates)
        return min((each.revocation_date_utc for each in found if each is not None), default=None)


def _invalid(problem: str) -> VerificationFailed:
    return VerificationFailed("REVOCATION_LIST_INVALID", f"the revocation list: {problem}", problem=problem)
