"""The count of calls in flight, by itself; what it does around real calls is in ``test_interceptor``."""

from __future__ import annotations

import asyncio

import pytest

from mpc.errors import FoursealError
from wire import in_flight
from wire.in_flight import InFlight


async def settled() -> None:
    """Let everything run that can."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_idle_is_when_the_last_is_done() -> None:
    """However they overlap."""
    calls = InFlight()
    await calls.wait_idle()
    with calls:
        with calls:
            waiting = asyncio.create_task(calls.wait_idle())
            await settled()
            assert not waiting.done()
        await settled()
        assert not waiting.done()
    await waiting


async def test_a_call_that_fails_is_done_too() -> None:
    """Whatever ends it."""
    calls = InFlight()
    with pytest.raises(KeyboardInterrupt), calls:
        raise KeyboardInterrupt
    await calls.wait_idle()


async def test_new_calls_are_refused_while_those_in_flight_go_on() -> None:
    """A refused one is not counted."""
    calls = InFlight()
    with calls:
        calls.refusing = True
        with pytest.raises(FoursealError) as caught, calls:
            raise AssertionError("let in")
        assert caught.value.reason == "SHUTTING_DOWN"
        waiting = asyncio.create_task(calls.wait_idle())
        await settled()
        assert not waiting.done()
    await waiting


async def test_quiet_is_when_no_more_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as calls come to be refused, the listener stays open for them."""
    monkeypatch.setattr(in_flight, "_QUIET_SECONDS", 0)
    calls = InFlight()
    calls.refusing = True
    waiting = asyncio.create_task(calls.wait_quiet())
    for _ in range(20):
        with pytest.raises(FoursealError), calls:
            raise AssertionError("let in")
        await asyncio.sleep(0)
        assert not waiting.done()
    await asyncio.wait_for(waiting, 10)
