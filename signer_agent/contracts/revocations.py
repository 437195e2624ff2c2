"""The authority's list of revoked certificates, read and checked to be of now."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from cryptography import x509

from contract.revocation import RevocationList
from wire.client.blame import blaming_server, server_lied

_CLOCK_DIFFERENCE: Final = timedelta(minutes=10)


def read_revocations(data: bytes, authority: x509.Certificate, now: datetime) -> RevocationList:
    """Read a list that the server sent.

    Raises:
        PeerMisbehaved: REVOCATION_LIST_...: not the authority's, or not of now; the culprit is the server.
    """
    with blaming_server():
        revocations = RevocationList.read(data, authority)
    if not revocations.issue_time - _CLOCK_DIFFERENCE <= now <= revocations.next_update + _CLOCK_DIFFERENCE:
        raise server_lied("REVOCATION_LIST_OLD", "the revocation list is not of now")
    return revocations


def revoke_time(revocations: RevocationList, *certificates: x509.Certificate) -> datetime | None:
    """When the first of the certificates was revoked, UTC; None if none was."""
    found = map(revocations.revoked, certificates)
    return min((each.time for each in found if each is not None), default=None)
