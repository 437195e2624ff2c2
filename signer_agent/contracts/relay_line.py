"""The line to the media server: mutual TLS, a pass with every call, deadlines, and what is repeated.

A pass lives for minutes. It is fetched when it is first needed, and once more when the media server does not take it
any longer. Streams are not repeated here: whoever uses one goes on where it ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

import grpc
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fourseal.v1 import gateway_service_pb2, relay_service_pb2
from fourseal.v1.gateway_service_pb2_grpc import GatewayServiceStub
from fourseal.v1.relay_service_pb2_grpc import RelayServiceStub

from wire.client.identity import Identity
from wire.client.repetition import CALL_SECONDS, call_repeatedly
from wire.limits import channel_options
from wire.segments import Segment, decoder_of, encode
from wire.status import RemoteError
from wire.streams import STREAM_SECONDS, Post, is_of_old_pass, under_way
from wire.tls import channel_credentials

if TYPE_CHECKING:  # these exist for the type checker only
    from fourseal.v1.gateway_service_pb2_grpc import GatewayServiceAsyncStub
    from fourseal.v1.relay_service_pb2_grpc import RelayServiceAsyncStub

    PostPart = relay_service_pb2.PostEnvelopeRequest | Segment
    FetchPart = relay_service_pb2.FetchEnvelopeResponse | Segment
    EnvelopePost = Post[PostPart, relay_service_pb2.PostEnvelopeResponse]
    PostMethod = grpc.aio.StreamUnaryMultiCallable[PostPart, relay_service_pb2.PostEnvelopeResponse]
    FetchMethod = grpc.aio.UnaryStreamMultiCallable[relay_service_pb2.FetchEnvelopeRequest, FetchPart]

PASS_KEY: Final = "fourseal-pass-bin"  # noqa: S105  # its place in the metadata
_RECONNECT_OPTIONS: Final = [("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 1000)]
_MAX_IDS: Final = 1000
_SERVICE: Final = relay_service_pb2.DESCRIPTOR.services_by_name["RelayService"].full_name
_Response = TypeVar("_Response")


class RelayLine:
    """A connection to the media server for one session. Belongs to the event loop that it was made on.

    Args:
        identity: who we are, and whom we believe.
        address: "host:port" of the media server.
        fetch_pass: gets a fresh pass, DER.
    """

    def __init__(self, identity: Identity, address: str, fetch_pass: Callable[[], Awaitable[bytes]]) -> None:
        self.address = address
        """See the arguments."""
        self._fetch_pass = fetch_pass
        self._pass = b""
        self._pass_turn = asyncio.Lock()
        key_pem = identity.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        credentials = channel_credentials(identity.authority_pem, key_pem, identity.certificate_pem)
        self._channel = grpc.aio.secure_channel(address, credentials, [*channel_options(), *_RECONNECT_OPTIONS])
        self._stub: RelayServiceAsyncStub = RelayServiceStub(self._channel)
        self._gateway: GatewayServiceAsyncStub = GatewayServiceStub(self._channel)
        self._post: PostMethod = self._channel.stream_unary(
            f"/{_SERVICE}/PostEnvelope", encode, relay_service_pb2.PostEnvelopeResponse.FromString
        )
        self._fetch: FetchMethod = self._channel.unary_stream(
            f"/{_SERVICE}/FetchEnvelope",
            relay_service_pb2.FetchEnvelopeRequest.SerializeToString,
            decoder_of(relay_service_pb2.FetchEnvelopeResponse),
        )

    async def require_pass(self) -> None:
        """Have a pass, before an upload that would take a server that is away for a stream that broke, and go on.

        Raises:
            FoursealError: of ``fetch_pass``.
        """
        await self._current_pass()

    async def upload_state(self, envelope_id: str) -> relay_service_pb2.GetUploadResponse:
        """How far an upload of ours has come.

        Raises:
            RemoteError: what the media server answered.
        """
        request = relay_service_pb2.GetUploadRequest(envelope_id=envelope_id)
        return await self._call(self._stub.GetUpload, request)

    async def acknowledge(self, envelope_ids: Sequence[str]) -> None:
        """Say that we have these. Raises as ``upload_state``."""
        for first in range(0, len(envelope_ids), _MAX_IDS):
            ids = envelope_ids[first : first + _MAX_IDS]
            request = relay_service_pb2.AcknowledgeEnvelopesRequest(envelope_ids=ids)
            await self._call(self._stub.AcknowledgeEnvelopes, request)

    async def ask_block(self, proof: gateway_service_pb2.ConflictProof) -> gateway_service_pb2.GatewayAlarm:
        """Ask the gateway on the way to hold what two keys claim to send. A media server has no such call.

        Raises:
            RemoteError: what it answered.
        """
        request = gateway_service_pb2.AskBlockRequest(proof=proof)
        return (await self._call(self._gateway.AskBlock, request)).alarm

    async def alarm(self, alarm_id: str) -> gateway_service_pb2.GatewayAlarm:
        """How an alarm stands at the gateway. Raises as ``ask_block``."""
        request = gateway_service_pb2.GetAlarmRequest(alarm_id=alarm_id)
        return (await self._call(self._gateway.GetAlarm, request)).alarm

    async def decide_alarm(
        self, alarm_id: str, genuine: Sequence[bytes], impostors: Sequence[bytes]
    ) -> gateway_service_pb2.GatewayAlarm:
        """Decide about one that is undetermined. Raises as ``ask_block``."""
        request = gateway_service_pb2.DecideAlarmRequest(alarm_id=alarm_id, genuine=genuine, impostors=impostors)
        return (await self._call(self._gateway.DecideAlarm, request)).alarm

    @asynccontextmanager
    async def post(self) -> AsyncIterator[EnvelopePost]:
        """An upload, under way while the context lasts.

        Raises:
            RemoteError: what the media server answered, or that the stream broke (``is_break``).
        """
        async with self._stream(self._post) as call:
            yield Post(call)

    async def watch(
        self, after_position: int, seconds: float = STREAM_SECONDS
    ) -> AsyncGenerator[relay_service_pb2.WatchMailboxResponse]:
        """Notices, until the time is over. Raises as ``post``."""
        request = relay_service_pb2.WatchMailboxRequest(after_position=after_position)
        async with self._stream(self._stub.WatchMailbox, request, seconds=seconds) as call:
            async for notice in call:
                yield notice

    async def fetch(self, envelope_id: str, segment: int) -> AsyncIterator[FetchPart]:
        """The parts of an envelope from a segment on. Raises as ``post``."""
        request = relay_service_pb2.FetchEnvelopeRequest(envelope_id=envelope_id, segment=segment)
        async with self._stream(self._fetch, request, seconds=STREAM_SECONDS) as call:
            async for part in call:
                yield part

    async def close(self) -> None:
        """Close the connection. Nothing may be in flight."""
        await self._channel.close()

    @asynccontextmanager
    async def _stream(
        self, method: Callable[..., Any], *request: object, seconds: float = STREAM_SECONDS
    ) -> AsyncIterator[Any]:
        shown = await self._current_pass()
        try:
            async with under_way(method(*request, metadata=_metadata(shown), timeout=seconds)) as call:
                yield call
        except RemoteError as error:
            if is_of_old_pass(error):
                self._drop_pass(shown)
            raise

    async def _call(self, method: Callable[..., Awaitable[_Response]], request: object) -> _Response:
        shown = await self._current_pass()
        try:
            return await self._call_with(method, request, shown)
        except RemoteError as error:
            if not is_of_old_pass(error):
                raise
        self._drop_pass(shown)
        return await self._call_with(method, request, await self._current_pass())

    async def _call_with(self, method: Callable[..., Awaitable[_Response]], request: object, shown: bytes) -> _Response:
        def with_pass(message: object, *, timeout: float) -> Awaitable[_Response]:  # gRPC's
            return method(message, timeout=timeout, metadata=_metadata(shown))

        return await call_repeatedly(with_pass, request, self.address, CALL_SECONDS)

    def _drop_pass(self, shown: bytes) -> None:
        """Let the next call fetch a fresh one, unless another call has done so."""
        if self._pass == shown:
            self._pass = b""

    async def _current_pass(self) -> bytes:
        async with self._pass_turn:
            if not self._pass:
                self._pass = await self._fetch_pass()
            return self._pass


class EnvelopeUpload:
    """An envelope on its way to the media server: see ``Destination``.

    Args:
        line: to the media server.
        envelope_id: of the envelope.
        header_der: its header.
        announce: makes the announcements that are due, DER.
    """

    def __init__(
        self,
        line: RelayLine,
        envelope_id: str,
        header_der: bytes,
        announce: Callable[[], Awaitable[Sequence[bytes]]],
    ) -> None:
        self._line = line
        self._envelope_id = envelope_id
        self._header_der = header_der
        self._announce = announce

    async def segments_there(self) -> int:
        """See ``Destination``."""
        return (await self._line.upload_state(self._envelope_id)).segment

    def post(self) -> AbstractAsyncContextManager[EnvelopePost]:
        """See ``Destination``."""
        return self._line.post()

    async def start(self, segment: int) -> PostPart:
        """See ``Destination``: with the announcements that are due now, instead of those of an earlier stream."""
        start = relay_service_pb2.EnvelopeStart(
            header_der=self._header_der, segment=segment, announcements_der=await self._announce()
        )
        return relay_service_pb2.PostEnvelopeRequest(start=start)

    def part(self, segment: Segment) -> PostPart:
        """See ``Destination``."""
        return segment


def _metadata(shown: bytes) -> tuple[tuple[str, bytes], ...]:
    return ((PASS_KEY, shown),)
