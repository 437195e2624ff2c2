"""A small server of real gRPC behind the interceptor, and a client that can send any bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import grpc
import structlog
from google.protobuf.wrappers_pb2 import StringValue
from structlog.testing import LogCapture

from wire.in_flight import InFlight
from wire.interceptor import RpcInterceptor
from wire.limits import channel_options, server_options
from wire.status import RemoteError, error_from_rpc

Unary = Callable[[StringValue, Any], Awaitable[StringValue]]
Stream = Callable[[StringValue, Any], AsyncIterator[StringValue]]
Upload = Callable[[AsyncIterator[StringValue], Any], Awaitable[StringValue]]

SERVICE: Final = "test.Line"
CALL: Final = f"/{SERVICE}/Call"
WATCH: Final = f"/{SERVICE}/Watch"
SEND: Final = f"/{SERVICE}/Send"
_CUT: Final = "Internal error from Core"  # the server answered a client that still wrote: grpc/grpc issue 36066


@dataclass
class Line:
    """A server with its client.

    Args:
        handler: serves ``Call``, one message for one.
        watcher: serves ``Watch``, many for one.
        taker: serves ``Send``, one for many.
    """

    handler: Unary
    watcher: Stream
    taker: Upload
    in_flight: InFlight = field(default_factory=InFlight)
    capture: LogCapture = field(default_factory=LogCapture)

    def __post_init__(self) -> None:
        log: structlog.stdlib.BoundLogger = structlog.wrap_logger(None, processors=[self.capture])
        interceptor = RpcInterceptor(log, self.in_flight, lambda _: "alice")
        self.server = grpc.aio.server(interceptors=[interceptor], options=server_options())
        parse, serialise = StringValue.FromString, StringValue.SerializeToString
        methods = {
            "Call": grpc.unary_unary_rpc_method_handler(self.handler, parse, serialise),
            "Watch": grpc.unary_stream_rpc_method_handler(self.watcher, parse, serialise),
            "Send": grpc.stream_unary_rpc_method_handler(self.taker, parse, serialise),
        }
        self.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, methods),))
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.channel = grpc.aio.insecure_channel(f"127.0.0.1:{self.port}", options=channel_options())

    def start(self, data: bytes, seconds: float | None = 30) -> grpc.aio.UnaryUnaryCall[bytes, bytes]:
        """Start a call with these bytes."""
        method: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = self.channel.unary_unary(CALL)
        return method(data, timeout=seconds)

    async def call(self, text: str = "", seconds: float | None = 30) -> str:
        """Call with a message, and return the answer's text. Raises RemoteError."""
        return await self.call_bytes(StringValue(value=text).SerializeToString(), seconds)

    async def call_bytes(self, data: bytes, seconds: float | None = 30) -> str:
        """Call with these bytes, message or not."""
        try:
            return StringValue.FromString(await self.start(data, seconds)).value
        except grpc.aio.AioRpcError as error:
            raise error_from_rpc(error) from error

    async def watch(self, data: bytes = b"") -> tuple[list[str], RemoteError | None]:
        """Return all messages of a stream, and the error that ended it."""
        method: grpc.aio.UnaryStreamMultiCallable[bytes, bytes] = self.channel.unary_stream(WATCH)
        messages: list[str] = []
        try:
            async for message in method(data, timeout=30):
                messages.append(StringValue.FromString(message).value)  # noqa: PERF401  # some stay when it breaks off
        except grpc.aio.AioRpcError as error:
            return messages, error_from_rpc(error)
        return messages, None

    async def send(self, *data: bytes, seconds: float | None = 30) -> str:
        """Send these as messages, and return the answer's text; again where gRPC has lost it. Raises RemoteError."""
        while True:
            try:
                return await self.send_from(iter(data), seconds)
            except RemoteError as error:
                if str(error) != _CUT:
                    raise

    async def send_from(self, data: Iterator[bytes] | AsyncIterator[bytes], seconds: float | None = 30) -> str:
        """As ``send``, from an iterator."""
        method: grpc.aio.StreamUnaryMultiCallable[bytes, bytes] = self.channel.stream_unary(SEND)
        try:
            return StringValue.FromString(await method(data, timeout=seconds)).value
        except grpc.aio.AioRpcError as error:
            raise error_from_rpc(error) from error

    @property
    def logged(self) -> list[dict[str, Any]]:
        """What stands in the access log."""
        return [dict(entry) for entry in self.capture.entries]


async def echo(request: StringValue, _: Any) -> StringValue:  # noqa: ANN401
    """Answer with what came."""
    return request


async def count(_: StringValue, __: Any) -> AsyncIterator[StringValue]:  # noqa: ANN401
    """Answer 1, 2, 3."""
    for number in range(1, 4):
        yield StringValue(value=str(number))


async def join(requests: AsyncIterator[StringValue], _: Any) -> StringValue:  # noqa: ANN401
    """Answer with all that came."""
    return StringValue(value=" ".join([request.value async for request in requests]))


@asynccontextmanager
async def line(handler: Unary = echo, watcher: Stream = count, taker: Upload = join) -> AsyncIterator[Line]:
    """Open a line, and close it afterwards. Nothing may be left in flight."""
    opened = Line(handler, watcher, taker)
    await opened.server.start()
    try:
        yield opened
        await asyncio.wait_for(opened.in_flight.wait_idle(), 10)
    finally:
        await opened.channel.close()
        await opened.server.stop(None)
