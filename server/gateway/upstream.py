"""The lines from a gateway to the media server: one for each agent, as long as it is among those that called last.

Calls of one agent never wait for the streams of another, of which a connection has a hundred.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import grpc
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from fourseal.v1 import relay_service_pb2 as pb
from fourseal.v1.relay_service_pb2_grpc import RelayServiceStub

from wire import tls
from wire.limits import channel_options
from wire.segments import Segment, decoder_of, encode

if TYPE_CHECKING:  # these exist for the type checker only
    from fourseal.v1.relay_service_pb2_grpc import RelayServiceAsyncStub

    PostMethod = grpc.aio.StreamUnaryMultiCallable[pb.PostEnvelopeRequest | Segment, pb.PostEnvelopeResponse]
    FetchMethod = grpc.aio.UnaryStreamMultiCallable[pb.FetchEnvelopeRequest, pb.FetchEnvelopeResponse | Segment]

_CAPACITY: Final = 1024
_OPTIONS: Final = [
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.use_local_subchannel_pool", 1),  # else all share one connection
]
_SERVICE: Final = pb.DESCRIPTOR.services_by_name["RelayService"].full_name


class Upstream:
    """The line for one agent.

    Args:
        address: "host:port" of the media server.
        credentials: with the gateway's certificate.
        certificate_pem: of the agent.
    """

    def __init__(self, address: str, credentials: grpc.ChannelCredentials, certificate_pem: bytes) -> None:
        self.agent_certificate = x509.load_pem_x509_certificate(certificate_pem).public_bytes(Encoding.DER)
        self._channel = grpc.aio.secure_channel(address, credentials, [*channel_options(), *_OPTIONS])
        self.relay: RelayServiceAsyncStub = RelayServiceStub(self._channel)
        self.post: PostMethod = self._channel.stream_unary(
            f"/{_SERVICE}/PostEnvelope", encode, pb.PostEnvelopeResponse.FromString
        )
        self.fetch: FetchMethod = self._channel.unary_stream(
            f"/{_SERVICE}/FetchEnvelope",
            pb.FetchEnvelopeRequest.SerializeToString,
            decoder_of(pb.FetchEnvelopeResponse),
        )

    async def close(self) -> None:
        """Close the line; what is under way is cancelled."""
        await self._channel.close()


class Upstreams:
    """All lines. Belongs to the event loop that it was made on.

    Args:
        address: "host:port" of the media server.
        authority_pem: whom to believe.
        current: the gateway's private key and certificate now, PEM.
    """

    def __init__(self, address: str, authority_pem: bytes, current: Callable[[], tuple[bytes, bytes]]) -> None:
        self._address = address
        self._authority_pem = authority_pem
        self._current = current
        self._lines: OrderedDict[bytes, Upstream] = OrderedDict()

    async def of(self, certificate_pem: bytes) -> Upstream:
        """The line for the agent with that certificate (PEM), which TLS has checked."""
        line = self._lines.get(certificate_pem)
        if line is None:
            credentials = tls.channel_credentials(self._authority_pem, *self._current())
            line = Upstream(self._address, credentials, certificate_pem)
            self._lines[certificate_pem] = line
            if len(self._lines) > _CAPACITY:
                _, oldest = self._lines.popitem(last=False)
                await oldest.close()
        self._lines.move_to_end(certificate_pem)
        return line

    async def close(self) -> None:
        """Close all lines; whoever calls then has another one, with the gateway's certificate as it is then."""
        lines, self._lines = self._lines, OrderedDict()
        for line in lines.values():
            await line.close()
