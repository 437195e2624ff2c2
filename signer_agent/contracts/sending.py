"""Sending: one pass over the content, then the signature, then the trailer.

(1) the content key is made and encrypted for every recipient; that is the header. For evidence it is encrypted for
    ourselves too;
(2) evidence: the sealed content is uploaded to the evidence server, in a pass of its own;
(3) segments are sealed and uploaded (``uploads``); length and digest are known at their end;
(4) alone in the session on this device, after whatever was fixed before (``outbox_signing``): a statement is fixed and
    stored; both sign it; the signature is checked; evidence is deposited, and its receipt checked: nothing is delivered
    that is to be evidence and is none;
(5) the trailer seals statement, description and signature, and ends the envelope at the media server.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Final

from fourseal.v1 import evidence_service_pb2, relay_service_pb2
from grpc import StatusCode

from contract.content_key import ContentKey
from contract.envelope import EnvelopeCore, EnvelopeHeader, RecipientKey
from contract.key_ciphertext import write_key_ciphertext
from contract.key_sealing import seal_key
from contract.names import new_envelope_id
from contract.stream import SegmentSealer, sealed_length
from mpc.errors import FoursealError
from signer_agent.contracts.announcing import Announcer
from signer_agent.contracts.envelopes import ContentSealing, SegmentTags
from signer_agent.contracts.model import VerifiedSession
from signer_agent.contracts.outbox import Outbox
from signer_agent.contracts.outbox_entry import EvidenceParts, OutboxEntry, OutboxState, ToSend
from signer_agent.contracts.outbox_signing import OutboxSigning, SealedContent, require_open, require_valid
from signer_agent.contracts.relay_line import EnvelopeUpload, RelayLine
from signer_agent.contracts.signer import Signer
from signer_agent.contracts.sources import Source
from signer_agent.contracts.uploads import OnProgress, Upload
from signer_agent.evidence.content_upload import ContentUpload, content_finish
from wire.catalogue import ServiceError
from wire.status import RemoteError

_UNDECIDED: Final = (
    StatusCode.UNAVAILABLE,
    StatusCode.DEADLINE_EXCEEDED,
    StatusCode.RESOURCE_EXHAUSTED,
    StatusCode.UNAUTHENTICATED,
    StatusCode.CANCELLED,
    StatusCode.INTERNAL,
    StatusCode.UNKNOWN,
)
_LATER: Final = ("PROOF_REQUIRED", "CONTENT_UPLOAD_BUSY")


class Sender:
    """Sends envelopes for one account. Belongs to the event loop that it was made on.

    Args:
        signer: who signs.
        outbox: where it is remembered.
        announcer: announces the key that signs.
        line_to: gives the line to a session's media server.
    """

    def __init__(
        self,
        signer: Signer,
        outbox: Outbox,
        announcer: Announcer,
        line_to: Callable[[VerifiedSession], Awaitable[RelayLine]],
    ) -> None:
        self._signer = signer
        self._outbox = outbox
        self._announcer = announcer
        self._line_to = line_to
        self._signing = OutboxSigning(signer, outbox)

    async def send(self, to_send: ToSend, source: Source, on_progress: OnProgress) -> OutboxEntry:
        """Send content; returns when the media server has all of it.

        A file whose sending was interrupted goes on where it stopped.

        Raises:
            FoursealError: NOT_A_MEMBER, RECIPIENT_CHANGED, FILE_UNUSABLE, SOURCE_CHANGED, SOURCE_NOT_REPEATABLE,
                SENDING_ALREADY, and what ``Signer`` and the media server answer.
        """
        session = await self._signer.session(to_send.session_id)  # asked for anew when it is signed
        require_open(session)
        interrupted = await asyncio.to_thread(self._outbox.interrupted, to_send)
        if interrupted is None:
            entry = await asyncio.to_thread(self._new_entry, to_send, session)
        else:
            entry = interrupted
        with self._outbox.sending(entry.envelope_id) as is_alone:
            if not is_alone:
                raise ServiceError("SENDING_ALREADY", name=to_send.name)
            if interrupted is None and to_send.origin:
                await asyncio.to_thread(self._outbox.put, entry)
            line = await self._line_to(session)
            await line.require_pass()
            sending = _Sending(self._signer, self._outbox, self._announcer, self._signing, entry, source, line)
            try:
                return await sending.run(on_progress, is_new=interrupted is None)
            except RemoteError as error:
                if error.reason == "POSTING_NOT_ALLOWED":  # the media server does not know why
                    require_open(await self._signer.session(to_send.session_id, refresh=True))
                raise

    async def begun(self, request_id: str) -> OutboxEntry | None:
        """The envelope of a request: sent, or its upload was interrupted; None: there is none.

        Raises:
            FoursealError: SERVER_UNAVAILABLE: it is signed, and cannot be finished now; as ``send``.
        """
        entry = await asyncio.to_thread(self._outbox.of_request, request_id)
        if entry is None or entry.state in {OutboxState.FINISHED, OutboxState.UPLOADING}:
            return entry
        await self.finish_interrupted(entry.to_send.session_id)
        entry = await asyncio.to_thread(self._outbox.of_request, request_id)
        if entry is not None and entry.state is not OutboxState.FINISHED:
            raise ServiceError("SERVER_UNAVAILABLE")
        return entry

    async def finish_interrupted(self, session_id: str) -> None:
        """Finish what was fixed in a session and not finished, if the servers can be reached. Raises as ``send``."""
        if not await self._signing.fixed(session_id):
            return
        line = await self._line_to(await self._signer.session(session_id))
        async with self._signing.turn(session_id):
            try:
                await finish_fixed(self._outbox, self._announcer, self._signing, line, session_id)
            except FoursealError as error:
                if not is_undecided(error):
                    raise

    def _new_entry(self, to_send: ToSend, session: VerifiedSession) -> OutboxEntry:
        """Step (1). Blocks."""
        content_key = ContentKey.new(secrets.token_bytes)
        certificate = session.encrypt_certificate
        recipients = [require_valid(session, name) for name in to_send.recipients]
        core = EnvelopeCore(
            new_envelope_id(secrets.token_bytes),
            session.session_id,
            self._signer.name,
            certificate.fingerprint,
            to_send.recipients,
        )
        keys = tuple(
            RecipientKey(
                each.name, seal_key(content_key, core.label(each.name), each, certificate, secrets.token_bytes)
            )
            for each in recipients
        )
        header = EnvelopeHeader(core.envelope_id, core.session_id, core.author, core.session_certificate, keys)
        evidence = None
        if to_send.evidence:
            ours, label = session.member(self._signer.name).encrypt_certificate, core.label(self._signer.name)
            sealed = seal_key(content_key, label, ours, certificate, secrets.token_bytes)
            evidence = EvidenceParts(write_key_ciphertext(sealed))
        return OutboxEntry(
            envelope_id=core.envelope_id,
            to_send=to_send,
            header_der=header.to_der(),
            content_key=content_key.to_secret_bytes(),
            certificates=tuple(each.fingerprint for each in recipients),
            create_time=datetime.now(UTC),
            evidence=evidence,
        )


class _Sending:
    """One envelope on its way: steps (2) to (5)."""

    def __init__(
        self,
        signer: Signer,
        outbox: Outbox,
        announcer: Announcer,
        signing: OutboxSigning,
        entry: OutboxEntry,
        source: Source,
        line: RelayLine,
    ) -> None:
        self._signer = signer
        self._outbox = outbox
        self._announcer = announcer
        self._signing = signing
        self._entry = entry
        self._source = source
        self._line = line
        self._turn = AsyncExitStack()
        self._kept = bool(entry.to_send.origin)  # in the outbox

    async def run(self, on_progress: OnProgress, *, is_new: bool) -> OutboxEntry:
        """Send all of it, of which nothing is there if it is new.

        The signing turn that ``_finish`` takes lasts until the media server has the trailer.
        """
        path = self._outbox.tags_path(self._entry.envelope_id) if self._kept else None
        tags = await asyncio.to_thread(SegmentTags, path)
        header_der = self._entry.header_der
        announcing = self._announcer.of(header_der, self._line.address)
        destination = EnvelopeUpload(self._line, self._entry.envelope_id, header_der, announcing.make)
        upload = Upload(
            destination,
            lambda: self._begin(tags),
            repeatable=self._source.repeatable,
            finish=self._finish,
            on_progress=on_progress,
        )
        async with self._turn:
            try:
                if self._entry.evidence is not None:
                    await self._deposit_content(tags, on_progress, is_new=is_new)
                response = await upload.run(0 if is_new else await destination.segments_there())
            except FoursealError as error:
                if self._kept and not is_undecided(error):
                    await asyncio.to_thread(self._outbox.remove, self._entry.envelope_id)
                raise
            finally:
                tags.close()
            await announcing.told()
            return await keep_finished(self._outbox, self._entry, response)

    def _begin(self, tags: SegmentTags, *, hashed: bool = False) -> ContentSealing:
        key = ContentKey(self._entry.content_key).stream_key(self._entry.header.core)
        return ContentSealing(self._source, SegmentSealer(key), tags, hashed=hashed)

    async def _deposit_content(self, tags: SegmentTags, on_progress: OnProgress, *, is_new: bool) -> None:
        """Step (2)."""
        session_id, envelope_id = self._entry.to_send.session_id, self._entry.envelope_id
        if self._source.size is None:
            raise AssertionError("it cannot be read again")
        destination = ContentUpload(self._signer, session_id, envelope_id, sealed_length(self._source.size))
        if self._entry.require_evidence().content_digest and await destination.is_finished():
            return

        async def finish(content: ContentSealing) -> evidence_service_pb2.PutContentRequest:
            self._entry = self._entry.content_deposited(content.sealed_digest)
            return content_finish(content.sealed_digest)

        upload = Upload(
            destination,
            lambda: self._begin(tags, hashed=True),
            repeatable=True,
            finish=finish,
            on_progress=on_progress,
        )
        try:
            await upload.run(0 if is_new else await destination.segments_there())
        except RemoteError as error:
            if error.reason == "CONTENT_CHANGED":  # it has another length than when it was begun
                raise ServiceError("SOURCE_CHANGED", source=self._source.name) from None
            raise
        if self._kept:
            await asyncio.to_thread(self._outbox.put, self._entry)

    async def _finish(self, content: ContentSealing) -> relay_service_pb2.PostEnvelopeRequest:
        session_id = self._entry.to_send.session_id
        await self._turn.enter_async_context(self._signing.turn(session_id))
        await finish_fixed(self._outbox, self._announcer, self._signing, self._line, session_id)
        sealed = SealedContent(content.segments, content.length, content.digest)
        self._kept = True
        self._entry = await self._signing.sign_content(self._entry, sealed)
        return await asyncio.to_thread(finish_part, self._entry)


async def finish_fixed(
    outbox: Outbox, announcer: Announcer, signing: OutboxSigning, line: RelayLine, session_id: str
) -> None:
    """Finish what an earlier process fixed. What the server refuses is forgotten. Only in a turn.

    Raises:
        FoursealError: the server or the media server cannot be reached.
    """
    for entry in await signing.fixed(session_id):
        try:
            signed = await signing.sign_fixed(entry)
            part = await asyncio.to_thread(finish_part, signed)
            fixed = signed.require_signing()
            announcing = announcer.of(signed.header_der, line.address, fixed.statement.author_certificate)
            destination = EnvelopeUpload(line, signed.envelope_id, signed.header_der, announcing.make)
            async with destination.post() as post:
                await post.write(await destination.start(fixed.segments))
                await post.write(part)
                response = await post.answer()
            await announcing.told()
        except FoursealError as error:
            if is_undecided(error):
                raise
            await asyncio.to_thread(outbox.remove, entry.envelope_id)
        else:
            await keep_finished(outbox, signed, response)


def finish_part(entry: OutboxEntry) -> relay_service_pb2.PostEnvelopeRequest:
    """Step (5). Whoever forgot to deposit evidence ends here."""
    if entry.evidence is not None and entry.evidence.deposit is None:
        raise AssertionError("it is to be evidence, and is none")
    signing = entry.require_signing()
    finish = relay_service_pb2.EnvelopeFinish(
        segments=signing.segments, sequence=signing.statement.sequence, trailer=entry.trailer()
    )
    return relay_service_pb2.PostEnvelopeRequest(finish=finish)


async def keep_finished(
    outbox: Outbox, entry: OutboxEntry, response: relay_service_pb2.PostEnvelopeResponse
) -> OutboxEntry:
    """Remember that the media server has all of it."""
    finished = entry.finished(response.expire_time.ToDatetime(UTC))
    await asyncio.to_thread(outbox.put, finished)
    return finished


def is_undecided(error: FoursealError) -> bool:
    """Whether what failed can be finished later: nobody refused it for good."""
    return isinstance(error, RemoteError) and (error.code in _UNDECIDED or error.reason in _LATER)
