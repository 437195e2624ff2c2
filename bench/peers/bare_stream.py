"""A bare gRPC stream: the bytes of a content, by the same hops and the same TLS, and nothing else.

One process posts segments of 1 MiB, one passes them on from memory, one fetches them. No encryption of its own, no
hashing, no record, no file. ``python -m bench.peers.bare_stream ROLE TARGET [tuned]``; each prints lines of JSON.

It is gRPC as it comes, with messages of the size that suits it best. Tuned, its processes keep freed memory as ours do
(``wire.allocation``), which saves a quarter of its work: what our tuning alone would make of it.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import grpc

from bench.load.target import Target
from wire import limits, tls
from wire.allocation import keep_freed_memory

if TYPE_CHECKING:  # gRPC's classes take parameters in their type stubs only
    Context = grpc.aio.ServicerContext[bytes, bytes]
    Handlers = dict[str, grpc.RpcMethodHandler[bytes, bytes]]
    Post = grpc.aio.StreamUnaryMultiCallable[bytes, bytes]
    Fetch = grpc.aio.UnaryStreamMultiCallable[bytes, bytes]

SEGMENT_BYTES: Final = 1 << 20
_IN_MEMORY: Final = 4  # segments that wait in the relay: enough that neither side waits for the other
_SERVICE: Final = "bench.BareStream"


async def relay(target: Target) -> None:
    """Pass segments on until standard input ends."""
    waiting: asyncio.Queue[bytes] = asyncio.Queue(_IN_MEMORY)

    async def post(segments: AsyncIterator[bytes], _context: Context) -> bytes:
        async for segment in segments:
            await waiting.put(segment)
        await waiting.put(b"")
        return b""

    async def fetch(_request: bytes, _context: Context) -> AsyncIterator[bytes]:
        while segment := await waiting.get():
            yield segment

    server = grpc.aio.server(options=limits.server_options())
    handlers: Handlers = {
        "Post": grpc.stream_unary_rpc_method_handler(post),
        "Fetch": grpc.unary_stream_rpc_method_handler(fetch),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_SERVICE, handlers),))
    port = server.add_secure_port(target.address, _server_credentials(target))
    await server.start()
    _say({"port": port})
    await asyncio.to_thread(sys.stdin.read)
    await server.stop(0)


async def post(target: Target) -> None:
    """For each number of segments on standard input: post as many, and say when that began."""
    segment = bytes(SEGMENT_BYTES)

    async def segments(count: int) -> AsyncIterator[bytes]:
        for _ in range(count):
            yield segment

    async with grpc.aio.secure_channel(target.address, target.credentials(), limits.channel_options()) as channel:
        await channel.channel_ready()
        call: Post = channel.stream_unary(f"/{_SERVICE}/Post")
        _say({"ready": True})
        while line := await asyncio.to_thread(sys.stdin.readline):
            began = time.monotonic()
            await call(segments(int(line)))
            _say({"began": began})


async def fetch(target: Target) -> None:
    """For each line on standard input: fetch one content, and say when it was there."""
    async with grpc.aio.secure_channel(target.address, target.credentials(), limits.channel_options()) as channel:
        await channel.channel_ready()
        call: Fetch = channel.unary_stream(f"/{_SERVICE}/Fetch")
        _say({"ready": True})
        while await asyncio.to_thread(sys.stdin.readline):
            found = 0
            async for segment in call(b""):
                found += len(segment)
            _say({"bytes": found, "ended": time.monotonic()})


def _server_credentials(target: Target) -> grpc.ServerCredentials:
    key, certificate, authority = (
        Path(file).read_bytes() for file in (target.key, target.certificate, target.authority)
    )
    return tls.server_credentials(key, certificate, authority)


def _say(what: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    if sys.argv[3:] == ["tuned"]:
        keep_freed_memory()
    asyncio.run({"relay": relay, "post": post, "fetch": fetch}[sys.argv[1]](Target.from_json(sys.argv[2])))
