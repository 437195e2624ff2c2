"""What happens around every call, seen from both ends of real gRPC."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from mpc.errors import FoursealError, PeerMisbehaved
from tests.wire.line import Line, line
from wire import interceptor
from wire.catalogue import ServiceError
from wire.limits import MAX_CONCURRENT_STREAMS
from wire.status import RemoteError

MALFORMED = {
    "no message": b"\xff\xff\xff",
    "cut": b"\x0a\x05a",
    "no UTF-8": b"\x0a\x02\xc3\x28",
    "wrong wire type": b"\x0f",
    "endless number": b"\x0a" + b"\xff" * 12,
}
SECRET = "d=123456789012345678901234567890"  # noqa: S105  # stands for one


async def refusal(opened: Line, text: str = "", seconds: float | None = 30) -> RemoteError:
    """Call, and return why that was refused."""
    with pytest.raises(RemoteError) as caught:
        await opened.call(text, seconds)
    return caught.value


async def test_call_is_answered_and_logged() -> None:
    """Method, caller, code and time."""
    async with line() as opened:
        assert await opened.call("hello") == "hello"
        assert await opened.watch() == (["1", "2", "3"], None)
    entries = opened.logged
    assert all(entry.pop("milliseconds") >= 0 for entry in entries)
    common = {"event": "call", "log_level": "info", "caller": "alice", "code": "OK"}
    assert entries == [common | {"method": "/test.Line/Call"}, common | {"method": "/test.Line/Watch"}]


@pytest.mark.parametrize("name", MALFORMED)
async def test_bytes_that_are_no_message_are_the_callers_mistake(name: str) -> None:
    """Not INTERNAL, as gRPC itself would say; and no handler is called."""

    async def never(*_: object) -> StringValue:
        raise AssertionError("called")

    async def never_stream(*_: object) -> AsyncIterator[StringValue]:
        yield await never()

    async with line(never, never_stream) as opened:
        with pytest.raises(RemoteError) as caught:
            await opened.call_bytes(MALFORMED[name])
        _, error = await opened.watch(MALFORMED[name])
    assert error is not None
    for each in (caught.value, error):
        assert (each.code, each.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_MALFORMED")
    assert [(entry["code"], entry["reason"]) for entry in opened.logged] == [
        ("INVALID_ARGUMENT", "REQUEST_MALFORMED")
    ] * 2


async def test_error_of_ours_becomes_its_status() -> None:
    """With reason and metadata; the log has the reason and the culprit, and nothing else of it."""

    async def refuse(request: StringValue, _: object) -> StringValue:
        if request.value == "peer":
            raise PeerMisbehaved("MODULUS_EVEN", "the client modulus is even", culprit="client")
        raise ServiceError("KEY_NOT_FOUND", key_id="key-of-somebody")

    async with line(refuse) as opened:
        error, peer = await refusal(opened), await refusal(opened, "peer")
    assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "KEY_NOT_FOUND")
    assert (error.metadata, str(error)) == (
        {"key_id": "key-of-somebody"},
        "You have no key key-of-somebody. List your keys.",
    )
    assert (peer.reason, peer.metadata) == ("MODULUS_EVEN", {"culprit": "client"})
    assert [(entry["reason"], entry.get("culprit")) for entry in opened.logged] == [
        ("KEY_NOT_FOUND", None),
        ("MODULUS_EVEN", "client"),
    ]
    assert "key-of-somebody" not in str(opened.logged)


async def test_error_in_a_stream_comes_after_what_was_sent() -> None:
    """The messages before it are there."""

    async def break_off(*_: object) -> AsyncIterator[StringValue]:
        yield StringValue(value="1")
        raise ServiceError("OVERLOADED")

    async with line(watcher=break_off) as opened:
        messages, error = await opened.watch()
    assert messages == ["1"]
    assert error is not None
    assert error.reason == "OVERLOADED"


@pytest.mark.parametrize(
    "exception",
    [
        ValueError(SECRET),
        KeyError(SECRET),
        TimeoutError(SECRET),
        asyncio.CancelledError(SECRET),
        ExceptionGroup(SECRET, [ValueError(SECRET)]),
        FoursealError("NOT_IN_THE_CATALOGUE", SECRET, detail=SECRET),
        AssertionError(SECRET),
    ],
    ids=lambda exception: type(exception).__name__,
)
async def test_what_is_not_expected_is_told_to_nobody(exception: BaseException) -> None:
    """Constant text to the caller; type and place in the log; what the exception says in neither."""

    async def fail(*_: object) -> StringValue:
        raise exception from OSError(SECRET)

    async def fail_stream(*_: object) -> AsyncIterator[StringValue]:
        yield await fail()

    async with line(fail, fail_stream) as opened:
        error = await refusal(opened)
        _, stream_error = await opened.watch()
    assert stream_error is not None
    for each in (error, stream_error):
        assert (each.code, each.reason, each.metadata) == (grpc.StatusCode.INTERNAL, "UNEXPECTED", {})
        assert str(each) == "The server met a fault of its own. Tell the operator."
    told = "".join(traceback.format_exception(error)) + repr(vars(error)) + str(opened.logged)
    assert SECRET not in told
    unexpected = [entry for entry in opened.logged if entry["event"] == "unexpected"]
    assert [entry["type"] for entry in unexpected] == [type(exception).__qualname__] * 2
    assert all(any(place.startswith(f"{__file__}:") for place in entry["places"]) for entry in unexpected)
    assert [entry["code"] for entry in opened.logged if entry["event"] == "call"] == ["INTERNAL"] * 2


@pytest.mark.parametrize("seconds", [None, 10_000.0])
async def test_deadline_is_imposed(seconds: float | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a caller that sets none, and on one that would wait for hours. The work is stopped."""
    stopped = asyncio.Event()

    async def hang(*_: object) -> StringValue:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()
        raise AssertionError("never")

    async def hang_stream(*given: object) -> AsyncIterator[StringValue]:
        yield StringValue(value="1")
        yield await hang(*given)

    monkeypatch.setattr(interceptor, "DEFAULT_DEADLINE_SECONDS", 0.05)
    monkeypatch.setattr(interceptor, "MAX_DEADLINE_SECONDS", 0.07)
    async with line(hang, hang_stream) as opened:
        error = await refusal(opened, seconds=seconds)
        await asyncio.wait_for(stopped.wait(), 10)
        messages, stream_error = await opened.watch()
    assert (error.code, error.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_PASSED")
    assert "request_id" in str(error)
    assert messages == ["1"]
    assert stream_error is not None
    assert stream_error.reason == "DEADLINE_PASSED"


async def test_some_of_the_callers_time_is_kept_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """So it sees our error long before its own timeout."""

    async def hang(*_: object) -> StringValue:
        await asyncio.Event().wait()
        raise AssertionError("never")

    monkeypatch.setattr(interceptor, "HOP_RESERVE_SECONDS", 29.9)
    async with line(hang) as opened:
        error = await refusal(opened, seconds=30)
    assert error.reason == "DEADLINE_PASSED"
    assert opened.logged[0]["reason"] == "DEADLINE_PASSED"


async def test_deadline_that_cannot_be_kept_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is done; a whole second is too short here, so that the answer wins the race."""

    async def never(*_: object) -> StringValue:
        raise AssertionError("called")

    monkeypatch.setattr(interceptor, "MIN_DEADLINE_SECONDS", 60.0)
    async with line(never) as opened:
        error = await refusal(opened, seconds=30)
    assert (error.code, error.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_TOO_SHORT")
    assert error.metadata == {"minimum": "60.0"}


@pytest.mark.parametrize("times", [1, MAX_CONCURRENT_STREAMS])
async def test_calls_in_flight_are_counted(times: int) -> None:
    """Idle is when the last of them is done, be it by an answer or by an error."""
    all_there, release = asyncio.Event(), asyncio.Event()
    running = 0

    async def wait(request: StringValue, _: object) -> StringValue:
        nonlocal running
        running += 1
        if running == times:
            all_there.set()
        await release.wait()
        if request.value == "fail":
            raise ServiceError("OVERLOADED")
        return request

    async with line(wait) as opened:
        calls = [asyncio.create_task(opened.call("fail" if number % 2 else "fine")) for number in range(times)]
        await asyncio.wait_for(all_there.wait(), 20)
        idle = asyncio.create_task(opened.in_flight.wait_idle())
        await asyncio.sleep(0)
        assert not idle.done()
        release.set()
        results = await asyncio.gather(*calls, return_exceptions=True)
        await asyncio.wait_for(idle, 10)
    assert results.count("fine") == (times + 1) // 2
    assert sum(isinstance(result, RemoteError) for result in results) == times // 2


@pytest.mark.parametrize("ending", ["fine", "fail"])
async def test_what_is_in_flight_at_shutdown_is_answered(ending: str) -> None:
    """New calls are refused meanwhile; and the last answer, also an error, arrives after the count is down."""
    started, release = asyncio.Event(), asyncio.Event()

    async def wait(request: StringValue, _: object) -> StringValue:
        started.set()
        await release.wait()
        if request.value == "fail":
            raise ServiceError("KEY_DISABLED", key_id="k")
        return request

    async with line(wait) as opened:
        call = asyncio.create_task(opened.call(ending))
        await asyncio.wait_for(started.wait(), 10)
        opened.in_flight.refusing = True
        error = await refusal(opened)
        assert (error.code, error.reason) == (grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")
        release.set()
        await asyncio.wait_for(opened.in_flight.wait_idle(), 10)
        await opened.server.stop(5)
        (result,) = await asyncio.gather(call, return_exceptions=True)
    assert result == "fine" or (isinstance(result, RemoteError) and result.reason == "KEY_DISABLED")


async def test_cancelled_call_is_stopped_counted_down_and_logged() -> None:
    """The caller went away: the handler hears it, and nothing stays in flight."""
    started, stopped = asyncio.Event(), asyncio.Event()

    async def hang(*_: object) -> StringValue:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()
        raise AssertionError("never")

    async with line(hang) as opened:
        call = opened.start(b"")
        await asyncio.wait_for(started.wait(), 10)
        call.cancel()
        await asyncio.wait_for(stopped.wait(), 10)
        with pytest.raises(asyncio.CancelledError):
            await call
        await asyncio.wait_for(opened.in_flight.wait_idle(), 10)
    assert [(entry["event"], entry["code"]) for entry in opened.logged] == [("call", "CANCELLED")]


async def test_cancelled_stream_is_stopped_and_counted_down() -> None:
    """In the middle of it."""
    stopped = asyncio.Event()

    async def hang(*_: object) -> AsyncIterator[StringValue]:
        try:
            yield StringValue(value="1")
            await asyncio.Event().wait()
        finally:
            stopped.set()

    async with line(watcher=hang) as opened:
        method: Any = opened.channel.unary_stream("/test.Line/Watch")
        call = method(b"")
        assert await call.read() == StringValue(value="1").SerializeToString()
        call.cancel()
        await asyncio.wait_for(stopped.wait(), 10)
        await asyncio.wait_for(opened.in_flight.wait_idle(), 10)


async def test_handler_that_aborts_by_itself_keeps_its_status() -> None:
    """Health and reflection, which are not ours, do."""

    async def abort(_: object, context: Any) -> StringValue:  # noqa: ANN401
        await context.abort(grpc.StatusCode.DATA_LOSS, "of its own")
        raise AssertionError("never")

    async with line(abort) as opened:
        error = await refusal(opened)
    assert (error.code, error.reason, str(error)) == (grpc.StatusCode.DATA_LOSS, "UNEXPECTED", "of its own")
    assert [entry["event"] for entry in opened.logged if entry["event"] != "call"] == []


async def test_health_service_goes_through() -> None:
    """The standard one, with its own aborts, and a stream that it writes to the context."""
    async with line() as opened:
        servicer = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(servicer, opened.server)
        await servicer.set("fourseal", health_pb2.HealthCheckResponse.SERVING)
        stub = health_pb2_grpc.HealthStub(opened.channel)
        answer = await stub.Check(health_pb2.HealthCheckRequest(service="fourseal"), timeout=10)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.Check(health_pb2.HealthCheckRequest(service="other"), timeout=10)
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND
        watch = stub.Watch(health_pb2.HealthCheckRequest(service="fourseal"))
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
        watch.cancel()
