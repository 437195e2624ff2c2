"""Limits of a line, at real gRPC."""

from __future__ import annotations

import asyncio

import grpc
import pytest
from google.protobuf.wrappers_pb2 import StringValue

from tests.wire.line import CALL, line
from wire.limits import (
    HOP_RESERVE_SECONDS,
    MAX_CONCURRENT_STREAMS,
    MAX_DEADLINE_SECONDS,
    MAX_MESSAGE_BYTES,
    MIN_DEADLINE_SECONDS,
)
from wire.status import RemoteError

UNLIMITED = [("grpc.max_send_message_length", -1)]
ROOM = 16  # for the field's tag and length


async def test_message_of_the_largest_size_passes() -> None:
    """In both directions."""
    text = "x" * (MAX_MESSAGE_BYTES - ROOM)
    async with line() as opened:
        assert await opened.call(text) == text


async def test_larger_request_is_refused_by_the_server() -> None:
    """Also from a client that sets itself no limit."""
    data = StringValue(value="x" * MAX_MESSAGE_BYTES).SerializeToString()
    async with line() as opened:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{opened.port}", UNLIMITED) as channel:
            method: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(CALL)
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await method(data, timeout=30)
        assert await opened.call("still there") == "still there"
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert len(opened.logged) == 1


async def test_larger_request_is_not_sent() -> None:
    """Our client finds out by itself."""
    async with line() as opened:
        with pytest.raises(RemoteError) as caught:
            await opened.call("x" * MAX_MESSAGE_BYTES)
    assert caught.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert opened.logged == []


async def test_larger_answer_is_not_sent() -> None:
    """A client never has to take more than the limit."""

    async def large(*_: object) -> StringValue:
        return StringValue(value="x" * MAX_MESSAGE_BYTES)

    async with line(large) as opened:
        with pytest.raises(RemoteError) as caught:
            await opened.call()
    assert caught.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_metadata_within_the_limit_always_passes() -> None:
    """GRPC's own limits would refuse some of such calls, at random."""
    async with line() as opened:
        method: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = opened.channel.unary_unary(CALL)
        for _ in range(30):
            assert await method(b"", metadata=[("key", "x" * 15_000)], timeout=30) == b""


async def test_more_metadata_than_allowed_is_refused() -> None:
    """No handler sees it."""
    async with line() as opened:
        method: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = opened.channel.unary_unary(CALL)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await method(b"", metadata=[("key", "x" * 20_000)], timeout=30)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert opened.logged == []


async def test_calls_beyond_the_streams_of_a_connection_wait() -> None:
    """One more than there may be: it is served when another is done."""
    full, release = asyncio.Event(), asyncio.Event()
    started = 0

    async def wait(request: StringValue, _: object) -> StringValue:
        nonlocal started
        started += 1
        if started == MAX_CONCURRENT_STREAMS:
            full.set()
        await release.wait()
        return request

    async with line(wait) as opened:
        calls = [asyncio.create_task(opened.call("x")) for _ in range(MAX_CONCURRENT_STREAMS + 1)]
        await asyncio.wait_for(full.wait(), 20)
        with pytest.raises(RemoteError):
            await opened.call("no place", seconds=0.2)
        assert started == MAX_CONCURRENT_STREAMS
        release.set()
        assert await asyncio.gather(*calls) == ["x"] * (MAX_CONCURRENT_STREAMS + 1)


def test_times_fit_each_other() -> None:
    """What is kept back leaves something of the shortest deadline, and is nothing beside the longest."""
    assert 0 < HOP_RESERVE_SECONDS < MIN_DEADLINE_SECONDS < MAX_DEADLINE_SECONDS
