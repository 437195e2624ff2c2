"""What this server adds to ``wire.interceptor``: a bound on calls in flight, and streams that have no end."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import grpc
from google.protobuf.message import DecodeError

from wire.catalogue import ServiceError
from wire.in_flight import InFlight
from wire.interceptor import RpcInterceptor

if TYPE_CHECKING:
    from wire.interceptor import Continuation, Handler

_ENDLESS: Final = frozenset({"/grpc.health.v1.Health/Watch"})


class BoundedInFlight(InFlight):
    """Counts calls, and refuses more than a number of them.

    Args:
        capacity: calls under way at a time, at least 1.
    """

    def __init__(self, capacity: int) -> None:
        super().__init__()
        self._capacity = capacity

    def _admit(self) -> None:
        if self._count >= self._capacity:
            raise ServiceError("OVERLOADED")
        super()._admit()


class ServerInterceptor(RpcInterceptor):
    """Leaves endless streams alone: they have no deadline, and a shutdown does not wait for them but ends them."""

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Handler:
        """See ``grpc.aio.ServerInterceptor``."""
        if handler_call_details.method in _ENDLESS:
            return _with_lenient_parser(await continuation(handler_call_details))
        return await super().intercept_service(continuation, handler_call_details)


def _with_lenient_parser(handler: Handler) -> Handler:
    """The handler of an endless stream, which is given None for bytes that are no message; gRPC would say INTERNAL."""
    if handler is None or handler.request_deserializer is None:
        return handler
    parse = handler.request_deserializer

    def lenient(data: bytes) -> object:
        try:
            return parse(data)
        except DecodeError:
            return None

    serve: Callable[..., Any] = handler.unary_stream  # type: ignore[assignment]  # every endless stream answers one message
    return grpc.unary_stream_rpc_method_handler(serve, lenient, handler.response_serializer)
