"""The load generator's parts that need no server."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from bench.errors import BenchFailed
from bench.load.loop import carry_out
from bench.load.orders import Answer, Order, read_requests, write_requests
from bench.load.process import LoadProcess
from bench.load.steady import Call, latency_milliseconds, steady_rate
from bench.load.target import Target


def test_steady_rate_leaves_start_and_end_out() -> None:
    """Two in flight. The first wave takes long, then a call ends every 10 ms, and the last ones dawdle."""
    ended = [5.0, 5.0, 5.01, 5.02, 5.03, 5.04, 9.0]
    calls = [Call(0.0, moment) for moment in reversed(ended)]
    assert steady_rate(calls, 2) == pytest.approx(100.0)


def test_steady_rate_of_one_in_flight() -> None:
    """One after the other: from the first completion to the last."""
    assert steady_rate([Call(0, 1), Call(1, 2), Call(2, 3), Call(3, 4)], 1) == pytest.approx(1.0)


def test_too_few_calls_give_no_rate() -> None:
    """A rate needs a wave to start, one to measure and one to end."""
    with pytest.raises(ValueError, match="too few"):
        steady_rate([Call(0, 1)] * 5, 2)


def test_latency() -> None:
    """In milliseconds, from call to answer."""
    calls = [Call(1.0, 1.0 + milliseconds / 1000) for milliseconds in (1, 2, 3)]
    assert latency_milliseconds(calls, 0.5) == pytest.approx(2.0)


async def test_loop_keeps_the_number_in_flight() -> None:
    """Never more than ordered, every place once, and answers evenly spread."""
    under_way, most, places = 0, 0, []

    async def sign(place: int) -> bytes:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        places.append(place)
        await asyncio.sleep(0)
        under_way -= 1
        return bytes([place])

    answer = await carry_out(Order("", count=20, in_flight=4, answers=5), sign)
    assert (most, sorted(places)) == (4, list(range(20)))
    assert sorted(answer.signatures) == [(place, bytes([place])) for place in (0, 4, 8, 12, 16)]
    assert answer.rate > 0
    assert answer.seconds > 0


async def test_failed_call_ends_the_order() -> None:
    """No figure comes of an order in which a call failed."""

    async def sign(place: int) -> bytes:
        raise ConnectionError(place)

    with pytest.raises(ExceptionGroup):
        await carry_out(Order("", count=6, in_flight=1, answers=1), sign)


def test_orders_and_answers_survive_their_lines() -> None:
    """What is written to the pipe is what is read from it."""
    order = Order("file", 10, 2, 3, again=True)
    answer = Answer(1.5, 2.5, 0.1, 0.2, 0.3, ((0, b"\x00\xff"), (7, b"x")))
    assert Order.from_line(order.to_line()) == order
    assert Answer.from_line(answer.to_line()) == answer


def test_requests_survive_their_file(tmp_path: Path) -> None:
    """Empty ones too."""
    requests = [b"one", b"", b"\x00" * 300]
    write_requests(tmp_path / "requests", requests)
    assert read_requests(tmp_path / "requests") == requests


def test_process_that_ends_is_noticed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The order fails; why stands on standard error."""
    missing = str(tmp_path / "missing.pem")
    target = Target("127.0.0.1:1", missing, missing, missing)
    with LoadProcess("bench.load", [target.to_json()], os.sched_getaffinity(0)) as load, pytest.raises(BenchFailed):
        load.carry_out(Order("", 1, 1, 1))
    assert "missing.pem" in capfd.readouterr().err
