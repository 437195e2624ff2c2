"""What happens around every call, in one place: parsing, deadlines, counting, errors, the access log.

* Bytes that are no message of the RPC are answered REQUEST_MALFORMED; gRPC itself would say INTERNAL.
* A call without a deadline gets one; one whose deadline is too short is refused before anything is done; a little of
  the caller's time is kept back, so that it sees our error and not its own timeout.
* Every error becomes a status of the catalogue. An exception that is none of ours is logged by type and place, without
  its text (it could quote a secret), and answered with a constant text.
* Calls in flight are counted, for a shutdown that waits for them (``grpc.aio`` forgets handlers that ended by abort).
"""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

import grpc
import structlog
from google.protobuf.message import DecodeError

from mpc.errors import FoursealError
from wire.catalogue import ServiceError
from wire.in_flight import InFlight
from wire.limits import (
    DEFAULT_DEADLINE_SECONDS,
    HOP_RESERVE_SECONDS,
    MAX_DEADLINE_SECONDS,
    MIN_DEADLINE_SECONDS,
)
from wire.status import has_status, status_of

if TYPE_CHECKING:  # gRPC's classes take parameters in their type stubs only
    Context = grpc.aio.ServicerContext[Any, Any]
    Handler = grpc.RpcMethodHandler[Any, Any] | None
    Continuation = Callable[[grpc.HandlerCallDetails], Awaitable[Handler]]

_MALFORMED: Final = object()


class RpcInterceptor(grpc.aio.ServerInterceptor):
    """Wraps every handler that answers one message or takes one; others (reflection, which does neither) pass.

    Args:
        log: bound structlog logger for the access log.
        in_flight: the count of calls.
        caller_of: names the caller for the log, from the call's context; must not raise.
    """

    def __init__(
        self, log: structlog.stdlib.BoundLogger, in_flight: InFlight, caller_of: Callable[[Context], str]
    ) -> None:
        self._log = log
        self._in_flight = in_flight
        self._caller_of = caller_of

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Handler:
        """See ``grpc.aio.ServerInterceptor``."""
        handler = await continuation(handler_call_details)
        if handler is None or (handler.request_streaming and handler.response_streaming):
            return handler
        method = handler_call_details.method
        parse = _lenient(handler.request_deserializer)
        if handler.stream_unary:
            return grpc.stream_unary_rpc_method_handler(
                self._wrap_unary(_strict(handler.stream_unary), method), parse, handler.response_serializer
            )
        if handler.unary_unary:
            return grpc.unary_unary_rpc_method_handler(
                self._wrap_unary(handler.unary_unary, method), parse, handler.response_serializer
            )
        serve: Callable[..., Any] = handler.unary_stream  # type: ignore[assignment]  # what is not unary is a stream
        return grpc.unary_stream_rpc_method_handler(
            self._wrap_stream(serve, method), parse, handler.response_serializer
        )

    def _wrap_unary(self, call: Callable[..., Any], method: str) -> Callable[..., Any]:
        async def wrapped(request: object, context: Context) -> object:
            started = time.perf_counter()
            try:
                with self._place(context):
                    async with _limited(_checked_time(request, context)):
                        response = await call(request, context)
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  # see _refuse
                return await self._refuse(error, context, method, started)
            self._log_call(method, context, started, "OK")
            return response

        return wrapped

    def _wrap_stream(self, call: Callable[..., Any], method: str) -> Callable[..., Any]:
        async def wrapped(request: object, context: Context) -> AsyncIterator[object]:
            started = time.perf_counter()
            try:
                with self._place(context):
                    async with _limited(_checked_time(request, context)):
                        responses = call(request, context)
                        if isinstance(responses, AsyncIterator):
                            async for response in responses:
                                yield response
                        else:
                            await responses  # a handler that writes to the context by itself: health
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  # see _refuse
                await self._refuse(error, context, method, started)
            else:
                self._log_call(method, context, started, "OK")

        return wrapped

    def _place(self, context: Context) -> AbstractContextManager[None]:  # noqa: ARG002  # a server's are by caller
        """What a call holds while it is under way."""
        return self._in_flight

    async def _refuse(
        self, error: Exception | asyncio.CancelledError, context: Context, method: str, started: float
    ) -> NoReturn:
        """End the call: the one place where exceptions become statuses."""
        if isinstance(error, grpc.aio.AbortError):  # a handler that aborted by itself: health, reflection
            raise error
        if isinstance(error, asyncio.CancelledError) and cast("asyncio.Task[Any]", asyncio.current_task()).cancelling():
            self._log_call(method, context, started, "CANCELLED")  # by its caller; others come from within
            raise error
        known = self._known(error, method)
        status = status_of(known)
        self._log_call(method, context, started, status.code.name, reason=known.reason, **_loggable(known))
        await context.abort(status.code, status.message, status.trailing_metadata)

    def _known(self, error: Exception | asyncio.CancelledError, method: str) -> FoursealError:
        if isinstance(error, FoursealError) and has_status(error):
            return error
        places = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
        self._log.error("unexpected", method=method, type=type(error).__qualname__, places=places)
        return ServiceError("UNEXPECTED")

    def _log_call(self, method: str, context: Context, started: float, code: str, **more: str) -> None:
        milliseconds = round(1000 * (time.perf_counter() - started), 3)
        self._log.info(
            "call", method=method, caller=self._caller_of(context), code=code, milliseconds=milliseconds, **more
        )


def _lenient(parse: Callable[[bytes], object] | None) -> Callable[[bytes], object] | None:
    if parse is None:
        return None

    def lenient(data: bytes) -> object:
        try:
            return parse(data)
        except DecodeError:
            return _MALFORMED

    return lenient


def _strict(call: Callable[..., Any]) -> Callable[..., Any]:
    """A handler of a stream of requests, which meets REQUEST_MALFORMED where one was no message."""

    async def checked(requests: AsyncIterator[object]) -> AsyncIterator[object]:
        async for request in requests:
            if request is _MALFORMED:
                raise ServiceError("REQUEST_MALFORMED")
            yield request

    async def strict(requests: AsyncIterator[object], context: Context) -> object:
        return await call(checked(requests), context)

    return strict


@asynccontextmanager
async def _limited(seconds: float) -> AsyncIterator[None]:
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            yield
    except TimeoutError:
        if limit.expired():
            raise ServiceError("DEADLINE_PASSED") from None
        raise  # somebody else's, from within


def call_seconds(context: Context) -> float:
    """Seconds that a call may take from now on.

    Raises:
        ServiceError: DEADLINE_TOO_SHORT.
    """
    remaining = cast("float | None", context.time_remaining())
    if remaining is None:
        return DEFAULT_DEADLINE_SECONDS
    if remaining < MIN_DEADLINE_SECONDS:
        raise ServiceError("DEADLINE_TOO_SHORT", minimum=str(MIN_DEADLINE_SECONDS))
    return min(remaining, MAX_DEADLINE_SECONDS) - HOP_RESERVE_SECONDS


def _checked_time(request: object, context: Context) -> float:
    """As ``call_seconds``. Raises for a request that was no message, too."""
    if request is _MALFORMED:
        raise ServiceError("REQUEST_MALFORMED")
    return call_seconds(context)


def _loggable(error: FoursealError) -> dict[str, str]:
    culprit = error.metadata.get("culprit")
    return {"culprit": culprit} if culprit else {}
