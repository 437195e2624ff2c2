"""The load generator's parts that need no server."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from statistics import fmean, stdev

import pytest

from bench.errors import BenchFailed
from bench.load.loop import carry_out, draw_schedule
from bench.load.orders import Answer, Order, read_requests, write_requests
from bench.load.process import LoadProcess
from bench.load.steady import Call, steady_rate
from bench.load.target import Target


def test_steady_rate_leaves_start_and_end_out() -> None:
    """Two in flight. The first wave takes long, then a call ends every 10 ms, and the last ones dawdle."""
    ended = [5.0, 5.0, 5.01, 5.02, 5.03, 5.04, 9.0]
    calls = [Call(0.0, 0.0, moment) for moment in reversed(ended)]
    assert steady_rate(calls, 2) == pytest.approx(100.0)


def test_steady_rate_of_one_in_flight() -> None:
    """One after the other: from the first completion to the last."""
    assert steady_rate([Call(begun, begun, begun + 1) for begun in range(4)], 1) == pytest.approx(1.0)


def test_too_few_calls_give_no_rate() -> None:
    """A rate needs a wave to start, one to measure and one to end."""
    with pytest.raises(ValueError, match="too few"):
        steady_rate([Call(0, 0, 1)] * 5, 2)


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


async def test_open_loop_counts_from_when_calls_were_due() -> None:
    """All are due at once and one is made at a time: the last one waited for all others, and says so."""
    ended = []

    async def sign(place: int) -> bytes:
        await asyncio.sleep(0)
        ended.append(time.perf_counter())
        return bytes([place])

    start = time.perf_counter()
    answer = await carry_out(Order("", count=50, in_flight=1, answers=1, per_second=1e12), sign)
    assert list(answer.latencies) == sorted(answer.latencies)
    assert answer.latencies[-1] >= round(1000 * (ended[-1] - ended[0]), 3)
    assert answer.lateness[-1] >= round(1000 * (ended[-2] - ended[0]), 3)
    assert answer.rate == pytest.approx(50 / answer.seconds)
    assert answer.seconds <= time.perf_counter() - start


async def test_open_loop_waits_until_calls_are_due() -> None:
    """However many could be under way, none is made early."""
    made = []

    async def sign(place: int) -> bytes:
        made.append(place)
        return b""

    answer = await carry_out(Order("", count=20, in_flight=8, answers=1, per_second=1000.0), sign)
    assert sorted(made) == list(range(20))
    assert min(answer.lateness) >= 0


def test_calls_fall_due_by_a_poisson_process() -> None:
    """Exponential gaps of the wanted mean: mean and deviation are the same. Wrong once in far over a million runs.

    Unless they are to be even.
    """
    due = draw_schedule(Order("", count=10_000, in_flight=1, answers=1, per_second=50.0))
    gaps = [after - before for before, after in pairwise([0.0, *due])]
    assert fmean(gaps) == pytest.approx(1 / 50, rel=0.06)
    assert stdev(gaps) == pytest.approx(1 / 50, rel=0.1)
    even = Order("", count=3, in_flight=1, answers=1, per_second=50.0, even=True)
    assert draw_schedule(even) == [0.0, 0.02, 0.04]
    assert draw_schedule(replace(even, per_second=0.0)) == ()


async def test_failed_call_ends_the_order() -> None:
    """No figure comes of an order in which a call failed."""

    async def sign(place: int) -> bytes:
        raise ConnectionError(place)

    with pytest.raises(ExceptionGroup):
        await carry_out(Order("", count=6, in_flight=1, answers=1), sign)


def test_orders_and_answers_survive_their_lines() -> None:
    """What is written to the pipe is what is read from it."""
    order = Order("file", 10, 2, 3, again=True, per_second=12.5)
    answer = Answer(1.5, 2.5, (0.1, 0.25), (0.0, 0.2), 0.3, ((0, b"\x00\xff"), (7, b"x")))
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
