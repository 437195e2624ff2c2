"""A media server over real gRPC and mutual TLS that keeps envelopes in memory, and cheats where a test tells it to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fourseal.v1 import relay_service_pb2 as pb
from fourseal.v1 import relay_service_pb2_grpc

from contract.announcements.announcement import SignedAnnouncement
from contract.envelope import EnvelopeHeader
from mpc.errors import FoursealError
from signer_agent.contracts.relay_line import PASS_KEY, RelayLine
from tests.signer_agent.authority import Authority
from wire.catalogue import ServiceError
from wire.client.identity import Identity
from wire.limits import server_options
from wire.status import status_of
from wire.tls import server_credentials

Context = grpc.aio.ServicerContext[Any, Any]
Parts = list[pb.FetchEnvelopeResponse]


@dataclass
class StoredEnvelope:
    """An envelope as the relay has it."""

    header_der: bytes
    segments: list[bytes] = field(default_factory=list)
    finish: pb.EnvelopeFinish | None = None
    announcements: list[bytes] = field(default_factory=list)
    """Of the last stream, in the order of their recipients."""
    posting: pb.Posting = field(default_factory=pb.Posting)
    """What is told of who posted it, but for the announcement."""

    def posting_for(self, account: str) -> pb.Posting:
        """What is told to somebody."""
        told = pb.Posting()
        told.CopyFrom(self.posting)
        for each in self.announcements:
            if SignedAnnouncement.from_der(each).announcement.claim.destination == account:
                told.announcement_der = each
        return told


@dataclass
class CheatingRelay(relay_service_pb2_grpc.RelayServiceServicer):
    """What the relay has, what it does wrong, and what it has seen."""

    envelopes: dict[str, StoredEnvelope] = field(default_factory=dict)
    breaks_of_uploads: list[int] = field(default_factory=list)
    """Each upload stream ends, as if the connection had broken, after so many segments; from the first on."""
    forgotten: list[int] = field(default_factory=list)
    """So many segments of what a broken stream brought are lost."""
    breaks_of_downloads: list[int] = field(default_factory=list)
    """Each download stream ends after so many parts; from the first on."""
    lost_answers: int = 0
    """So many finished uploads are not answered."""
    cheat: Callable[[Parts], Parts] = lambda parts: parts
    """Changes the parts of a download."""
    notices: Callable[[list[pb.WatchMailboxResponse]], list[pb.WatchMailboxResponse]] = lambda notices: notices
    """Changes what is told of a mailbox."""
    tells_all: bool = True
    """It is said that everything in a mailbox was told."""
    old_passes: set[bytes] = field(default_factory=set)
    shown_passes: list[bytes] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    """Where each upload stream began."""
    sent: list[tuple[str, int, bytes]] = field(default_factory=list)
    """Every segment that came: envelope, number, ciphertext."""
    acknowledged: list[str] = field(default_factory=list)

    async def PostEnvelope(  # noqa: N802  # named by the proto
        self, requests: AsyncIterator[pb.PostEnvelopeRequest], context: Context
    ) -> pb.PostEnvelopeResponse:
        """Take an upload."""
        await self._check_pass(context)
        start = (await anext(requests)).start
        envelope_id = EnvelopeHeader.from_der(start.header_der).envelope_id
        stored = self.envelopes.setdefault(envelope_id, StoredEnvelope(start.header_der))
        stored.announcements = list(start.announcements_der)
        stored.posting.post_time.GetCurrentTime()
        self.starts.append(start.segment)
        if start.segment != len(stored.segments):
            await _refuse(context, ServiceError("UPLOAD_ELSEWHERE", expected=len(stored.segments), found=start.segment))
        room = self.breaks_of_uploads.pop(0) if self.breaks_of_uploads else -1
        async for request in requests:
            if not room:
                lost = self.forgotten.pop(0) if self.forgotten else 0
                del stored.segments[len(stored.segments) - lost :]
                await context.abort(grpc.StatusCode.UNAVAILABLE, "broken")
            if request.WhichOneof("part") == "finish":
                return await self._finish(stored, request.finish, context)
            self.sent.append((envelope_id, len(stored.segments), request.segment))
            stored.segments.append(request.segment)
            room -= 1
        await _refuse(context, ServiceError("UPLOAD_INCOMPLETE", envelope_id=envelope_id))
        raise AssertionError

    async def _finish(
        self, stored: StoredEnvelope, finish: pb.EnvelopeFinish, context: Context
    ) -> pb.PostEnvelopeResponse:
        assert stored.finish is None or stored.finish == finish
        stored.finish = finish
        if self.lost_answers:
            self.lost_answers -= 1
            await context.abort(grpc.StatusCode.UNAVAILABLE, "broken")
        response = pb.PostEnvelopeResponse()
        response.finish_time.GetCurrentTime()
        response.expire_time.GetCurrentTime()
        return response

    async def GetUpload(  # noqa: N802  # named by the proto
        self, request: pb.GetUploadRequest, context: Context
    ) -> pb.GetUploadResponse:
        """Say how far one is."""
        await self._check_pass(context)
        stored = self.envelopes.get(request.envelope_id, StoredEnvelope(b""))
        return pb.GetUploadResponse(segment=len(stored.segments), finished=stored.finish is not None)

    async def WatchMailbox(  # noqa: N802  # named by the proto
        self, request: pb.WatchMailboxRequest, context: Context
    ) -> AsyncIterator[pb.WatchMailboxResponse]:
        """Tell of every finished envelope; to everybody."""
        await self._check_pass(context)
        finished = [(envelope_id, stored) for envelope_id, stored in self.envelopes.items() if stored.finish]
        notices = [
            pb.WatchMailboxResponse(
                position=position,
                envelope_id=envelope_id,
                author=EnvelopeHeader.from_der(stored.header_der).author,
                sequence=stored.finish.sequence if stored.finish else 0,
                posting=stored.posting_for(_account(context)),
            )
            for position, (envelope_id, stored) in enumerate(finished, start=1)
        ]
        for notice in self.notices(notices):
            if notice.position > request.after_position:
                yield notice
        if self.tells_all:
            yield pb.WatchMailboxResponse(all_told=True)

    async def FetchEnvelope(  # noqa: N802  # named by the proto
        self, request: pb.FetchEnvelopeRequest, context: Context
    ) -> AsyncIterator[pb.FetchEnvelopeResponse]:
        """Send an envelope."""
        await self._check_pass(context)
        stored = self.envelopes[request.envelope_id]
        parts = [pb.FetchEnvelopeResponse(header_der=stored.header_der)]
        parts += [pb.FetchEnvelopeResponse(segment=each) for each in stored.segments]
        parts += [pb.FetchEnvelopeResponse(finish=stored.finish)]
        changed = self.cheat(parts)
        room = self.breaks_of_downloads.pop(0) if self.breaks_of_downloads else -1
        for part in (changed[0], *changed[1 + request.segment :]):
            if not room:
                await context.abort(grpc.StatusCode.UNAVAILABLE, "broken")
            room -= 1
            yield part

    async def AcknowledgeEnvelopes(  # noqa: N802  # named by the proto
        self, request: pb.AcknowledgeEnvelopesRequest, context: Context
    ) -> pb.AcknowledgeEnvelopesResponse:
        """Note it."""
        await self._check_pass(context)
        self.acknowledged += request.envelope_ids
        return pb.AcknowledgeEnvelopesResponse()

    async def _check_pass(self, context: Context) -> None:
        metadata = dict(context.invocation_metadata() or ())
        shown = metadata.get(PASS_KEY, b"")
        assert isinstance(shown, bytes)
        self.shown_passes.append(shown)
        if not shown or shown in self.old_passes:
            await _refuse(context, ServiceError("PASS_INVALID"))


def _account(context: Context) -> str:
    """Who calls: the certificates of these lines name accounts."""
    (name,) = context.auth_context()["x509_common_name"]
    return name.decode()


async def _refuse(context: Context, error: FoursealError) -> None:
    status = status_of(error)
    await context.abort(status.code, status.message, status.trailing_metadata)


@asynccontextmanager
async def serving(relay: relay_service_pb2_grpc.RelayServiceServicer, authority: Authority) -> AsyncIterator[str]:
    """Serve a relay in this event loop; yields "localhost:port"."""
    key = ec.generate_private_key(ec.SECP256R1())
    key_pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    chain_pem = authority.issue(key.public_key(), "localhost").public_bytes(Encoding.PEM)
    server = grpc.aio.server(options=server_options())
    relay_service_pb2_grpc.add_RelayServiceServicer_to_server(relay, server)
    port = server.add_secure_port("127.0.0.1:0", server_credentials(key_pem, chain_pem, authority.pem))
    await server.start()
    try:
        yield f"localhost:{port}"
    finally:
        await server.stop(None)


@asynccontextmanager
async def line_to(relay: CheatingRelay, account: str = "alice") -> AsyncIterator[RelayLine]:
    """A line of somebody's to a relay that is served meanwhile. Its passes are b"pass 1", b"pass 2", ..."""
    authority = Authority()
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = authority.issue(key.public_key(), account).public_bytes(Encoding.PEM)
    count = 0

    async def fetch_pass() -> bytes:
        nonlocal count
        count += 1
        return f"pass {count}".encode()

    async with serving(relay, authority) as address:
        line = RelayLine(Identity(account, address, authority.pem, certificate, key), address, fetch_pass)
        try:
            yield line
        finally:
            await line.close()
