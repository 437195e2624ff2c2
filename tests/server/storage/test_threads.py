"""Threads that work for event loops, and how outcomes come back to those who wait."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from functools import partial

import pytest

from server.storage import Handover, Threads, current_caller
from wire.catalogue import ServiceError

WAIT_SECONDS = 30.0


@pytest.fixture
def threads() -> Iterator[Threads]:
    """One thread, so that the order of what it does is known."""
    made = Threads(1, "test")
    yield made
    made.close()


async def test_outcomes_that_arrive_together() -> None:
    """One who hung up does not keep the others of the same wake-up from hearing; errors arrive as such."""
    loop, handover = asyncio.get_running_loop(), Handover()
    futures: list[asyncio.Future[str]] = [loop.create_future() for _ in range(4)]
    futures[1].cancel()
    outcomes = ("one", "two", ServiceError("OVERLOADED"), "four")
    for future, outcome in zip(futures, outcomes, strict=True):
        handover.hand_over(future, outcome)  # the loop is busy with this very function: all of them wait for it
    arrived = await asyncio.wait_for(asyncio.gather(*futures, return_exceptions=True), WAIT_SECONDS)
    assert arrived[0] == "one"
    assert isinstance(arrived[1], asyncio.CancelledError)
    assert arrived[2] is outcomes[2]
    assert arrived[3] == "four"


async def test_outcomes_after_an_arrival() -> None:
    """A wake-up that has come does not make the next outcome wait for ever."""
    loop, handover = asyncio.get_running_loop(), Handover()
    for number in range(100):
        future: asyncio.Future[int] = loop.create_future()
        await asyncio.to_thread(handover.hand_over, future, number)
        assert await asyncio.wait_for(future, WAIT_SECONDS) == number


def test_a_loop_that_was_closed() -> None:
    """An outcome for a loop that is gone is dropped; other loops go on."""
    handover = Handover()
    gone = asyncio.new_event_loop()
    lost: asyncio.Future[str] = gone.create_future()
    gone.close()
    handover.hand_over(lost, "lost")
    handover.hand_over(lost, "lost again")

    async def hear() -> str:
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        handover.hand_over(future, "heard")
        return await asyncio.wait_for(future, WAIT_SECONDS)

    assert asyncio.run(hear()) == "heard"


async def test_what_a_function_raises_comes_to_its_caller(threads: Threads) -> None:
    """An error ends neither the thread nor anybody else's work."""

    def fail(reason: str) -> None:
        raise ServiceError(reason)

    with pytest.raises(ServiceError) as refused:
        await threads.run(fail, "OVERLOADED")
    assert refused.value.reason == "OVERLOADED"
    assert await threads.run(str.upper, "next") == "NEXT"


def test_close_finishes_what_is_queued() -> None:
    """Nothing that was accepted is lost."""
    threads = Threads(2, "test")
    done: list[int] = []
    failed: list[Exception] = []
    for number in range(100):
        threads.post(partial(done.append, number), failed.append)
    threads.close()
    assert sorted(done) == list(range(100))
    assert failed == []


async def test_callers_take_turns(threads: Threads) -> None:
    """Who comes with one step waits for one of each other; steps of one caller stay in order; nothing is lost."""
    entered, release = threading.Event(), threading.Event()
    done, failed = list[str](), list[Exception]()

    def hold() -> None:
        entered.set()
        assert release.wait(WAIT_SECONDS)

    def post(caller: str, *names: str) -> None:
        for name in names:
            threads.post(partial(done.append, name), failed.append, caller)

    post("alice", "a1")
    threads.post(hold, failed.append, "alice")
    assert await asyncio.to_thread(entered.wait, WAIT_SECONDS)
    post("alice", "a2", "a3", "a4", "a5")
    post("bob", "b1", "b2")

    async def of_carols_call() -> None:
        current_caller.set("carol")
        await threads.run(done.append, "c1")

    carols = [asyncio.create_task(of_carols_call()) for _ in range(2)]
    await asyncio.sleep(0)
    release.set()
    await asyncio.gather(*carols)
    post("alice", "a6")
    threads.close()
    assert failed == []
    assert done == ["a1", "a2", "b1", "c1", "a3", "b2", "c1", "a4", "a5", "a6"]


def test_what_waits_is_counted(threads: Threads) -> None:
    """Steps that no thread has begun; not the one that is under way."""
    entered, release = threading.Event(), threading.Event()

    def hold() -> None:
        entered.set()
        assert release.wait(WAIT_SECONDS)

    failed: list[Exception] = []
    seen = [threads.waiting]
    threads.post(hold, failed.append)
    assert entered.wait(WAIT_SECONDS)
    for _ in range(2):
        threads.post(lambda: None, failed.append)
        seen.append(threads.waiting)
    release.set()
    assert seen == [0, 1, 2]
    assert failed == []
