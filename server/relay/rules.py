"""What the relay promises, and where each promise is kept.

* An envelope is acknowledged to its author when content, header and trailer are on the disk (``_finish``): the file
  first, then the rows, then the answer. A crash between the two leaves an upload that can be finished again.
* An author's envelopes come in the order in which they were finished, and their sequence numbers rise: one writer
  thread gives positions, and refuses a number that does not rise.
* An envelope is delivered at least once: it stays in a mailbox until its recipient acknowledges it or it expires.
* Rows go before files: a crash between the two leaves a file that nobody needs, and ``sweep`` removes it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from hashlib import sha256
from typing import Final

from sqlalchemy import Connection

from contract.envelope import EnvelopeHeader
from contract.relay_pass import RelayPass
from contract.stream import SEALED_SEGMENT_BYTES
from mpc.engines import Random
from server.clock import Clock
from server.relay import store
from server.relay.content import CHECK_KEY_BYTES, ContentFolder
from server.relay.mailboxes import Bells
from server.relay.store import AuthorUsage, Envelope, EnvelopeState, Mail
from server.relay.uploads import Upload, Uploads, recipients_of
from server.storage import Database, Threads
from wire.catalogue import ServiceError

MAX_UPLOADS: Final = 16
"""Unfinished uploads of one author in one session."""
MAX_WAITING: Final = 10_000
"""Envelopes of one author in one session that wait for their recipients."""
MAX_TRAILER_BYTES: Final = 512 << 10
_MIN_SEGMENT_BYTES: Final = 16
_AT_A_TIME: Final = 100


@dataclass(frozen=True, slots=True)
class RelayTerms:
    """How it is run.

    Args:
        envelope_lifetime: for which an envelope waits for its recipients.
        upload_lifetime: for which an unfinished upload can be gone on with.
        max_envelope_bytes: content ciphertext of one envelope.
    """

    envelope_lifetime: timedelta
    upload_lifetime: timedelta
    max_envelope_bytes: int


@dataclass(frozen=True, slots=True)
class Finish:
    """What an upload ends with; see EnvelopeFinish."""

    segments: int
    sequence: int
    trailer: bytes


@dataclass(frozen=True, slots=True)
class Notice:
    """An envelope in a mailbox; position and sequence are 0 while it is being uploaded."""

    position: int
    envelope_id: str
    author: str
    sequence: int
    content_bytes: int


Part = bytes | Finish
"""Of an envelope, after its header: a segment, or its end."""


class Relay:
    """Takes, keeps and delivers envelopes. Belongs to the event loop that it was made on.

    Args:
        database: rows.
        folder: content.
        files: threads for content.
        terms: how it is run.
        random: for keys of checks.
        clock: the time.
    """

    def __init__(
        self,
        database: Database,
        folder: ContentFolder,
        files: Threads,
        terms: RelayTerms,
        random: Random,
        clock: Clock,
    ) -> None:
        self._database = database
        self._folder = folder
        self._files = files
        self._terms = terms
        self._random = random
        self._clock = clock
        self._uploads = Uploads(folder, files)
        self._bells = Bells()

    async def post(self, shown: RelayPass, header_der: bytes, first: int, parts: AsyncIterator[Part]) -> Envelope:
        """Take an envelope, or the rest of one.

        Args:
            shown: the caller's pass.
            header_der: of the envelope.
            first: number of the first segment that comes.
            parts: segments, then a ``Finish``.

        Returns:
            The envelope, durable; also when it was finished before.

        Raises:
            MalformedInput: those of ``EnvelopeHeader``.
            ServiceError: POSTING_NOT_ALLOWED, POSTED_FOR_ANOTHER, RELAY_RECIPIENT_UNKNOWN, ENVELOPE_CHANGED,
                TOO_MANY_UPLOADS, UPLOAD_ELSEWHERE, UPLOAD_INCOMPLETE, UPLOAD_TAKEN_OVER, RELAY_SEGMENT_LENGTH_WRONG,
                TRAILER_LENGTH_WRONG, SEQUENCE_NOT_RISING, QUOTA_EXCEEDED, CONTENT_UNWRITABLE, STORAGE_UNAVAILABLE.
        """
        header = EnvelopeHeader.from_der(header_der)
        _require_allowed(shown, header)
        envelope, room = await self._database.write(partial(self._begin, shown, header, header_der))
        if envelope.state is not EnvelopeState.UPLOADING:
            return envelope
        async with self._uploads.use(envelope) as upload, upload.sending() as sender:
            if upload.finished is not None:  # by another stream, while this one waited for its turn
                return upload.finished
            if first != upload.segments:
                raise ServiceError("UPLOAD_ELSEWHERE", expected=upload.segments, found=first)
            await self._bells.ring(shown.session_id, upload.recipients)
            async for part in parts:
                if isinstance(part, Finish):
                    await upload.settle(sender)
                    return await self._finish(shown, upload, part)
                self._require_segment(upload, part, room)
                await upload.append(sender, part)
            raise ServiceError("UPLOAD_INCOMPLETE", envelope_id=envelope.envelope_id)

    async def upload_state(self, shown: RelayPass, envelope_id: str) -> tuple[int, bool]:
        """Number of the next segment that is missing, and whether the envelope was finished."""
        envelope = await self._database.read(lambda connection: store.find_envelope(connection, envelope_id))
        if envelope is None or (envelope.session_id, envelope.author) != (shown.session_id, shown.account):
            return 0, False
        if envelope.state is not EnvelopeState.UPLOADING:
            return envelope.segments, True
        async with self._uploads.use(envelope) as upload:
            return upload.segments, False

    async def watch(self, shown: RelayPass, after: int) -> AsyncIterator[Notice]:
        """Notices of what waits for the caller after a position, and then of what comes; without end."""
        told: set[str] = set()
        while True:
            rung = self._bells.count(shown.session_id, shown.account)
            waiting = await self._mail(shown, after)
            for item in waiting:
                after = item.position
                yield Notice(item.position, item.envelope_id, item.author, item.sequence, item.content_bytes)
            for upload in self._uploads.of_mailbox(shown.session_id, shown.account):
                envelope = upload.envelope
                if envelope.envelope_id not in told:
                    told.add(envelope.envelope_id)
                    yield Notice(0, envelope.envelope_id, envelope.author, 0, upload.content_bytes)
            if not waiting:
                await self._bells.wait(shown.session_id, shown.account, rung)

    async def end_streams(self) -> None:
        """End, at a shutdown, the streams that wait for what may never come."""
        await self._bells.end()
        await self._uploads.leave()

    async def fetch(self, shown: RelayPass, envelope_id: str) -> Envelope:
        """An envelope that the caller wrote or is a recipient of.

        Raises:
            ServiceError: ENVELOPE_NOT_FOUND: there is none, it is another's, or everybody has it.
        """
        envelope = await self._database.read(lambda connection: store.find_envelope(connection, envelope_id))
        known = envelope is not None and envelope.session_id == shown.session_id
        if envelope is None or not known or shown.account not in {envelope.author, *recipients_of(envelope)}:
            raise ServiceError("ENVELOPE_NOT_FOUND", envelope_id=envelope_id)
        if envelope.state is EnvelopeState.DELIVERED:
            raise ServiceError("ENVELOPE_NOT_FOUND", envelope_id=envelope_id)
        return envelope

    async def parts(self, envelope: Envelope, first: int) -> AsyncIterator[Part]:
        """Segments from one on, and the end; follows an upload for as long as it takes.

        Raises:
            ServiceError: CONTENT_LOST, UPLOAD_ABANDONED, FIELD_INVALID: there is no such segment.
        """
        if envelope.state is EnvelopeState.UPLOADING:
            async with self._uploads.use(envelope) as upload:
                async for part in _follow(upload, first):
                    yield part
            return
        if not 0 <= first <= envelope.segments:
            raise ServiceError("FIELD_INVALID", field="segment", problem=f"not in 0 to {envelope.segments}")
        content = await self._files.run(self._folder.open, envelope.envelope_id, envelope.check_key)
        try:
            reading = None
            for number in range(first, envelope.segments):  # the next one is read while this one is sent
                current = reading or asyncio.create_task(self._files.run(content.read, number))
                segment = await current
                reading = None
                if number + 1 < envelope.segments:
                    reading = asyncio.create_task(self._files.run(content.read, number + 1))
                yield segment
        finally:
            if reading is not None:
                await asyncio.gather(reading, return_exceptions=True)
            content.close()
        yield _end_of(envelope)

    async def acknowledge(self, shown: RelayPass, envelope_ids: Sequence[str]) -> None:
        """Take envelopes out of the caller's mailbox; what nobody waits for any more is deleted."""

        def unit(connection: Connection) -> list[str]:
            return [
                envelope_id
                for envelope_id in dict.fromkeys(envelope_ids)
                if store.take_mail(connection, shown.session_id, shown.account, envelope_id)
                and not store.is_awaited(connection, envelope_id)
                and _deliver(connection, envelope_id)
            ]

        await self._remove(await self._database.write(unit))

    async def expire(self) -> int:
        """Drop envelopes and uploads whose time is over. Returns how many."""
        now = self._clock()

        def unit(connection: Connection) -> list[Envelope]:
            expired = store.list_expired(connection, now, _AT_A_TIME)
            for envelope in expired:
                if envelope.state is EnvelopeState.FINISHED:
                    _unload(connection, envelope)
                store.drop_envelope(connection, envelope.envelope_id)
            return expired

        count = 0
        while expired := await self._database.write(unit):
            for envelope in expired:
                await self._uploads.abandon(envelope.envelope_id)
            await self._remove([envelope.envelope_id for envelope in expired])
            count += len(expired)
        return count

    def sweep(self) -> int:
        """Delete files that no row needs: what a crash left. Before anybody calls. Returns how many."""
        needed = {envelope.envelope_id for envelope in self._all_with_content()}
        orphans = [name for name in self._folder.names() if name not in needed]
        for name in orphans:
            self._folder.remove(name)
        return len(orphans)

    def damaged(self) -> list[str]:
        """Read every finished envelope whole; returns the ids of those that are damaged. Takes long."""
        return [
            envelope.envelope_id
            for envelope in self._all_with_content()
            if envelope.state is EnvelopeState.FINISHED and not self._is_sound(envelope)
        ]

    def _all_with_content(self) -> Iterator[Envelope]:
        page = self._page_with_content("")
        while page:
            yield from page
            page = self._page_with_content(page[-1].envelope_id)

    def _page_with_content(self, after: str) -> list[Envelope]:
        return self._database.read_now(lambda connection: store.list_with_content(connection, after, _AT_A_TIME))

    def _is_sound(self, envelope: Envelope) -> bool:
        try:
            content = self._folder.open(envelope.envelope_id, envelope.check_key)
            try:
                for number in range(envelope.segments):
                    content.read(number)
            finally:
                content.close()
        except (ServiceError, OSError):
            return False
        return True

    def _begin(
        self, shown: RelayPass, header: EnvelopeHeader, header_der: bytes, connection: Connection
    ) -> tuple[Envelope, int]:
        """The envelope's row, made if it is new, and how many bytes its author may still add."""
        usage = store.find_usage(connection, shown.session_id, shown.account)
        room = min(self._terms.max_envelope_bytes, shown.quota_bytes - usage.waiting_bytes)
        digest = sha256(header_der).digest()
        envelope = store.find_envelope(connection, header.envelope_id)
        if envelope is not None:
            if envelope.header_sha256 != digest:
                raise ServiceError("ENVELOPE_CHANGED", envelope_id=header.envelope_id)
            if envelope.state is EnvelopeState.UPLOADING:
                envelope = replace(envelope, expire_time=self._clock() + self._terms.upload_lifetime)
                store.put_envelope(connection, envelope)
            return envelope, room
        if not shown.may_post:
            raise ServiceError("POSTING_NOT_ALLOWED", session_id=shown.session_id)
        if store.count_uploads(connection, shown.session_id, shown.account) >= MAX_UPLOADS:
            raise ServiceError("TOO_MANY_UPLOADS", limit=MAX_UPLOADS)
        envelope = Envelope(
            envelope_id=header.envelope_id,
            session_id=header.session_id,
            author=header.author,
            state=EnvelopeState.UPLOADING,
            header_sha256=digest,
            header=header_der,
            check_key=self._random(CHECK_KEY_BYTES),
            content_bytes=0,
            segments=0,
            sequence=0,
            trailer=None,
            finish_time=None,
            expire_time=self._clock() + self._terms.upload_lifetime,
        )
        store.put_envelope(connection, envelope)
        return envelope, room

    def _require_segment(self, upload: Upload, segment: bytes, room: int) -> None:
        if not upload.accepts(segment) or not _MIN_SEGMENT_BYTES <= len(segment) <= SEALED_SEGMENT_BYTES:
            raise ServiceError("RELAY_SEGMENT_LENGTH_WRONG", found=len(segment), maximum=SEALED_SEGMENT_BYTES)
        if upload.content_bytes + upload.coming_bytes + len(segment) > room:
            raise ServiceError("QUOTA_EXCEEDED", limit=max(0, room))

    async def _finish(self, shown: RelayPass, upload: Upload, finish: Finish) -> Envelope:
        if finish.segments != upload.segments or not upload.segments:
            raise ServiceError("UPLOAD_ELSEWHERE", expected=upload.segments, found=finish.segments)
        if not 0 < len(finish.trailer) <= MAX_TRAILER_BYTES:
            raise ServiceError("TRAILER_LENGTH_WRONG", found=len(finish.trailer), maximum=MAX_TRAILER_BYTES)
        await upload.flush()
        finished = await self._database.write(lambda connection: self._enter(connection, shown, upload, finish))
        await upload.end(finished)
        await self._bells.ring(finished.session_id, upload.recipients)
        return finished

    def _enter(self, connection: Connection, shown: RelayPass, upload: Upload, finish: Finish) -> Envelope:
        now = self._clock()
        envelope = store.find_envelope(connection, upload.envelope.envelope_id)
        if envelope is None:
            raise ServiceError("UPLOAD_ABANDONED", envelope_id=upload.envelope.envelope_id)
        usage = store.find_usage(connection, envelope.session_id, envelope.author)
        if finish.sequence <= usage.last_sequence:
            raise ServiceError("SEQUENCE_NOT_RISING", found=finish.sequence, last=usage.last_sequence)
        used = AuthorUsage(finish.sequence, usage.waiting_envelopes + 1, usage.waiting_bytes + upload.content_bytes)
        if used.waiting_bytes > shown.quota_bytes or used.waiting_envelopes > MAX_WAITING:
            raise ServiceError("QUOTA_EXCEEDED", limit=shown.quota_bytes)
        finished = replace(
            envelope,
            state=EnvelopeState.FINISHED,
            content_bytes=upload.content_bytes,
            segments=upload.segments,
            sequence=finish.sequence,
            trailer=finish.trailer,
            finish_time=now,
            expire_time=now + self._terms.envelope_lifetime,
        )
        store.put_envelope(connection, finished)
        store.put_usage(connection, envelope.session_id, envelope.author, used)
        store.add_mail(connection, envelope.session_id, envelope.envelope_id, sorted(upload.recipients))
        return finished

    async def _mail(self, shown: RelayPass, after: int) -> list[Mail]:
        return await self._database.read(
            lambda connection: store.list_mail(connection, shown.session_id, shown.account, after, _AT_A_TIME)
        )

    async def _remove(self, envelope_ids: Sequence[str]) -> None:
        for envelope_id in envelope_ids:
            await self._files.run(self._folder.remove, envelope_id)


