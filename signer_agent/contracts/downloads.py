"""A download: one envelope from the media server, opened and hashed while it comes, kept as ciphertext.

The last segment is known by what follows it: so each segment waits until the next part is there. What was written is
opened once more when a download goes on after a crash: the hash over the content begins at its first byte.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from fourseal.v1 import relay_service_pb2

from contract.content_key import ContentKey
from contract.envelope import EnvelopeHeader
from contract.errors import ContentDamaged
from contract.stream import SegmentOpener
from contract.trailer import SignedStatement, open_trailer
from mpc.errors import FoursealError
from mpc.secret import Secret
from signer_agent.contracts.envelopes import BATCH_SEGMENTS, ContentOpening, SegmentFile
from signer_agent.contracts.mailbox import Mailbox
from signer_agent.contracts.mailbox_entry import IncomingEntry
from signer_agent.contracts.relay_line import RelayLine
from wire.catalogue import ServiceError
from wire.client.private_folder import translated
from wire.segments import Segment
from wire.streams import is_break

KeyOpener = Callable[[EnvelopeHeader], Awaitable[ContentKey]]
"""Opens our key ciphertext of an envelope, together with the server."""

_MAX_FRUITLESS: Final = 5


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Downloaded(Secret):
    """An envelope that is here whole; its content is durable at ``Mailbox.part_path``.

    Args:
        header: of the envelope.
        content_key: opens it.
        signed: the opened trailer.
        length: bytes of the content.
        digest: SHA-256 of the content, 32 bytes.
    """

    header: EnvelopeHeader
    content_key: ContentKey
    signed: SignedStatement
    length: int
    digest: bytes


class Download:
    """One download. Belongs to the event loop that it was made on.

    Args:
        line: to the media server.
        mailbox: keeps what comes.
        envelope_id: which.
        session_id: the session that it must belong to.
        open_key: opens key ciphertexts for us.
        on_progress: is told how many bytes of ciphertext are here.
    """

    def __init__(
        self,
        line: RelayLine,
        mailbox: Mailbox,
        envelope_id: str,
        session_id: str,
        open_key: KeyOpener,
        on_progress: Callable[[int], None],
    ) -> None:
        self._line = line
        self._mailbox = mailbox
        self._envelope_id = envelope_id
        self._session_id = session_id
        self._open_key = open_key
        self._on_progress = on_progress
        self._incoming: IncomingEntry | None = None
        self._header: EnvelopeHeader | None = None
        self._opening: ContentOpening | None = None
        self._written = 0
        self._writing: asyncio.Task[None] | None = None
        self._batch: list[Segment] = []  # all but the last of them are known not to be the content's last

    async def run(self) -> Downloaded:
        """Fetch all of it, from where an earlier download stopped.

        Raises:
            FoursealError: CONTENT_DAMAGED, ENVELOPE_MISDIRECTED, ENVELOPE_MALFORMED, what ``open_key`` raises and what
                the media server answered. What had come is kept only if the download can go on.
            ServiceError: STORE_UNUSABLE: no space is left, for example.
        """
        with translated(self._mailbox.part_path(self._envelope_id)):
            file = await asyncio.to_thread(SegmentFile, self._mailbox.part_path(self._envelope_id))
        try:
            with file:
                try:
                    return await self._run(file)
                finally:
                    if self._writing is not None:
                        await asyncio.gather(self._writing, return_exceptions=True)
        except FoursealError as error:
            if not is_break(error):
                await asyncio.to_thread(self._mailbox.forget, self._envelope_id)
            raise

    async def _run(self, file: SegmentFile) -> Downloaded:
        await self._resume(file)
        fruitless = 0
        while True:
            before = self._written + len(self._batch)
            try:
                finish = await self._stream(file)
            except FoursealError as error:
                if not is_break(error) or fruitless == _MAX_FRUITLESS:
                    raise
                finish = None
            if finish is not None:
                return await self._finish(file, finish)
            fruitless = 0 if self._written + len(self._batch) > before else fruitless + 1

    async def _stream(self, file: SegmentFile) -> relay_service_pb2.EnvelopeFinish | None:
        """One stream; None if it ended before the envelope did."""
        async for part in self._line.fetch(self._envelope_id, self._written + len(self._batch)):
            if isinstance(part, Segment):
                self._require_opening()
                self._batch.append(part)
                if len(self._batch) > BATCH_SEGMENTS:
                    await self._write(file)
            elif part.HasField("header_der"):
                await self._take_header(part.header_der)
            elif part.HasField("finish"):
                self._require_opening()
                return part.finish
            else:
                raise ContentDamaged
        return None

    async def _take_header(self, header_der: bytes) -> None:
        """The header, which every stream begins with, and which must always be the same."""
        if self._incoming is not None:
            if header_der != self._incoming.header_der:
                raise ContentDamaged
            return
        header = EnvelopeHeader.from_der(header_der)
        if (header.envelope_id, header.session_id) != (self._envelope_id, self._session_id):
            raise ServiceError("ENVELOPE_MISDIRECTED", envelope_id=self._envelope_id)
        content_key = await self._open_key(header)
        self._begin(IncomingEntry(self._envelope_id, header_der, content_key.to_secret_bytes()), header)

    def _begin(self, incoming: IncomingEntry, header: EnvelopeHeader) -> None:
        self._incoming = incoming
        self._header = header
        self._opening = ContentOpening(SegmentOpener(ContentKey(incoming.content_key).stream_key(header.core)))

    async def _resume(self, file: SegmentFile) -> None:
        """Open what an earlier process wrote."""
        incoming = await asyncio.to_thread(self._mailbox.incoming, self._envelope_id)
        if incoming is None:
            await asyncio.to_thread(file.truncate, 0)
            return
        header = EnvelopeHeader.from_der(incoming.header_der)
        self._begin(incoming, header)
        try:
            self._written = await asyncio.to_thread(self._open_written, file)
        except ContentDamaged:  # a power failure took some of it, or all had come but the trailer
            await asyncio.to_thread(file.truncate, 0)
            self._begin(incoming, header)

    def _open_written(self, file: SegmentFile) -> int:
        opening, count = self._require_opening(), file.whole_segments()
        for number in range(count):
            opening.open(file.read(number), last=False)
        return count

    async def _write(self, file: SegmentFile) -> None:
        """Open and write all segments but the newest, while others come."""
        await self._settle()
        ready, self._batch = self._batch[:-1], self._batch[-1:]
        incoming = None if self._written else self._incoming
        self._written += len(ready)
        self._writing = asyncio.create_task(asyncio.to_thread(self._write_now, file, ready, incoming))

    async def _settle(self) -> None:
        """Wait for what is being written."""
        if self._writing is not None:
            await self._writing
            self._writing = None
            self._on_progress(self._require_opening().length)

    def _write_now(self, file: SegmentFile, ready: list[Segment], incoming: IncomingEntry | None) -> None:
        if incoming is not None:  # long content: worth going on with after a crash
            self._mailbox.begin(incoming)
        for segment in ready:
            self._require_opening().open(segment.data, last=False)
        with translated(self._mailbox.part_path(self._envelope_id)):
            file.append(ready)

    async def _finish(self, file: SegmentFile, finish: relay_service_pb2.EnvelopeFinish) -> Downloaded:
        if not self._batch or finish.segments != self._written + len(self._batch):
            raise ContentDamaged
        await self._settle()
        return await asyncio.to_thread(self._finish_now, file, finish.trailer)

    def _finish_now(self, file: SegmentFile, trailer: bytes) -> Downloaded:
        opening, header = self._require_opening(), self._header
        if self._incoming is None or header is None:
            raise ContentDamaged
        for segment in self._batch[:-1]:
            opening.open(segment.data, last=False)
        opening.open(self._batch[-1].data, last=True)
        with translated(self._mailbox.part_path(self._envelope_id)):
            file.append(self._batch)
            file.sync()
        content_key = ContentKey(self._incoming.content_key)
        signed = open_trailer(content_key.trailer_key(header.core), trailer)
        return Downloaded(header, content_key, signed, opening.length, opening.digest)

    def _require_opening(self) -> ContentOpening:
        if self._opening is None:
            raise ContentDamaged
        return self._opening
