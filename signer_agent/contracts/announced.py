"""What came announced with an envelope: whether it is of the very key that signed it, for us, and of then.

(1) it is well-formed, of this envelope, and for us;
(2) it names the author's certificate, whose key signed the envelope (the message's own checks say so);
(3) it was of now when it was posted, the announced key signed it, and a key change in it is proven.

What does not hold is a failed check of the message. An envelope without one is as good as before: older agents announce
nothing, another device of ours may have heard it, and whoever relays it may have taken it away. So a message of a key
that nobody announced here lately has a remark.
"""

from __future__ import annotations

import asyncio
from datetime import UTC
from hashlib import sha256
from typing import Final

from fourseal.v1 import relay_service_pb2

from contract.announcements.announcement import SignedAnnouncement
from contract.announcements.claim import CLOCK_DIFFERENCE
from contract.announcements.window import MIN_WINDOW
from contract.certificates import SignerCertificate
from contract.envelope import EnvelopeHeader
from contract.errors import VerificationFailed
from contract.report import Check, Outcome
from contract.statement import Statement
from mpc.errors import FoursealError
from signer_agent.contracts.announced_keys import AnnouncedKey, AnnouncementMemory
from signer_agent.contracts.signer import Signer

NOT_ANNOUNCED: Final = "its key was not announced here"
"""The remark."""

_CHECK: Final = "announcement"
_HEARD_PERIOD: Final = MIN_WINDOW + CLOCK_DIFFERENCE
"""For which an announcement is enough: its author announces anew long before."""


async def check_announcement(
    signer: Signer, posting: relay_service_pb2.Posting, header: EnvelopeHeader, author: SignerCertificate
) -> tuple[Check, ...]:
    """The check of what came announced, if something did.

    Args:
        signer: who received it.
        posting: as the media server tells of it.
        header: of the envelope.
        author: the certificate that the statement names, verified.

    Raises:
        FoursealError: nothing can be said of it now: the log's key is needed, and the server cannot be reached.
    """
    if not posting.announcement_der:
        return ()
    try:
        signed = SignedAnnouncement.from_der(posting.announcement_der)
        announcement = signed.announcement
        announcement.require_envelope(header, sha256(header.to_der()).digest())  # (1)
        if announcement.claim.destination != signer.name:
            raise VerificationFailed("ANNOUNCEMENT_MISPLACED", "it is for another recipient")
        announcement.require_certificate(author)  # (2)
    except FoursealError as error:
        return (Check(_CHECK, Outcome.FAILED, error.reason),)
    log_key = await signer.log.key() if announcement.need_log else None
    try:
        at = posting.post_time.ToDatetime(UTC)
        await asyncio.to_thread(signed.check, at, log_key)  # (3)
    except FoursealError as error:
        return (Check(_CHECK, Outcome.FAILED, error.reason),)
    except (ValueError, OverflowError):  # a time that is none
        return (Check(_CHECK, Outcome.FAILED, "ANNOUNCEMENT_TIME_WRONG"),)
    return (Check(_CHECK, Outcome.PASSED, ""),)


def remark_on(memory: AnnouncementMemory, statement: Statement) -> str:
    """What is to be said of a message that holds and came without an announcement. Blocks.

    Empty if its key was announced here at about that time.
    """
    heard = memory.heard().get(statement.author_certificate.hex())
    return "" if heard is not None and abs(statement.time - heard.time) <= _HEARD_PERIOD else NOT_ANNOUNCED


def hear(memory: AnnouncementMemory, announcement_der: bytes) -> None:
    """Remember, durably, an announcement that holds. Blocks."""
    announcement = SignedAnnouncement.from_der(announcement_der).announcement
    memory.hear(AnnouncedKey(announcement.certificate, announcement.claim.source, announcement.time))