async def _follow(upload: Upload, first: int) -> AsyncIterator[Part]:
    number = first
    while True:
        await upload.wait_beyond(number)
        while number < upload.segments:
            yield await upload.read(number)
            number += 1
        if upload.finished is not None:
            yield _end_of(upload.finished)
            return
        if upload.left:
            raise ServiceError("SHUTTING_DOWN")
        if upload.abandoned:
            raise ServiceError("UPLOAD_ABANDONED", envelope_id=upload.envelope.envelope_id)


def _end_of(envelope: Envelope) -> Finish:
    return Finish(envelope.segments, envelope.sequence, envelope.trailer or b"")


def _require_allowed(shown: RelayPass, header: EnvelopeHeader) -> None:
    if (header.session_id, header.author) != (shown.session_id, shown.account):
        raise ServiceError("POSTED_FOR_ANOTHER", envelope_id=header.envelope_id)
    for name in header.core.recipients:
        if name not in shown.members:
            raise ServiceError("RELAY_RECIPIENT_UNKNOWN", name=name)


def _deliver(connection: Connection, envelope_id: str) -> bool:
    """An envelope that nobody waits for any more: only what answers a repeat of its upload is kept."""
    envelope = store.find_envelope(connection, envelope_id)
    if envelope is None or envelope.state is not EnvelopeState.FINISHED:
        return False
    _unload(connection, envelope)
    store.put_envelope(connection, replace(envelope, state=EnvelopeState.DELIVERED, header=None, trailer=None))
    return True


def _unload(connection: Connection, envelope: Envelope) -> None:
    """Take a finished envelope from what its author has waiting."""
    usage = store.find_usage(connection, envelope.session_id, envelope.author)
    left = replace(
        usage,
        waiting_envelopes=usage.waiting_envelopes - 1,
        waiting_bytes=usage.waiting_bytes - envelope.content_bytes,
    )
    store.put_usage(connection, envelope.session_id, envelope.author, left)
