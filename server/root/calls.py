"""What this server adds to ``wire.interceptor``: bounds on calls in flight, and streams that have no end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, Final

import grpc
import structlog
from google.protobuf.message import DecodeError

from server.metrics import Metrics
from wire.catalogue import ServiceError
from wire.in_flight import InFlight
from wire.interceptor import RpcInterceptor
from wire.peer import peer_certificate

if TYPE_CHECKING:
    from wire.interceptor import Context, Continuation, Handler

_ENDLESS: Final = frozenset({"/grpc.health.v1.Health/Watch"})


class BoundedInFlight(InFlight):
    """Counts calls, and refuses more than a number of them: at all, and of one caller, so that none crowds others out.

    Args:
        capacity: calls under way at a time, at least 1.
        capacity_of_caller: how many of them may come with one client certificate, and how many with none.
    """

    def __init__(self, *, capacity: int, capacity_of_caller: int) -> None:
        super().__init__()
        self._capacity = capacity
        self._capacity_of_caller = capacity_of_caller
        self._of_callers: Counter[bytes | None] = Counter()

    @contextmanager
    def of(self, certificate: bytes | None) -> Iterator[None]:
        """Count a call of the caller with that client certificate (PEM).

        Raises:
            ServiceError: OVERLOADED, SHUTTING_DOWN.
        """
        with self:
            if self._of_callers[certificate] >= self._capacity_of_caller:
                raise ServiceError("OVERLOADED")
            self._of_callers[certificate] += 1
            try:
                yield
            finally:
                self._of_callers[certificate] -= 1
                if not self._of_callers[certificate]:
                    del self._of_callers[certificate]

    def _admit(self) -> None:
        if self._count >= self._capacity:
            raise ServiceError("OVERLOADED")
        super()._admit()


class ServerInterceptor(RpcInterceptor):
    """Bounds calls by caller. Leaves endless streams alone: no deadline, and a shutdown does not wait for them.

    Args:
        log: as in ``RpcInterceptor``.
        metrics: where calls are measured.
        in_flight: the count of calls, by caller.
        caller_of: as in ``RpcInterceptor``.
        certificate_of: the caller's certificate; where gateways hand calls on, the agent's.
    """

    def __init__(
        self,
        log: structlog.stdlib.BoundLogger,
        metrics: Metrics,
        in_flight: BoundedInFlight,
        caller_of: Callable[[Context], str],
        certificate_of: Callable[[Context], bytes | None] = peer_certificate,
    ) -> None:
        super().__init__(log, in_flight, caller_of)
        self._metrics = metrics
        self._bounded = in_flight
        self._certificate_of = certificate_of

    def _place(self, context: Context) -> AbstractContextManager[None]:
        return self._bounded.of(self._certificate_of(context))

    def _log_call(self, method: str, context: Context, started: float, code: str, **more: str) -> None:
        super()._log_call(method, context, started, code, **more)
        self._metrics.calls.labels(method, code).observe(time.perf_counter() - started)

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
