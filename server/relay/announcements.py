"""Announcements that come with an envelope: of which recipients' they are, looked at before the envelope is taken.

Whether the announced key signed it, and whose key it is, is for those who know certificates: guard and receivers.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256

from contract.announcements.announcement import SignedAnnouncement
from contract.envelope import EnvelopeHeader
from wire.catalogue import ServiceError


def read_announcements(
    announcements_der: Iterable[bytes], header: EnvelopeHeader, header_der: bytes, now: datetime
) -> dict[str, bytes]:
    """The announcements of an envelope, by recipient.

    Args:
        announcements_der: as they came.
        header: of the envelope.
        header_der: its DER.
        now: the time.

    Raises:
        MalformedInput: ANNOUNCEMENT_MALFORMED and what else ``SignedAnnouncement.from_der`` raises.
        VerificationFailed: ANNOUNCEMENT_MISPLACED, ANNOUNCEMENT_TIME_WRONG.
        ServiceError: ANNOUNCEMENT_MALFORMED: two are for one recipient.
    """
    digest = sha256(header_der).digest()
    found: dict[str, bytes] = {}
    for each in announcements_der:
        announcement = SignedAnnouncement.from_der(each).announcement
        announcement.require_envelope(header, digest)
        announcement.require_of_now(now)
        if announcement.claim.destination in found:
            raise ServiceError("ANNOUNCEMENT_MALFORMED", problem="two are for one recipient")
        found[announcement.claim.destination] = each
    return found
