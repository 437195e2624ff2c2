"""The media server as a process of its own: it relays while the evidence server is stopped, and survives a kill."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import pytest
from fourseal.v1 import relay_service_pb2 as pb
from fourseal.v1 import relay_service_pb2_grpc, signing_service_pb2, signing_service_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from contract.envelope import EnvelopeHeader
from contract.stream import SEALED_SEGMENT_BYTES as SEALED
from tests.server.harness import CALL_SECONDS, call
from tests.server.media.conftest import Scene, header_of
from tests.server.relay.media import MediaProcess
from wire import tls
from wire.limits import channel_options
from wire.peer import RELAY_KEY
from wire.status import RemoteError

SEGMENTS = (b"a" * SEALED, b"b" * 1000)


@asynccontextmanager
async def line_to(process: MediaProcess, scene: Scene) -> AsyncIterator[grpc.aio.Channel]:
    """The agent's line."""
    credentials = tls.channel_credentials(
        scene.authority.certificate_pem, scene.agent.key_pem, scene.agent.certificate_pem
    )
    async with grpc.aio.secure_channel(process.serving.server, credentials, channel_options()) as channel:
        yield channel


async def post(channel: grpc.aio.Channel, shown: bytes, header: EnvelopeHeader) -> pb.PostEnvelopeResponse:
    """A whole envelope."""

    async def parts() -> AsyncIterator[pb.PostEnvelopeRequest]:
        yield pb.PostEnvelopeRequest(start=pb.EnvelopeStart(header_der=header.to_der()))
        for segment in SEGMENTS:
            yield pb.PostEnvelopeRequest(segment=segment)
        yield pb.PostEnvelopeRequest(finish=pb.EnvelopeFinish(segments=2, sequence=1, trailer=b"trailer"))

    stub = relay_service_pb2_grpc.RelayServiceStub(channel)
    return await stub.PostEnvelope(parts(), metadata=((RELAY_KEY, shown),), timeout=CALL_SECONDS)


async def fetch(channel: grpc.aio.Channel, shown: bytes, envelope_id: str) -> list[pb.FetchEnvelopeResponse]:
    """All parts of an envelope."""
    stub = relay_service_pb2_grpc.RelayServiceStub(channel)
    request = pb.FetchEnvelopeRequest(envelope_id=envelope_id)
    return [part async for part in stub.FetchEnvelope(request, metadata=((RELAY_KEY, shown),), timeout=CALL_SECONDS)]


async def test_envelope_outlives_a_kill_and_the_evidence_server(scene: Scene, session_id: str) -> None:
    """Posted, killed, started again, fetched; all the while no evidence server runs."""
    header = header_of(session_id)
    with MediaProcess(scene.media) as media:
        async with line_to(media, scene) as channel:
            answer = await post(channel, scene.pass_for("alice", session_id), header)
            assert answer.expire_time.seconds > answer.finish_time.seconds
        media.kill()
    with MediaProcess(scene.media) as media:
        async with line_to(media, scene) as channel:
            parts = await fetch(channel, scene.pass_for("bob", session_id), header.envelope_id)
        assert media.terminate() == 0
    assert parts[0].header_der == header.to_der()
    assert tuple(part.segment for part in parts[1:-1]) == SEGMENTS
    assert (parts[-1].finish.segments, parts[-1].finish.trailer) == (2, b"trailer")


async def test_health_and_nothing_but_the_relay(scene: Scene) -> None:
    """It serves; whoever asks it for a signature finds no such service."""
    with MediaProcess(scene.media) as media:
        async with line_to(media, scene) as channel:
            health = health_pb2_grpc.HealthStub(channel)
            answer = await call(health.Check, health_pb2.HealthCheckRequest(service="fourseal.v1.RelayService"))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
            signing = signing_service_pb2_grpc.SigningServiceStub(channel)
            with pytest.raises(RemoteError) as refused:
                await call(signing.SignDigest, signing_service_pb2.SignDigestRequest())
            assert refused.value.code is grpc.StatusCode.UNIMPLEMENTED


async def test_stopping_ends_a_stream_of_notices(scene: Scene, session_id: str) -> None:
    """A watcher is sent away; the process ends by itself."""
    with MediaProcess(scene.media) as media:
        async with line_to(media, scene) as channel:
            shown = scene.pass_for("bob", session_id)
            stub = relay_service_pb2_grpc.RelayServiceStub(channel)
            header = header_of(session_id)
            await post(channel, scene.pass_for("alice", session_id), header)
            stream = stub.WatchMailbox(pb.WatchMailboxRequest(), metadata=((RELAY_KEY, shown),), timeout=CALL_SECONDS)
            notices = aiter(stream)
            assert (await anext(notices)).envelope_id == header.envelope_id
            assert (await anext(notices)).all_told
            media.process.send_signal(signal.SIGTERM)
            with pytest.raises((grpc.aio.AioRpcError, StopAsyncIteration)):  # refused, or ended as at its deadline
                await anext(notices)
            assert media.terminate() == 0
