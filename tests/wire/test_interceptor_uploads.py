"""What happens around a call whose requests are a stream: the same as around every other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.protobuf.wrappers_pb2 import StringValue

from tests.wire.line import Line, line
from wire import interceptor
from wire.catalogue import ServiceError
from wire.status import RemoteError

WORDS = [StringValue(value=word).SerializeToString() for word in ("one", "two", "three")]


async def endless() -> AsyncIterator[bytes]:
    """One message, and then nothing."""
    yield WORDS[0]
    await asyncio.Event().wait()


async def refusal(opened: Line, *data: bytes, seconds: float | None = 30) -> RemoteError:
    """Why a stream was refused."""
    with pytest.raises(RemoteError) as refused:
        await opened.send(*data, seconds=seconds)
    return refused.value


async def test_stream_of_requests_is_answered_and_logged() -> None:
    """Many, and none."""
    async with line() as opened:
        assert await opened.send(*WORDS) == "one two three"
        assert await opened.send() == ""
    assert [(entry["method"], entry["caller"], entry["code"]) for entry in opened.logged] == [
        ("/test.Line/Send", "alice", "OK")
    ] * 2


@pytest.mark.parametrize("before", [1, 2])
async def test_message_that_is_none_among_others(before: int) -> None:
    """The handler has those before it; then the call ends as the caller's mistake."""
    seen: list[str] = []

    async def take(requests: AsyncIterator[StringValue], _: Any) -> StringValue:  # noqa: ANN401
        async for request in requests:
            seen.append(request.value)  # noqa: PERF401  # some stay when it breaks off
        raise AssertionError("never")

    async with line(taker=take) as opened:
        error = await refusal(opened, *WORDS[:before], b"\xff\xff\xff", WORDS[2])
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_MALFORMED")
    assert seen[-before:] == ["one", "two"][:before]
    assert {entry["reason"] for entry in opened.logged} == {"REQUEST_MALFORMED"}


async def test_handler_that_has_seen_enough() -> None:
    """It answers, or refuses, while there is more."""

    async def take(requests: AsyncIterator[StringValue], _: Any) -> StringValue:  # noqa: ANN401
        first = await anext(requests)
        if first.value == "two":
            raise ServiceError("OVERLOADED")
        return first

    async with line(taker=take) as opened:
        assert await opened.send(*WORDS) == "one"
        assert (await refusal(opened, *WORDS[1:])).reason == "OVERLOADED"


async def test_what_is_not_expected_is_told_to_nobody() -> None:
    """As in every call."""

    async def take(requests: AsyncIterator[StringValue], _: Any) -> StringValue:  # noqa: ANN401
        raise ValueError((await anext(requests)).value)

    async with line(taker=take) as opened:
        error = await refusal(opened, *WORDS)
    assert (error.code, error.reason) == (grpc.StatusCode.INTERNAL, "UNEXPECTED")
    assert "one" not in str(error) + str(opened.logged)


async def test_deadline_is_imposed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also while the handler waits for the next message."""
    monkeypatch.setattr(interceptor, "DEFAULT_DEADLINE_SECONDS", 0.05)
    async with line() as opened:
        with pytest.raises(RemoteError) as refused:
            await opened.send_from(endless(), None)
    assert refused.value.reason == "DEADLINE_PASSED"


async def test_deadline_that_cannot_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused before the handler is called."""

    async def never(*_: object) -> StringValue:
        raise AssertionError("called")

    monkeypatch.setattr(interceptor, "MIN_DEADLINE_SECONDS", 60.0)
    async with line(taker=never) as opened:
        assert (await refusal(opened, *WORDS)).reason == "DEADLINE_TOO_SHORT"


async def test_cancelled_upload_is_stopped_and_counted_down() -> None:
    """Its handler hears of it: gRPC ends the stream of requests first, as if that was all, and then cancels."""
    started, stopped = asyncio.Event(), asyncio.Event()

    async def take(requests: AsyncIterator[StringValue], _: Any) -> StringValue:  # noqa: ANN401
        try:
            async for _request in requests:
                started.set()
            await asyncio.Event().wait()
        finally:
            stopped.set()
        raise AssertionError("never")

    async with line(taker=take) as opened:
        sending = asyncio.create_task(opened.send_from(endless()))
        await asyncio.wait_for(started.wait(), 10)
        sending.cancel()
        await asyncio.wait_for(stopped.wait(), 10)
        await asyncio.gather(sending, return_exceptions=True)
        await asyncio.wait_for(opened.in_flight.wait_idle(), 10)
    assert [entry["code"] for entry in opened.logged] == ["CANCELLED"]


async def test_upload_at_shutdown() -> None:
    """A new one is refused like any call."""
    async with line() as opened:
        opened.in_flight.refusing = True
        assert (await refusal(opened, *WORDS)).reason == "SHUTTING_DOWN"
