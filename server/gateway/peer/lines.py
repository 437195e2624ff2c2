"""The lines from a gateway to the others that it is to ask."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

import grpc
from fourseal.v1 import gateway_service_pb2 as pb
from fourseal.v1.gateway_service_pb2_grpc import GatewayServiceStub

from wire import tls
from wire.limits import channel_options
from wire.status import error_from_rpc

if TYPE_CHECKING:  # these exist for the type checker only
    from fourseal.v1.gateway_service_pb2_grpc import GatewayServiceAsyncStub

_CALL_SECONDS: Final = 5.0
_OPTIONS: Final = [
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.use_local_subchannel_pool", 1),
]

_Answer = TypeVar("_Answer")


def name_of(address: str) -> str:
    """By which name control messages call a gateway: the host of its address."""
    return address.rpartition(":")[0]


class Peers:
    """All lines. Belongs to the event loop that it is used on.

    Args:
        own_name: of the gateway itself, which it does not ask: so all may have the same list.
        addresses: "host:port" of each gateway.
        authority_pem: whom to believe.
        current: the gateway's private key and certificate now, PEM.
    """

    def __init__(
        self,
        own_name: str,
        addresses: Sequence[str],
        authority_pem: bytes,
        current: Callable[[], tuple[bytes, bytes]],
    ) -> None:
        self.addresses = tuple(each for each in dict.fromkeys(addresses) if name_of(each) != own_name)
        """Of the others."""
        self._authority_pem = authority_pem
        self._current = current
        self._channels: dict[str, grpc.aio.Channel] = {}

    async def check(self, address: str, control_der: bytes, proof: pb.ConflictProof) -> pb.SignedByGateway:
        """Ask one for its history. Raises RemoteError."""
        request = pb.CheckHistoryRequest(control_der=control_der, proof=proof)
        return (await _call(self._stub(address).CheckHistory, request)).feedback

    async def tell(self, address: str, request: pb.TellDecisionRequest) -> None:
        """Tell one of a decision. Raises RemoteError."""
        await _call(self._stub(address).TellDecision, request)

    async def close(self) -> None:
        """Close all lines; they are opened anew when they are used, with the gateway's certificate as it is then."""
        channels, self._channels = self._channels, {}
        for channel in channels.values():
            await channel.close()

    def _stub(self, address: str) -> GatewayServiceAsyncStub:
        channel = self._channels.get(address)
        if channel is None:
            credentials = tls.channel_credentials(self._authority_pem, *self._current())
            channel = grpc.aio.secure_channel(address, credentials, [*channel_options(), *_OPTIONS])
            self._channels[address] = channel
        stub: GatewayServiceAsyncStub = GatewayServiceStub(channel)
        return stub


async def _call(method: Callable[..., Awaitable[_Answer]], request: object) -> _Answer:
    try:
        return await method(request, timeout=_CALL_SECONDS)
    except grpc.aio.AioRpcError as error:
        raise error_from_rpc(error) from None
