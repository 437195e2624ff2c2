"""``python -m bench.load.flood PASS GATEWAY GUARD...``: sends announcements that do not hold, as orders say.

To a gateway with envelopes, as an agent; or to a guard in reports (a file whose name ends in ``.reports``), as gateways
in turns. Whoever takes one in ends the process. What comes back in the place of a signature is why one was refused.
"""

from __future__ import annotations

import asyncio
import selectors
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

import grpc
from fourseal.v1 import guard_service_pb2, relay_service_pb2
from fourseal.v1.guard_service_pb2_grpc import GuardServiceStub
from fourseal.v1.relay_service_pb2_grpc import RelayServiceStub

from bench.errors import BenchFailed
from bench.load.loop import Sign, serve
from bench.load.orders import Order, read_requests
from bench.load.target import Target
from wire import limits
from wire.peer import RELAY_KEY
from wire.status import error_from_rpc

REPORTS: Final = ".reports"
_DEADLINE_SECONDS: Final = 60.0


async def main(pass_der: bytes, gateway: Target, guards: Sequence[Target]) -> None:
    """Connect, and serve orders."""
    async with AsyncExitStack() as stack:
        post = RelayServiceStub(await stack.enter_async_context(_connected(gateway))).PostEnvelope
        lines = [await stack.enter_async_context(_connected(guard)) for guard in guards]
        reports = [GuardServiceStub(line).ReportAnnouncements for line in lines]

        def prepare(order: Order) -> Sign:
            requests = read_requests(Path(order.source))

            async def tell(place: int) -> bytes:
                request = guard_service_pb2.ReportAnnouncementsRequest.FromString(requests[place % len(requests)])
                report = reports[place % len(reports)]
                try:
                    results = (await report(request, timeout=_DEADLINE_SECONDS)).results
                except grpc.aio.AioRpcError as error:
                    return error_from_rpc(error).reason.encode()
                if any(each.alarm_id or not each.reason for each in results):
                    raise BenchFailed("the guard took in an announcement that does not hold")
                return results[-1].reason.encode()

            async def begin(place: int) -> bytes:
                part = relay_service_pb2.PostEnvelopeRequest.FromString(requests[place % len(requests)])
                try:
                    await post(iter([part]), timeout=_DEADLINE_SECONDS, metadata=((RELAY_KEY, pass_der),))
                except grpc.aio.AioRpcError as error:
                    return error_from_rpc(error).reason.encode()
                raise BenchFailed("a gateway took in an announcement that does not hold")

            return tell if order.source.endswith(REPORTS) else begin

        await serve(sys.stdin, sys.stdout, prepare)


@asynccontextmanager
async def _connected(target: Target) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.secure_channel(target.address, target.credentials(), limits.channel_options()) as channel:
        async with asyncio.timeout(_DEADLINE_SECONDS):
            await channel.channel_ready()
        yield channel


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())) as runner:
        own_gateway, *all_guards = map(Target.from_json, sys.argv[2:])
        runner.run(main(Path(sys.argv[1]).read_bytes(), own_gateway, all_guards))
