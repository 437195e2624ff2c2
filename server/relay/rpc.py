"""RelayService."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, Final

import grpc
from fourseal.v1 import relay_service_pb2 as pb
from fourseal.v1 import relay_service_pb2_grpc

from contract.names import check_envelope_id
from contract.relay_pass import RelayPass
from server.identity import CallerReader, Forwarding
from server.journal import Caller
from server.journal.places import Places
from server.relay.ledger import Finish, Start
from server.relay.passes import PassReader
from server.relay.rules import Notice, Part, Relay
from server.relay.store import Posting
from wire.catalogue import ServiceError
from wire.convert import timestamp_of
from wire.interceptor import call_seconds
from wire.peer import relay_pass
from wire.segments import Segment, decoder_of, encode

_MAX_IDS: Final = 1000
_SERVICE: Final = pb.DESCRIPTOR.services_by_name["RelayService"].full_name
_MAX_WATCHES: Final = 1024
_MAX_WATCHES_OF_ACCOUNT: Final = 64  # one for each session in which it waits for messages
_LEAVE_SECONDS: Final = 0.05  # before the deadline
_Context = grpc.aio.ServicerContext[Any, Any]


class RelayRpc(relay_service_pb2_grpc.RelayServiceServicer):
    """RelayService.

    Args:
        callers: says which agent calls.
        forwarding: says which certificate it has, also behind a gateway.
        passes: reads passes.
        relay: the rules.
    """

    def __init__(self, callers: CallerReader, forwarding: Forwarding, passes: PassReader, relay: Relay) -> None:
        self._callers = callers
        self._forwarding = forwarding
        self._passes = passes
        self._relay = relay
        self._watches = Places(capacity=_MAX_WATCHES, capacity_of_account=_MAX_WATCHES_OF_ACCOUNT)

    async def PostEnvelope(
        self, requests: AsyncIterator[pb.PostEnvelopeRequest | Segment], context: _Context
    ) -> pb.PostEnvelopeResponse:
        """See the proto."""
        shown, caller = self._read_pass(context)
        no_start = ServiceError("FIELD_INVALID", field="part", problem="a stream begins with a start")
        first = await self._relay.senders.next_in_time(requests, no_start)
        if first is None or isinstance(first, Segment) or not first.HasField("start"):
            raise no_start
        start = Start(first.start.header_der, first.start.segment, first.start.announcements_der)
        envelope = await self._relay.post(shown, caller, start, _parts(requests))
        response = pb.PostEnvelopeResponse(expire_time=timestamp_of(envelope.expire_time))
        if envelope.finish_time is not None:
            response.finish_time.CopyFrom(timestamp_of(envelope.finish_time))
        return response

    async def GetUpload(self, request: pb.GetUploadRequest, context: _Context) -> pb.GetUploadResponse:
        """See the proto."""
        shown, _ = self._read_pass(context)
        segment, finished = await self._relay.upload_state(shown, check_envelope_id(request.envelope_id))
        return pb.GetUploadResponse(segment=segment, finished=finished)

    async def WatchMailbox(
        self, request: pb.WatchMailboxRequest, context: _Context
    ) -> AsyncIterator[pb.WatchMailboxResponse]:
        """See the proto."""
        shown, _ = self._read_pass(context)
        if request.after_position < 0:
            raise ServiceError("FIELD_INVALID", field="after_position", problem="below 0")
        try:
            with self._watches.take(shown.account):
                async with (
                    asyncio.timeout(call_seconds(context) - _LEAVE_SECONDS),
                    aclosing(self._relay.watch(shown, request.after_position)) as notices,
                ):
                    async for notice in notices:
                        yield _notice_to_proto(notice)
        except TimeoutError:
            return  # the stream ends cleanly; the caller calls again

    async def FetchEnvelope(  # type: ignore[override]  # a segment is not made into a message, see wire.segments
        self, request: pb.FetchEnvelopeRequest, context: _Context
    ) -> AsyncIterator[pb.FetchEnvelopeResponse | Segment]:
        """See the proto."""
        shown, _ = self._read_pass(context)
        if request.segment < 0:
            raise ServiceError("FIELD_INVALID", field="segment", problem="below 0")
        envelope, posting = await self._relay.fetch(shown, check_envelope_id(request.envelope_id))
        yield pb.FetchEnvelopeResponse(header_der=envelope.header or b"", posting=_posting_to_proto(posting))
        async with aclosing(self._relay.parts(shown, envelope, request.segment)) as parts:
            async for part in parts:
                if isinstance(part, Finish):
                    yield pb.FetchEnvelopeResponse(finish=_finish_to_proto(part))
                else:
                    yield part

    async def AcknowledgeEnvelopes(
        self, request: pb.AcknowledgeEnvelopesRequest, context: _Context
    ) -> pb.AcknowledgeEnvelopesResponse:
        """See the proto."""
        shown, _ = self._read_pass(context)
        if not 1 <= len(request.envelope_ids) <= _MAX_IDS:
            raise ServiceError("BATCH_SIZE_WRONG", maximum=_MAX_IDS, found=len(request.envelope_ids))
        await self._relay.acknowledge(shown, [check_envelope_id(each) for each in request.envelope_ids])
        return pb.AcknowledgeEnvelopesResponse()

    def _read_pass(self, context: _Context) -> tuple[RelayPass, Caller]:
        caller = self._callers.read(self._forwarding.certificate_of(context))
        return self._passes.read(relay_pass(context), caller.certificate_sha256), caller


def add_relay_service(relay: relay_service_pb2_grpc.RelayServiceServicer, server: grpc.aio.Server) -> None:
    """Have a server answer the calls of RelayService; segments pass by protobuf (``wire.segments``)."""
    relay_service_pb2_grpc.add_RelayServiceServicer_to_server(relay, server)
    with_segments: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
        "PostEnvelope": grpc.stream_unary_rpc_method_handler(
            relay.PostEnvelope, decoder_of(pb.PostEnvelopeRequest), pb.PostEnvelopeResponse.SerializeToString
        ),
        "FetchEnvelope": grpc.unary_stream_rpc_method_handler(
            relay.FetchEnvelope, pb.FetchEnvelopeRequest.FromString, encode
        ),
    }
    server.add_registered_method_handlers(_SERVICE, with_segments)  # instead of those that were generated


async def _parts(requests: AsyncIterator[pb.PostEnvelopeRequest | Segment]) -> AsyncIterator[Part]:
    async for request in requests:
        if isinstance(request, Segment):
            yield request
        elif request.HasField("finish"):
            finish = request.finish
            yield Finish(finish.segments, finish.sequence, finish.trailer)
            return
        else:
            raise ServiceError("FIELD_INVALID", field="part", problem="neither a segment nor a finish")


def _notice_to_proto(notice: Notice | None) -> pb.WatchMailboxResponse:
    if notice is None:
        return pb.WatchMailboxResponse(all_told=True)
    return pb.WatchMailboxResponse(
        position=notice.position,
        envelope_id=notice.envelope_id,
        author=notice.author,
        sequence=notice.sequence,
        content_bytes=notice.content_bytes,
        posting=_posting_to_proto(notice.posting),
    )


def _posting_to_proto(posting: Posting | None) -> pb.Posting | None:
    if posting is None:
        return None
    return pb.Posting(
        agent=posting.agent,
        agent_certificate_sha256=posting.agent_certificate,
        post_time=timestamp_of(posting.post_time),
        announcement_der=posting.announcement,
    )


def _finish_to_proto(finish: Finish) -> pb.EnvelopeFinish:
    return pb.EnvelopeFinish(segments=finish.segments, sequence=finish.sequence, trailer=finish.trailer)
