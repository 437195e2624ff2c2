"""``python -m bench.load TARGET``: sends prepared requests, as orders on standard input say, until it ends.

The requests are bytes already: all that this process computes is TLS and HTTP/2. Started by ``bench.load.process``.
"""

from __future__ import annotations

import asyncio
import selectors
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
from fourseal.v1 import signing_service_pb2

from bench.errors import BenchFailed
from bench.load.loop import Sign, serve
from bench.load.orders import Order, read_requests
from bench.load.target import Target
from bench.load.transactions import prepare_transactions
from wire import limits
from wire.ids import new_request_id

_DEADLINE_SECONDS = 60.0
if TYPE_CHECKING:  # gRPC's classes take parameters in their type stubs only
    Call = grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]


async def main(target: Target) -> None:
    """Connect, and serve orders."""
    async with grpc.aio.secure_channel(target.address, target.credentials(), limits.channel_options()) as channel:
        async with asyncio.timeout(_DEADLINE_SECONDS):
            await channel.channel_ready()
        call: Call = channel.unary_unary("/fourseal.v1.SigningService/SignDigest")  # bytes to bytes
        call_batch: Call = channel.unary_unary("/fourseal.v1.SigningService/BatchSignDigests")

        def prepare(order: Order) -> Sign:
            requests = read_requests(Path(order.source))
            if order.transactions:
                return prepare_transactions(channel, requests, _DEADLINE_SECONDS)
            if order.batch > 1:
                batches = [requests[at : at + order.batch] for at in range(0, len(requests), order.batch)]
                return prepare_batches(batches, again=order.again)

            async def sign(place: int) -> bytes:
                request = _renamed(requests[place % len(requests)]) if order.again else requests[place]
                answer = await call(request, timeout=_DEADLINE_SECONDS)
                return signing_service_pb2.SignDigestResponse.FromString(answer).signature

            return sign

        def prepare_batches(batches: list[list[bytes]], *, again: bool) -> Sign:
            whole = [_joined(batch) for batch in batches]

            async def sign(place: int) -> bytes:
                at = place % len(batches)
                request = _joined([_renamed(each) for each in batches[at]]) if again else whole[at]
                answer = await call_batch(request, timeout=_DEADLINE_SECONDS)
                results = signing_service_pb2.BatchSignDigestsResponse.FromString(answer).results
                refused = {each.error.reason for each in results} - {""} or ({"no results"} if not results else None)
                if refused:
                    raise BenchFailed(f"items of a batch were refused: {', '.join(sorted(refused))}")
                return results[0].signed.signature

            return sign

        await serve(sys.stdin, sys.stdout, prepare)


def _joined(requests: list[bytes]) -> bytes:
    items = map(signing_service_pb2.SignDigestRequest.FromString, requests)
    return signing_service_pb2.BatchSignDigestsRequest(items=items).SerializeToString()


def _renamed(data: bytes) -> bytes:
    request = signing_service_pb2.SignDigestRequest.FromString(data)
    request.request_id = new_request_id()
    return request.SerializeToString()


if __name__ == "__main__":
    # epoll waits whole milliseconds: calls that are due would be made so much too late
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())) as runner:
        runner.run(main(Target.from_json(sys.argv[1])))
