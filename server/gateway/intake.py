"""Announcements that pass by: checked, noted in the histories, and reported to the guard."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from fourseal.v1 import relay_service_pb2 as pb

from contract.announcements.announcement import MAX_DELAY, Announcement, SignedAnnouncement
from contract.announcements.claim import CLOCK_DIFFERENCE
from contract.announcements.contents import Side
from contract.announcements.failures import Failures
from contract.announcements.history import Channel, Identity
from contract.envelope import EnvelopeHeader
from contract.errors import VerificationFailed
from mpc.errors import FoursealError, MalformedInput
from server.clock import Clock
from server.gateway.guard_line import GuardLine
from server.gateway.histories import Histories, Seen
from server.gateway.store.notices import Mailbox
from server.gateway.store.reports import Reported
from server.gateway.traffic import Posted, Traffic
from server.metrics import EventLog
from wire.catalogue import ServiceError
from wire.convert import time_of

_BLOCK_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Shown:
    """Announcements of an envelope that an agent of ours sends.

    Args:
        seen: to be noted when the media server has the envelope.
    """

    seen: Sequence[Seen] = ()


class Intake:
    """Looks at announcements.

    Args:
        traffic: knows who is refused.
        histories: note what was seen.
        guard: is told.
        clock: the time.
        log: is told of what does not hold.
    """

    def __init__(
        self,
        traffic: Traffic,
        histories: Histories,
        guard: GuardLine,
        clock: Clock,
        log: EventLog,
    ) -> None:
        self._traffic = traffic
        self._histories = histories
        self._guard = guard
        self._clock = clock
        self._log = log
        self._failures = Failures()

    async def sending(self, channel: Channel, start: pb.EnvelopeStart, upload: AsyncExitStack) -> Shown:
        """Look at what an agent of ours begins to send, before it goes on.

        Args:
            channel: of the agent.
            start: of the upload.
            upload: is left when nothing more comes of it.

        Raises:
            MalformedInput: ANNOUNCEMENT_MALFORMED, and what else the announcements or the header are refused with.
            VerificationFailed: ANNOUNCEMENT_MISPLACED, and what ``SignedAnnouncement.check`` raises.
            GuardRefused: TOO_MANY_INVALID_ANNOUNCEMENTS: nothing was looked at.
            ServiceError: CHANNEL_BLACK_LISTED, KEY_BLACK_LISTED, ANNOUNCEMENT_REFUSED, STORAGE_UNAVAILABLE.
        """
        if self._traffic.refuses(channel=(channel.agent, channel.certificate)):
            raise ServiceError("CHANNEL_BLACK_LISTED", agent=channel.agent)
        if not start.announcements_der:
            return Shown()
        self._failures.require_few(channel.agent, self._clock())
        try:
            found = self._check_all(start)
        except (MalformedInput, VerificationFailed):
            self._failures.failed(channel.agent, self._clock())
            raise
        seen = [Seen(each.claim.user, each.claim.destination, Identity(each.key, channel)) for each in found]
        upload.enter_context(self._histories.under_way(seen))
        reported = [Reported(each, channel.agent, self._clock()) for each in start.announcements_der]
        for result in await self._guard.report(reported):
            if result.reason:
                raise ServiceError("ANNOUNCEMENT_REFUSED", problem=result.reason)
        return Shown(seen)

    async def sent(self, shown: Shown) -> None:
        """The media server has the envelope.

        Raises:
            ServiceError: STORAGE_UNAVAILABLE.
        """
        await self._histories.saw(Side.SENDER, shown.seen)

    async def received(self, mailbox: Mailbox, notice: pb.WatchMailboxResponse) -> Posted:
        """Look at a notice for an agent of ours, and at the announcement that came with it.

        One that does not hold counts as none: the recipient sees that itself.

        Raises:
            ServiceError: STORAGE_UNAVAILABLE.
        """
        posting = notice.posting
        announcement = self._read(mailbox, notice.author, posting) if posting.announcement_der else None
        if announcement is not None and notice.position:
            await self._note(announcement, posting)
        return posted_of(mailbox, notice.author, posting, announcement)

    def fetched(self, mailbox: Mailbox, author: str, posting: pb.Posting) -> Posted:
        """Look at who posted an envelope that is fetched."""
        announcement = self._read(mailbox, author, posting) if posting.announcement_der else None
        return posted_of(mailbox, author, posting, announcement)

    def _check_all(self, start: pb.EnvelopeStart) -> list[Announcement]:
        """Announcements of an envelope, at most one for each recipient; without those that cannot be checked yet."""
        header, digest = EnvelopeHeader.from_der(start.header_der), sha256(start.header_der).digest()
        found, destinations = list[Announcement](), set[str]()
        for each in start.announcements_der:
            signed = SignedAnnouncement.from_der(each)
            announcement = signed.announcement
            announcement.require_envelope(header, digest)
            if announcement.claim.destination in destinations:
                problem = "two are for one recipient"
                raise MalformedInput("ANNOUNCEMENT_MALFORMED", problem, problem=problem)
            destinations.add(announcement.claim.destination)
            if self._traffic.refuses(key=announcement.key):
                raise ServiceError("KEY_BLACK_LISTED")
            if self._holds(signed):
                found.append(announcement)
        return found

    def _holds(self, signed: SignedAnnouncement) -> bool:
        """Check one; False: it needs the log's key, which is not known yet."""
        try:
            signed.check(self._clock(), self._guard.log_key)
        except VerificationFailed as error:
            if self._guard.log_key is None and error.reason == "KEY_CHANGE_UNPROVEN":
                return False
            raise
        return True

    def _read(self, mailbox: Mailbox, author: str, posting: pb.Posting) -> Announcement | None:
        try:
            signed = SignedAnnouncement.from_der(posting.announcement_der)
            said = signed.announcement
            if (said.claim.user, said.claim.destination, said.session_id) != (
                author,
                mailbox.recipient,
                mailbox.session_id,
            ):
                raise VerificationFailed("ANNOUNCEMENT_MISPLACED", "it is of another envelope")
            signed.check(time_of(posting.post_time, "post_time"), self._guard.log_key)
        except FoursealError as error:
            self._log.warning("announcement_passed_over", agent=posting.agent, author=author, cause=str(error))
            return None
        return said

    async def _note(self, announcement: Announcement, posting: pb.Posting) -> None:
        claim = announcement.claim
        channel = Channel(posting.agent, posting.agent_certificate_sha256, claim.source)  # it says no other address
        await self._histories.saw(
            Side.RECEIVER, [Seen(claim.user, claim.destination, Identity(announcement.key, channel))]
        )
        now = self._clock()
        if now - announcement.time > MAX_DELAY + CLOCK_DIFFERENCE:
            return  # it waited in the mailbox; when it came, the sender's gateway told of it
        for result in await self._guard.report([Reported(posting.announcement_der, posting.agent, now)]):
            if result.alarm_id:
                await self._traffic.wait_for_block(claim.user, claim.destination, result.alarm_id, _BLOCK_SECONDS)


def posted_of(mailbox: Mailbox, author: str, posting: pb.Posting, announcement: Announcement | None) -> Posted:
    """What counts of an envelope."""
    key = b"" if announcement is None else announcement.key
    return Posted(mailbox, author, posting.agent, posting.agent_certificate_sha256, key)
