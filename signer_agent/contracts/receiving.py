"""Receiving: watch the mailbox, download, verify, store, acknowledge; in that order.

(1) envelopes are dealt with in the order in which they were finished, so that an answer comes after what it answers;
    all are downloaded meanwhile, also those whose upload is still under way (``downloads``). What cannot be fetched
    now, for the line broke or a gateway holds it, comes again with a new stream of notices, before what its author
    sent later;
(2) the statement is verified with the certificates of the revision that it names (``verifying``); if it holds, the
    evidence server says whether it is evidence: its author deposited it before the media server had all of it. What was
    deposited must be what came: else its author could deposit what we can never open;
    What came announced with it must be of the key that signed it (``announced``); before all that, a second key for
    one claim is noticed, and the gateway asked to hold its author's (``key_alarms``);
(3) the message is stored, durably, with the outcome of every check;
(4) then, and not before, the media server is told that it need not keep it.

An envelope that does not open is told of and not stored: the media server may have damaged it, and can be asked again.
The media server withholds what it does not deliver though it says that it has told everything, and though nothing else
stands in the way: a line that broke, a full disk or a lie of the server is told of as what it is, and blames nobody.
What a gateway says it holds is told of as held.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Iterable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from fourseal.v1 import relay_service_pb2

from contract.content_key import ContentKey
from contract.envelope import EnvelopeHeader
from contract.evidence_record import EvidenceRecord
from contract.trailer import seal_trailer
from mpc.errors import FoursealError, PeerMisbehaved
from signer_agent.contracts.announced import hear, remark_on
from signer_agent.contracts.announced_keys import AnnouncementMemory
from signer_agent.contracts.downloads import Download, Downloaded
from signer_agent.contracts.envelopes import SegmentFile
from signer_agent.contracts.key_alarms import KeyAlarms
from signer_agent.contracts.known import Known
from signer_agent.contracts.mailbox import Mailbox
from signer_agent.contracts.mailbox_entry import MailboxEntry, Message
from signer_agent.contracts.model import VerifiedSession
from signer_agent.contracts.relay_line import RelayLine
from signer_agent.contracts.signer import Signer
from signer_agent.contracts.verifying import verify
from signer_agent.evidence.reading import EvidenceReader
from wire.catalogue import ServiceError
from wire.client.private_folder import translated
from wire.status import RemoteError
from wire.streams import is_break

_TELL_SECONDS: Final = 30.0  # that the media server may be silent before it has told of all that it has
_LATE_SECONDS: Final = 3.0  # after that, for what was signed for us and is on its way to the media server
_DOWNLOADS: Final = 4  # at a time
_FIRST_PAUSE_SECONDS: Final = 0.1
_LONGEST_PAUSE_SECONDS: Final = 2.0
_OUR_FAULTS: Final = frozenset({"STORE_UNUSABLE", "STORE_DAMAGED", "STORE_PERMISSIONS", "CONTACT_CHANGED"})
_SPOILT: Final = frozenset({"DECRYPTION_FAILED", "KEY_CIPHERTEXT_MALFORMED", "SESSION_CERTIFICATE_UNKNOWN"})
"""What the server says of an envelope that was exchanged or damaged."""


@dataclass(frozen=True, slots=True)
class NotReceived:
    """Something that should be here, or was here, and is not a message.

    Args:
        author: from whom.
        envelope_id: of the envelope; empty if the media server did not tell of one.
        number: of the message by its author's count; 0 if that is not known.
        error: why.
    """

    author: str
    envelope_id: str
    number: int
    error: FoursealError


Received = Message | NotReceived
"""What receiving yields."""


class Receiver:
    """Receives for one account in one session. Belongs to the event loop that it was made on. For one use.

    Args:
        signer: whose.
        mailbox: where it is kept.
        known: what is here already.
        announcements: which keys were announced.
        alarms: about two keys that claim to be one user's.
        line: to the session's media server.
        session: verified just now.
    """

    def __init__(
        self,
        signer: Signer,
        mailbox: Mailbox,
        known: Known,
        announcements: AnnouncementMemory,
        alarms: KeyAlarms,
        line: RelayLine,
        session: VerifiedSession,
    ) -> None:
        self._signer = signer
        self._evidence = EvidenceReader(signer)
        self._mailbox = mailbox
        self._known = known
        self._announcements = announcements
        self._alarms = alarms
        self._line = line
        self._session = session
        self._limit = asyncio.Semaphore(_DOWNLOADS)
        self._downloads: dict[str, asyncio.Task[Downloaded]] = {}
        self._turn = asyncio.Lock()
        self._deals: set[asyncio.Task[None]] = set()
        self._results: asyncio.Queue[Received | FoursealError | None] = asyncio.Queue()
        self._behind: set[str] = set()  # authors of whom something is to come again before the rest
        self._position = 0
        self._following: asyncio.Task[bool] | None = None  # the stream of notices now
        self._held: set[str] = set()  # authors of whom a gateway holds something
        self._hindered: set[str] = set()  # authors from whom something could not be fetched, and not by their relay

    async def receive(self, *, follow: bool) -> AsyncGenerator[Received]:
        """Yield what comes.

        Args:
            follow: go on until the caller stops; else end when everything that was signed for us is here, or the media
                server does not tell of it in time. What is missing then comes last.

        Raises:
            FoursealError: MAILBOX_BUSY, STORE_UNUSABLE; the server or the media server cannot be reached.
        """
        with self._mailbox.receiving(self._session.session_id):
            await asyncio.to_thread(self._mailbox.catch_up)
            watching = asyncio.create_task(self._watch(follow=follow))
            try:
                while (result := await self._results.get()) is not None:
                    if isinstance(result, FoursealError):
                        raise result
                    yield result
            finally:
                await _end([watching, *self._deals, *self._downloads.values()])
            for missing in await asyncio.to_thread(self._missing):
                yield missing

    async def _watch(self, *, follow: bool) -> None:
        """Step (1), until everything is dealt with; whatever ends it is a result."""
        try:
            await (self._follow() if follow else self._look())
            await asyncio.gather(*self._deals)
        except FoursealError as error:
            self._results.put_nowait(error)
        else:
            self._results.put_nowait(None)

    async def _look(self) -> None:
        """Take notices until everything that was signed for us is here. What comes besides it does not count.

        Raises:
            ServiceError: SERVER_UNAVAILABLE: the media server stops, or is silent, before it has told of everything.
            RemoteError: of the stream.
        """
        waiting = await asyncio.to_thread(self._waiting)
        if not waiting:
            return
        limit = _TELL_SECONDS
        async with aclosing(self._line.watch(0)) as notices:
            while (notice := await _next_in_time(notices, limit)) is not None:
                if notice.all_told or notice.held_authors:
                    limit = _LATE_SECONDS
                    self._held = set(notice.held_authors)
                    continue
                waiting -= self._take(notice)
                if waiting <= 0:
                    await asyncio.gather(*self._deals)
                    waiting = await asyncio.to_thread(self._waiting)
                    if not waiting:
                        return
        if limit == _TELL_SECONDS:
            raise ServiceError("SERVER_UNAVAILABLE")

    def _waiting(self) -> int:
        """How many messages were signed for us that are not here."""
        counts = self._session.counters.messages_to_me
        return sum(max(0, count - self._known.numbers(name).count) for name, count in counts.items())

    async def _follow(self) -> None:
        """Take notices for ever; one stream goes on where the one before ended, or begins anew for what is behind."""
        pause = _FIRST_PAUSE_SECONDS
        while True:
            before = self._position
            self._following = asyncio.create_task(self._follow_once())
            try:
                await asyncio.wait([self._following])
            finally:
                self._following.cancel()
            is_whole = not self._following.cancelled() and self._following.result()
            if self._behind:
                await asyncio.gather(*self._deals)
                self._behind.clear()
                self._position = 0
            elif is_whole or self._position > before:
                pause = _FIRST_PAUSE_SECONDS
            if not is_whole:
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    async def _follow_once(self) -> bool:
        """One stream; False if it broke."""
        try:
            async with aclosing(self._line.watch(self._position)) as notices:
                async for notice in notices:
                    if notice.all_told or notice.held_authors:
                        continue
                    self._take(notice)
                    self._position = max(self._position, notice.position)
        except FoursealError as error:
            if not is_break(error):
                raise
            return False
        return True

    def _take(self, notice: relay_service_pb2.WatchMailboxResponse) -> bool:
        """Begin to deal with a notice. Returns whether it is of a finished envelope that is new."""
        envelope_id = notice.envelope_id
        if self._mailbox.has(envelope_id):
            self._spawn(self._acknowledge(envelope_id))
            return False
        started = self._downloads.get(envelope_id)
        if started is None or (started.done() and started.exception() is not None):
            self._downloads[envelope_id] = asyncio.create_task(self._download(envelope_id))
        if not notice.position:  # its upload is still under way
            return False
        self._spawn(self._deal(notice))
        return True

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._deals.add(task)
        task.add_done_callback(self._deals.discard)

    async def _download(self, envelope_id: str) -> Downloaded:
        async with self._limit:
            session_id = self._session.session_id
            return await Download(
                self._line, self._mailbox, envelope_id, session_id, self._open_key, lambda _: None
            ).run()

    async def _open_key(self, header: EnvelopeHeader) -> ContentKey:
        return await self._signer.decrypt_key(header)

    async def _deal(self, notice: relay_service_pb2.WatchMailboxResponse) -> None:
        """Steps (2) to (4), in turn: a lock is given in the order in which it was asked for."""
        async with self._turn:
            try:
                if notice.author in self._behind:
                    return
                await self._alarms.saw(notice, self._session.session_id, self._line)
                downloaded = await self._downloads[notice.envelope_id]
                message = await self._keep(notice, downloaded)
            except FoursealError as error:
                self._results.put_nowait(NotReceived(notice.author, notice.envelope_id, 0, error))
                if not _is_of_envelope(error):
                    self._hindered.add(notice.author)
                if error.reason == "ENVELOPE_REPEATED":
                    await self._acknowledge(notice.envelope_id)
                if is_break(error) and self._following is not None:
                    self._behind.add(notice.author)
                    self._following.cancel()
            else:
                self._results.put_nowait(*await self._alarms.remarked([message]))
                await self._acknowledge(notice.envelope_id)
            finally:
                self._downloads.pop(notice.envelope_id, None)

    async def _acknowledge(self, envelope_id: str) -> None:
        """Step (4). If the media server cannot be reached it tells of the envelope again, and is told again."""
        try:
            await self._line.acknowledge([envelope_id])
        except FoursealError as error:
            if not is_break(error):
                raise

    async def _keep(self, notice: relay_service_pb2.WatchMailboxResponse, downloaded: Downloaded) -> Message:
        statement = downloaded.signed.statement
        if await asyncio.to_thread(self._known.is_genuine, statement):
            await asyncio.to_thread(self._mailbox.forget, notice.envelope_id)
            raise ServiceError("ENVELOPE_REPEATED", author=statement.author)
        now = datetime.now(UTC)
        verdict = await verify(self._signer, self._session.session_id, downloaded, notice.posting, self._known)
        logged = await self._evidence.find(statement.digest) if verdict.verified else None
        log_index, remark = None, ""
        if logged is not None:
            path = self._mailbox.part_path(notice.envelope_id)
            if await asyncio.to_thread(_is_deposited, logged.message.record, downloaded, path):
                log_index = logged.message.receipt.index
            else:
                remark = "what was deposited is another message"
        elif verdict.verified and self._session.info.all_is_evidence:
            remark = "not deposited, against the session's rule"
        announcement_der = notice.posting.announcement_der if verdict.verified else b""
        unannounced = ""
        if verdict.verified and not announcement_der:
            unannounced = await asyncio.to_thread(remark_on, self._announcements, statement)

        def entry(number: int) -> MailboxEntry:
            note = self._known.note(statement) if verdict.verified else ""
            note = "; ".join(filter(None, (note, remark, unannounced)))
            description = downloaded.signed.description
            message = Message(number, notice.envelope_id, statement, description, now, verdict, note, log_index)
            header_der, content_key = downloaded.header.to_der(), downloaded.content_key.to_secret_bytes()
            return MailboxEntry(message, downloaded.signed, header_der, content_key)

        message = await asyncio.to_thread(self._mailbox.keep, entry)
        if announcement_der:
            await asyncio.to_thread(hear, self._announcements, announcement_der)
        return message

    def _missing(self) -> list[NotReceived]:
        """What was signed for us and did not come: a gateway holds it, or the media server withholds it."""
        return [
            NotReceived(author, "", number, self._why(author, number))
            for author, count in self._session.counters.messages_to_me.items()
            if author not in self._hindered
            for number in self._known.numbers(author).missing(count)
        ]

    def _why(self, author: str, number: int) -> ServiceError:
        if author in self._held:
            return ServiceError("MESSAGE_HELD", author=author, number=number)
        return ServiceError("MESSAGE_WITHHELD", author=author, number=number)


async def _next_in_time(
    notices: AsyncGenerator[relay_service_pb2.WatchMailboxResponse], seconds: float
) -> relay_service_pb2.WatchMailboxResponse | None:
    """The next notice; None if none comes in time, or the stream has ended."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            return await anext(notices, None)
    return None


def _is_of_envelope(error: FoursealError) -> bool:
    """Whether something was delivered, and is wrong; else something else stood in the way of what may be right."""
    if isinstance(error, RemoteError | PeerMisbehaved):
        return error.reason in _SPOILT
    return error.reason not in _OUR_FAULTS


def _is_deposited(record: EvidenceRecord, downloaded: Downloaded, path: Path) -> bool:
    """Whether a record is of the very envelope that came: its key ciphertexts, its trailer, its sealed content."""
    header = downloaded.header
    if record.header != header:
        return False
    if record.trailer != seal_trailer(downloaded.content_key.trailer_key(header.core), downloaded.signed):
        return False
    with translated(path), SegmentFile(path, writable=False) as file:
        return record.content_digest == file.digest()


async def _end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    ending = list(tasks)
    for task in ending:
        task.cancel()
    await asyncio.gather(*ending, return_exceptions=True)
