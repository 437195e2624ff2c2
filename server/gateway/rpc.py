"""RelayService, as a gateway has it for agents: every call is handed on as the agent's, with its pass and deadline.

On their way announcements are looked at, and what is held is not told and not given out.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import Any, TypeVar

import grpc
from fourseal.v1 import relay_service_pb2 as pb
from fourseal.v1 import relay_service_pb2_grpc

from contract.announcements.history import Channel
from contract.envelope import EnvelopeHeader
from server.gateway.intake import Shown
from server.gateway.store.notices import Mailbox
from server.gateway.upstream import Upstream, Upstreams
from server.gateway.watch import Watch
from server.identity import CallerReader
from server.relay.passes import PassReader
from wire.interceptor import call_seconds
from wire.peer import FORWARDED_KEY, RELAY_KEY, peer_address, peer_certificate, relay_pass
from wire.segments import Segment
from wire.status import error_from_rpc
from wire.streams import Post

_Context = grpc.aio.ServicerContext[Any, Any]
_Answer = TypeVar("_Answer")


class GatewayRelayRpc(relay_service_pb2_grpc.RelayServiceServicer):
    """RelayService.

    Args:
        callers: says which agent calls.
        passes: reads passes.
        upstreams: the lines to the media server.
        watch: over what passes by.
    """

    def __init__(self, callers: CallerReader, passes: PassReader, upstreams: Upstreams, watch: Watch) -> None:
        self._callers = callers
        self._passes = passes
        self._upstreams = upstreams
        self._watch = watch

    async def PostEnvelope(
        self, requests: AsyncIterator[pb.PostEnvelopeRequest | Segment], context: _Context
    ) -> pb.PostEnvelopeResponse:
        """See the proto."""
        upstream = await self._upstream(context)
        shown, post = Shown(), None
        async with AsyncExitStack() as stack:

            async def begin() -> Post[pb.PostEnvelopeRequest | Segment, pb.PostEnvelopeResponse]:
                call = upstream.post(metadata=_metadata(upstream, context), timeout=call_seconds(context))
                return Post(await stack.enter_async_context(_handed_on(call)))

            async for request in requests:
                if not isinstance(request, Segment) and request.HasField("start"):
                    shown = await self._watch.intake.sending(self._channel(context), request.start, stack)
                post = post or await begin()  # of what is refused here the media server hears nothing
                await post.write(request)
            answer = await (post or await begin()).answer()
        await self._watch.intake.sent(shown)
        return answer

    async def GetUpload(self, request: pb.GetUploadRequest, context: _Context) -> pb.GetUploadResponse:
        """See the proto."""
        upstream = await self._upstream(context)
        return await _call(upstream.relay.GetUpload, request, upstream, context)

    async def WatchMailbox(
        self, request: pb.WatchMailboxRequest, context: _Context
    ) -> AsyncIterator[pb.WatchMailboxResponse]:
        """See the proto."""
        upstream, mailbox = await self._upstream(context), self._mailbox(context)
        await self._watch.served.saw(mailbox.recipient)
        seconds = call_seconds(context)
        call = upstream.relay.WatchMailbox(request, metadata=_metadata(upstream, context), timeout=seconds)
        async with (
            _handed_on(call) as notices,
            aclosing(self._watch.mailboxes.watch(mailbox, request.after_position, aiter(notices))) as sorted_out,
        ):
            async for notice in sorted_out:
                yield notice

    async def FetchEnvelope(  # type: ignore[override]  # a segment is not made into a message, see wire.segments
        self, request: pb.FetchEnvelopeRequest, context: _Context
    ) -> AsyncIterator[pb.FetchEnvelopeResponse | Segment]:
        """See the proto."""
        upstream, mailbox = await self._upstream(context), self._mailbox(context)
        call = upstream.fetch(request, metadata=_metadata(upstream, context), timeout=call_seconds(context))
        async with _handed_on(call) as parts:
            async for part in parts:
                if isinstance(part, pb.FetchEnvelopeResponse) and part.header_der:
                    author = EnvelopeHeader.from_der(part.header_der).author
                    posted = self._watch.intake.fetched(mailbox, author, part.posting)
                    await self._watch.traffic.require_free(posted, request.envelope_id)
                yield part

    async def AcknowledgeEnvelopes(
        self, request: pb.AcknowledgeEnvelopesRequest, context: _Context
    ) -> pb.AcknowledgeEnvelopesResponse:
        """See the proto."""
        upstream, mailbox = await self._upstream(context), self._mailbox(context)
        answer = await _call(upstream.relay.AcknowledgeEnvelopes, request, upstream, context)
        await self._watch.traffic.acknowledge(mailbox, request.envelope_ids)
        return answer

    async def _upstream(self, context: _Context) -> Upstream:
        certificate = peer_certificate(context)
        self._callers.read(certificate)
        assert certificate is not None  # noqa: S101  # else it was refused
        return await self._upstreams.of(certificate)

    def _channel(self, context: _Context) -> Channel:
        caller = self._callers.read(peer_certificate(context))
        return Channel(caller.agent_id, caller.certificate_sha256, peer_address(context))

    def _mailbox(self, context: _Context) -> Mailbox:
        caller = self._callers.read(peer_certificate(context))
        shown = self._passes.read(relay_pass(context), caller.certificate_sha256)
        return Mailbox(shown.session_id, shown.account)


async def _call(
    method: Callable[..., Awaitable[_Answer]], request: object, upstream: Upstream, context: _Context
) -> _Answer:
    try:
        return await method(request, metadata=_metadata(upstream, context), timeout=call_seconds(context))
    except grpc.aio.AioRpcError as error:
        raise error_from_rpc(error) from None


@asynccontextmanager
async def _handed_on(call: Any) -> AsyncIterator[Any]:  # noqa: ANN401  # gRPC's calls, of every kind
    """A stream that ends with the context; what it ended with is handed on as it is, also where gRPC lost a reason."""
    try:
        yield call
    except grpc.aio.AioRpcError as error:
        raise error_from_rpc(error) from None
    finally:
        call.cancel()


def _metadata(upstream: Upstream, context: _Context) -> tuple[tuple[str, bytes], ...]:
    shown = relay_pass(context)
    named = (FORWARDED_KEY, upstream.agent_certificate)
    return (named,) if shown is None else (named, (RELAY_KEY, shown))
