"""What the relay promises, and where each promise is kept.

* An envelope is acknowledged to its author when content, header and trailer are on the disk (``_finish``): the file
  first, then the rows, then the answer. A crash between the two leaves an upload that can be finished again.
* An author's envelopes come in the order in which they were finished, and their sequence numbers rise: one writer
  thread gives positions, and refuses a number that does not rise (``ledger``).
* An envelope is delivered at least once: it stays in a mailbox until its recipient acknowledges it or it expires.
* Rows go before files: a crash between the two leaves a file that nobody needs, and ``sweep`` removes it. The other way
  round a crash would leave a row that promises a content which is gone.
* What was damaged is not served: every segment is checked when it is read (``content``), the header against its digest.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any, Final, TypeVar

import structlog

from contract.envelope import EnvelopeHeader
from contract.relay_pass import RelayPass
from contract.stream import SEALED_SEGMENT_BYTES
from mpc.engines import Random
from server.clock import Clock
from server.journal import Caller
from server.journal.places import Places
from server.journal.senders import Senders
from server.relay import store
from server.relay.announcements import read_announcements
from server.relay.content import ContentFolder
from server.relay.finished import FinishedContents
from server.relay.ledger import Finish, Ledger, Posted, RelayTerms, Start
from server.relay.mailboxes import Bells
from server.relay.removal import Removal
from server.relay.store import Envelope, EnvelopeState, Mail, Posting
from server.relay.upkeep import Upkeep
from server.relay.upload import Upload, recipients_of
from server.relay.uploads import Uploads
from server.storage import Database, Threads
from wire.catalogue import ServiceError
from wire.segments import Segment

MAX_TRAILER_BYTES: Final = 512 << 10
MAX_TRANSFERS: Final = 64
"""Uploads and downloads that run at a time: each holds some MiB."""
MAX_TRANSFERS_OF_ACCOUNT: Final = 16
"""The same for one account in one session."""
_MIN_SEGMENT_BYTES: Final = 16
_AT_A_TIME: Final = 100
_WORTH_FOLLOWING: Final = 2  # segments: the end does not come at once


@dataclass(frozen=True, slots=True)
class Notice:
    """An envelope in a mailbox; position and sequence are 0 while it is being uploaded, ``posting`` as in ``Mail``."""

    position: int
    envelope_id: str
    author: str
    sequence: int
    content_bytes: int
    posting: Posting | None


Part = Segment | Finish
"""Of an envelope, after its header: a segment, or its end."""

T = TypeVar("T")


class Relay:
    """Takes, keeps and delivers envelopes. Belongs to the event loop that it was made on.

    Args:
        database: rows.
        folder: content.
        files: threads for content.
        terms: how it is run.
        random: for keys of checks.
        clock: the time.
        log: is told of what nobody waits for.
    """

    def __init__(
        self,
        database: Database,
        folder: ContentFolder,
        files: Threads,
        terms: RelayTerms,
        random: Random,
        clock: Clock,
        log: structlog.stdlib.BoundLogger,
    ) -> None:
        self.senders = Senders()
        self._database = database
        self._files = files
        self._terms = terms
        self._clock = clock
        self._ledger = Ledger(terms, random, clock)
        self._uploads = Uploads(self._find, folder, files)
        self._finished = FinishedContents(self._find, folder, files)
        self._removal = Removal(folder, files, log)
        self._upkeep = Upkeep(database, self._ledger, self._uploads, self._removal, folder)
        self._bells = Bells()
        self._places = Places(capacity=MAX_TRANSFERS, capacity_of_account=MAX_TRANSFERS_OF_ACCOUNT)
        self._unbroken: set[asyncio.Task[Any]] = set()

    async def post(self, shown: RelayPass, caller: Caller, start: Start, parts: AsyncIterator[Part]) -> Envelope:
        """Take an envelope, or the rest of one.

        Args:
            shown: the caller's pass.
            caller: the agent.
            start: which envelope, and from where on.
            parts: segments, then a ``Finish``.

        Returns:
            The envelope, durable; also when it was finished before.

        Raises:
            MalformedInput: those of ``EnvelopeHeader``; as ``read_announcements``.
            VerificationFailed: as ``read_announcements``.
            ServiceError: POSTING_NOT_ALLOWED, POSTED_FOR_ANOTHER, RELAY_RECIPIENT_UNKNOWN, ENVELOPE_CHANGED,
                TOO_MANY_UPLOADS, UPLOAD_ELSEWHERE, UPLOAD_INCOMPLETE, UPLOAD_IDLE, UPLOAD_TAKEN_OVER, UPLOAD_ABANDONED,
                RELAY_SEGMENT_LENGTH_WRONG, TRAILER_LENGTH_WRONG, SEQUENCE_NOT_RISING, QUOTA_EXCEEDED,
                TOO_MANY_WAITING, CONTENT_UNWRITABLE, STORAGE_UNAVAILABLE, OVERLOADED, SHUTTING_DOWN.
        """
        header = EnvelopeHeader.from_der(start.header_der)
        _require_own(shown, header)
        announcements = read_announcements(start.announcements_der, header, start.header_der, self._clock())
        posted = Posted(header, start.header_der, caller, announcements)
        with self._places.take(shown.account):
            begin = partial(self._ledger.begin, shown=shown, posted=posted)
            envelope, room = await self._database.write(begin)
            if envelope.state is not EnvelopeState.UPLOADING:
                await self._tell(envelope)  # whoever has not heard of it: its commit seemed to have failed
                return envelope
            async with self._uploads.use(envelope.envelope_id) as upload:
                if upload is not None:
                    return await self._take(shown, upload, start.segment, parts, room)
            return await self._require_finished(envelope.envelope_id)  # meanwhile, by another stream

    async def upload_state(self, shown: RelayPass, envelope_id: str) -> tuple[int, bool]:
        """Number of the next segment that is missing, and whether the envelope was finished.

        What it says is on the disk.

        Raises:
            ServiceError: CONTENT_UNWRITABLE, STORAGE_UNAVAILABLE.
        """
        envelope = await self._find(envelope_id)
        if envelope is None or (envelope.session_id, envelope.author) != (shown.session_id, shown.account):
            return 0, False
        async with self._uploads.use(envelope_id) as upload:
            if upload is not None:
                return await upload.flush(), False
        found = await self._find(envelope_id)
        return (0, False) if found is None else (found.segments, found.state is not EnvelopeState.UPLOADING)

    async def watch(self, shown: RelayPass, after: int) -> AsyncGenerator[Notice | None, None]:
        """Notices of what waits for the caller after a position, then None, then what comes; until ``end_streams``."""
        told: set[str] = set()
        all_told = False
        with self._bells.watch(shown.session_id, shown.account) as rung:
            while not self._bells.ended:
                rung.clear()
                waiting = await self._mail(shown, after)
                for item in waiting:
                    after = item.position
                    yield Notice(
                        item.position, item.envelope_id, item.author, item.sequence, item.content_bytes, item.posting
                    )
                for upload in self._uploads.of_mailbox(shown.session_id, shown.account):
                    envelope = upload.envelope
                    if envelope.envelope_id not in told:
                        told.add(envelope.envelope_id)
                        posting = await self._posting(shown, envelope.envelope_id)
                        yield Notice(0, envelope.envelope_id, envelope.author, 0, upload.content_bytes, posting)
                if waiting or self._bells.ended:
                    continue
                if not all_told:
                    all_told = True
                    yield None
                await rung.wait()

    async def end_streams(self) -> None:
        """End, at a shutdown, the streams that wait for what may never come, and finish what is being finished."""
        self._bells.end()
        self.senders.end()
        self._uploads.leave()
        if self._unbroken:
            await asyncio.wait(self._unbroken)

    async def fetch(self, shown: RelayPass, envelope_id: str) -> tuple[Envelope, Posting | None]:
        """An envelope that the caller wrote or is a recipient of, and who posted it.

        Raises:
            ServiceError: ENVELOPE_NOT_FOUND: there is none, it is another's, or everybody has it. CONTENT_LOST: its
                header is damaged.
        """
        envelope = await self._find(envelope_id)
        if envelope is None or envelope.header is None or envelope.session_id != shown.session_id:
            raise ServiceError("ENVELOPE_NOT_FOUND", envelope_id=envelope_id)
        if sha256(envelope.header).digest() != envelope.header_sha256:
            raise ServiceError("CONTENT_LOST")
        if shown.account not in {envelope.author, *recipients_of(envelope)}:
            raise ServiceError("ENVELOPE_NOT_FOUND", envelope_id=envelope_id)
        return envelope, await self._posting(shown, envelope_id)

    async def parts(self, shown: RelayPass, envelope: Envelope, first: int) -> AsyncGenerator[Part, None]:
        """Segments from one on, and the end; follows an upload for as long as it takes.

        Args:
            shown: the caller's pass.
            envelope: from ``fetch``.
            first: number of the first segment, at least 0.

        Raises:
            ServiceError: CONTENT_LOST, CONTENT_UNWRITABLE, UPLOAD_ABANDONED, OVERLOADED, SHUTTING_DOWN; FIELD_INVALID:
                there is no such segment; ENVELOPE_NOT_FOUND: everybody has it by now.
        """
        with self._places.take(shown.account):
            if envelope.state is EnvelopeState.UPLOADING:
                async with self._uploads.use(envelope.envelope_id) as upload:
                    if upload is not None:
                        async with aclosing(_follow(upload, first)) as following:
                            async for part in following:
                                yield part
                        return
                envelope = await self._require_finished(envelope.envelope_id)
            _require_within(first, envelope)
            async with self._finished.reading(envelope) as content:
                for number in range(first, envelope.segments):
                    yield await self._files.run(content.read, number)
            yield _end_of(envelope)

    async def acknowledge(self, shown: RelayPass, envelope_ids: Sequence[str]) -> None:
        """Take envelopes out of the caller's mailbox; what nobody waits for any more is deleted."""
        await self._run_unbroken(self._acknowledge_now(shown, envelope_ids))

    async def expire(self) -> int:
        """Drop envelopes and uploads whose time is over. Returns how many."""
        return await self._upkeep.expire()

    def sweep(self) -> int:
        """Delete files that no row needs, and count those of uploads. Before anybody calls. Returns how many."""
        return self._upkeep.sweep()

    async def _take(
        self, shown: RelayPass, upload: Upload, first: int, parts: AsyncIterator[Part], room: int
    ) -> Envelope:
        """Take what comes into an upload, until its end."""
        async with upload.sending() as sender:
            if first != upload.segments:
                raise ServiceError("UPLOAD_ELSEWHERE", expected=upload.segments, found=first)
            late = ServiceError("UPLOAD_IDLE", envelope_id=upload.envelope.envelope_id)
            while (part := await self.senders.next_in_time(parts, late)) is not None:
                upload.require_sender(sender)
                if isinstance(part, Finish):
                    await upload.settle(sender)
                    return await self._finish(shown, upload, part)
                self._require_segment(upload, part, room)
                await upload.append(sender, part)
                if upload.segments == _WORTH_FOLLOWING:
                    self._bells.ring(shown.session_id, upload.recipients)
            raise ServiceError("UPLOAD_INCOMPLETE", envelope_id=upload.envelope.envelope_id)

    def _require_segment(self, upload: Upload, segment: Segment, room: int) -> None:
        if not upload.accepts_more or not _MIN_SEGMENT_BYTES <= len(segment) <= SEALED_SEGMENT_BYTES:
            raise ServiceError("RELAY_SEGMENT_LENGTH_WRONG", found=len(segment), maximum=SEALED_SEGMENT_BYTES)
        if upload.content_bytes + len(segment) > self._terms.max_envelope_bytes:
            raise ServiceError("QUOTA_EXCEEDED", limit=self._terms.max_envelope_bytes)
        if self._uploads.bytes_of(upload.envelope.session_id, upload.envelope.author) + len(segment) > room:
            raise ServiceError("QUOTA_EXCEEDED", limit=max(0, room))

    async def _finish(self, shown: RelayPass, upload: Upload, finish: Finish) -> Envelope:
        if finish.segments != upload.segments or not upload.segments:
            raise ServiceError("UPLOAD_ELSEWHERE", expected=upload.segments, found=finish.segments)
        if not 0 < len(finish.trailer) <= MAX_TRAILER_BYTES:
            raise ServiceError("TRAILER_LENGTH_WRONG", found=len(finish.trailer), maximum=MAX_TRAILER_BYTES)
        upload.finishing = True
        return await self._run_unbroken(self._finish_now(shown, upload, finish))  # those who wait must hear of it

    async def _finish_now(self, shown: RelayPass, upload: Upload, finish: Finish) -> Envelope:
        try:
            async with self._uploads.use(upload.envelope.envelope_id):  # stays open when its sender goes
                await upload.seal()
                enter = partial(
                    self._ledger.finish,
                    shown=shown,
                    envelope=upload.envelope,
                    content_bytes=upload.content_bytes,
                    finish=finish,
                )
                try:
                    finished = await self._database.write(enter)
                except ServiceError as error:
                    finished = await self._kept_all_the_same(upload, error)
                await self._tell(finished)
        finally:
            upload.finishing = False
        return finished

    async def _kept_all_the_same(self, upload: Upload, error: ServiceError) -> Envelope:
        """What came of an upload whose commit seemed to have failed. Raises ``error`` unless it was kept."""
        if error.reason != "STORAGE_UNAVAILABLE":
            raise error
        try:
            found = await self._find(upload.envelope.envelope_id)
        except ServiceError:
            upload.leave(error)  # it cannot be known now: followers come again
            raise error from None
        if found is None or found.state is EnvelopeState.UPLOADING:
            raise error
        return found

    async def _tell(self, finished: Envelope) -> None:
        """Let all who wait for an envelope hear that it was finished."""
        self._uploads.end(finished, finished)
        self._bells.ring(finished.session_id, recipients_of(finished))

    async def _acknowledge_now(self, shown: RelayPass, envelope_ids: Sequence[str]) -> None:
        acknowledge = partial(self._ledger.acknowledge, shown=shown, envelope_ids=envelope_ids)
        await self._removal.remove(await self._database.write(acknowledge))

    async def _run_unbroken(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something to its end, also when its caller goes away in the middle of it."""
        task = asyncio.create_task(work)
        self._unbroken.add(task)
        task.add_done_callback(self._end_unbroken)
        return await asyncio.shield(task)

    def _end_unbroken(self, task: asyncio.Task[Any]) -> None:
        self._unbroken.discard(task)
        if not task.cancelled():
            task.exception()  # who waits hears of it; asyncio shall not complain where nobody does

    async def _find(self, envelope_id: str) -> Envelope | None:
        return await self._database.read(lambda connection: store.find_envelope(connection, envelope_id))

    async def _posting(self, shown: RelayPass, envelope_id: str) -> Posting | None:
        return await self._database.read(lambda connection: store.find_posting(connection, envelope_id, shown.account))

    async def _require_finished(self, envelope_id: str) -> Envelope:
        """The row of an envelope that is no upload any more."""
        envelope = await self._find(envelope_id)
        if envelope is None or envelope.state is EnvelopeState.UPLOADING:
            raise ServiceError("UPLOAD_ABANDONED", envelope_id=envelope_id)
        return envelope

    async def _mail(self, shown: RelayPass, after: int) -> list[Mail]:
        return await self._database.read(
            lambda connection: store.list_mail(connection, shown.session_id, shown.account, after, _AT_A_TIME)
        )


async def _follow(upload: Upload, first: int) -> AsyncGenerator[Part, None]:
    number = first
    with upload.recent.following() as follower:
        while not upload.ended or number < upload.segments:
            while number < upload.segments:
                upload.recent.want(follower, number)
                yield await upload.read(number)
                number += 1
            await upload.wait_beyond(number)
    if upload.finished is not None:
        _require_within(first, upload.finished)
        yield _end_of(upload.finished)
    elif upload.left is not None:
        raise upload.left
    else:
        raise ServiceError("UPLOAD_ABANDONED", envelope_id=upload.envelope.envelope_id)


def _require_within(first: int, envelope: Envelope) -> None:
    if first > envelope.segments:
        raise ServiceError("FIELD_INVALID", field="segment", problem=f"above {envelope.segments}")


def _end_of(envelope: Envelope) -> Finish:
    return Finish(envelope.segments, envelope.sequence, envelope.trailer or b"")


def _require_own(shown: RelayPass, header: EnvelopeHeader) -> None:
    if (header.session_id, header.author) != (shown.session_id, shown.account):
        raise ServiceError("POSTED_FOR_ANOTHER", envelope_id=header.envelope_id)
