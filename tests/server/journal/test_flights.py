"""Operations under way: bounded as a whole and for each caller, shared by repeats, and never leaked."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import chain

import pytest

from server.journal import Caller, Flights, Outcomes, Request
from server.journal.flights import FEW, GROUP
from tests.server.journal.journals import ALICE, BOB, request, turns
from wire.catalogue import ServiceError


class Tower:
    """Starts operations and lands them when a test says so."""

    def __init__(self, *, capacity: int, capacity_of_caller: int) -> None:
        self.flights = Flights(capacity=capacity, capacity_of_caller=capacity_of_caller)
        self.started: list[asyncio.Future[Outcomes]] = []
        self.places: list[Sequence[int]] = []

    def join(self, asked: Request) -> asyncio.Task[bytes]:
        """Ask, without waiting."""
        return asyncio.create_task(self._only(asked))

    def join_all(self, *asked: Request) -> asyncio.Task[Outcomes]:
        """Ask for several in one call, without waiting."""
        return asyncio.create_task(self.flights.join(asked, self._start))

    async def _only(self, asked: Request) -> bytes:
        (outcome,) = await self.flights.join([asked], self._start)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def _start(self, places: Sequence[int], outcomes: asyncio.Future[Outcomes]) -> None:
        self.places.append(places)
        self.started.append(outcomes)

    async def joined(self, *asked: Request) -> list[asyncio.Task[bytes]]:
        """Ask, and let all of them come as far as they can."""
        tasks = [self.join(one) for one in asked]
        await turns()
        return tasks


def reason_of(task: asyncio.Task[bytes]) -> str | None:
    """Why a call was refused at once; None while it waits."""
    if not task.done():
        return None
    error = task.exception()
    assert isinstance(error, ServiceError)
    return error.reason


async def test_one_caller_does_not_starve_another() -> None:
    """A caller that has its share of the room is refused, and another is let in."""
    tower = Tower(capacity=4, capacity_of_caller=3)
    greedy = await tower.joined(*(request(number, caller=ALICE) for number in range(10)))
    assert [reason_of(task) for task in greedy] == [None] * 3 + ["OVERLOADED"] * 7
    modest = await tower.joined(*(request(number, caller=BOB) for number in range(2)))
    assert [reason_of(task) for task in modest] == [None, "OVERLOADED"]  # now the whole room is taken
    assert len(tower.started) == 4
    for answer in tower.started:
        answer.set_result([b"answer"])
    assert await asyncio.gather(*greedy[:3], modest[0]) == [b"answer"] * 4


async def test_many_who_have_much_leave_room_for_one_who_wants_little() -> None:
    """However many they are: an eighth of the room is not theirs."""
    tower = Tower(capacity=160, capacity_of_caller=80)
    greedy = [Caller(name, b"g" * 32) for name in "abc"]
    much = [await tower.joined(*(request(number, caller=each) for number in range(100))) for each in greedy]
    assert tower.flights.under_way() == 140 + FEW
    modest = await tower.joined(*(request(number, caller=BOB) for number in range(5)))
    assert [reason_of(task) for task in modest] == [None] * 4 + ["OVERLOADED"]
    for each in tower.started:
        each.set_result([b"answer"] * GROUP)
    await asyncio.gather(*modest, *chain.from_iterable(much), return_exceptions=True)


@pytest.mark.parametrize("end", ["answered", "failed", "hung up"])
async def test_room_is_free_again_however_an_operation_ends(end: str) -> None:
    """Nothing is counted twice or for ever; failures that nobody waits for disturb nobody."""
    tower = Tower(capacity=1, capacity_of_caller=1)
    for number in range(50):
        (task,) = await tower.joined(request(number))
        assert reason_of(task) is None
        if end == "hung up":
            task.cancel()
            await turns()
            (refused,) = await tower.joined(request(1000))
            assert reason_of(refused) == "OVERLOADED"  # the operation goes on without its caller
        if end == "answered":
            tower.started[-1].set_result([b"answer"])
        else:
            tower.started[-1].set_result([ServiceError("FAULT_DETECTED")])
        await asyncio.wait([task])
        await turns()
    assert len(tower.started) == 50
    assert not tower.flights._seats
    assert not tower.flights._of_caller


async def test_a_repeat_takes_no_room() -> None:
    """Whoever joins what is under way is not refused for want of room, and starts nothing."""
    tower = Tower(capacity=1, capacity_of_caller=1)
    tasks = await tower.joined(*([request()] * 5))
    assert len(tower.started) == 1
    tower.started[0].set_result([b"answer"])
    assert await asyncio.gather(*tasks) == [b"answer"] * 5


async def test_a_call_for_which_there_is_no_room_is_refused_before_anything_is_done() -> None:
    """Unless it repeats something under way; another caller's request of the same id is none."""
    tower = Tower(capacity=3, capacity_of_caller=1)
    ids = [request(number).request_id for number in range(3)]
    tower.flights.require_room(ALICE, ids)
    await tower.joined(request(0, caller=ALICE))
    tower.flights.require_room(ALICE, ids)
    tower.flights.require_room(BOB, ids)
    with pytest.raises(ServiceError) as refused:
        tower.flights.require_room(ALICE, ids[1:])
    assert refused.value.reason == "OVERLOADED"
    await tower.joined(request(1, caller=BOB))
    await tower.joined(request(2, caller=Caller("carol", b"c" * 32)))
    with pytest.raises(ServiceError):
        tower.flights.require_room(Caller("dave", b"d" * 32), ids)  # the whole room is taken


async def test_a_repeat_after_the_end_is_a_new_flight() -> None:
    """What has ended is forgotten here: the journal knows it."""
    tower = Tower(capacity=1, capacity_of_caller=1)
    (first,) = await tower.joined(request())
    tower.started[0].set_result([b"answer"])
    assert await first == b"answer"
    await tower.joined(request(body=b"other"))
    assert len(tower.started) == 2


async def test_every_waiter_hears_of_the_failure() -> None:
    """An operation that fails does so for all who wait for it."""
    tower = Tower(capacity=1, capacity_of_caller=1)
    tasks = await tower.joined(*([request()] * 3))
    tower.started[0].set_result([ServiceError("STORAGE_UNAVAILABLE")])
    await asyncio.wait(tasks)
    assert [reason_of(task) for task in tasks] == ["STORAGE_UNAVAILABLE"] * 3


async def test_idle_when_the_last_has_ended() -> None:
    """Waiting for idleness waits for what was begun meanwhile, too, and for those whose caller hung up."""
    tower = Tower(capacity=3, capacity_of_caller=3)
    await asyncio.wait_for(tower.flights.wait_idle(), 30)
    first, second = await tower.joined(request(1), request(2))
    idle = asyncio.create_task(tower.flights.wait_idle())
    first.cancel()
    tower.started[1].set_result([ServiceError("FAULT_DETECTED")])
    await asyncio.wait([second])
    await tower.joined(request(3))
    tower.started[0].set_result([b"answer"])
    await turns(10)
    assert not idle.done()
    tower.started[2].set_result([b"answer"])
    await asyncio.wait_for(idle, 30)


async def test_operations_of_one_call_go_in_groups() -> None:
    """Each in its place, whether it was under way, asked for twice, asked for otherwise, or one too many."""
    tower = Tower(capacity=30, capacity_of_caller=GROUP + 4)
    (before,) = await tower.joined(request(2))
    call = tower.join_all(
        *(request(number) for number in range(GROUP)),
        request(0),
        request(1, body=b"other"),
        *map(request, range(50, 60)),
    )
    await turns()
    assert [len(places) for places in tower.places] == [1, GROUP, 3]
    assert tower.places[1] == [0, 1, 3, 4, 5, 6, 7, GROUP + 2]
    repeat = tower.join_all(request(0), request(53))
    await turns()
    assert [len(places) for places in tower.places] == [1, GROUP, 3]
    tower.started[2].set_result([b"52", ServiceError("KEY_NOT_FOUND"), b"54"])
    tower.started[1].set_result([b"%d" % place for place in tower.places[1]])
    await turns()
    assert not call.done()
    tower.started[0].set_result([b"2"])
    assert await before == b"2"
    outcomes = await call
    found = [one.reason if isinstance(one, ServiceError) else one for one in outcomes]
    end = b"%d" % (GROUP + 2)
    numbers = [b"%d" % number for number in range(GROUP)]
    assert found == [*numbers, b"0", "REQUEST_ID_REUSED", end, b"52", "KEY_NOT_FOUND", b"54", *["OVERLOADED"] * 6]
    assert await repeat == [b"0", b"54"]
    assert not tower.flights._seats
    assert not tower.flights._of_caller
    assert await tower.join_all() == []


@pytest.mark.parametrize(("capacity", "capacity_of_caller"), [(1, 0), (0, 0), (1, 2)])
def test_room_that_makes_no_sense(capacity: int, capacity_of_caller: int) -> None:
    """A bound that admits nobody, or binds nobody, is a mistake of the configuration."""
    with pytest.raises(ValueError, match="capacity"):
        Flights(capacity=capacity, capacity_of_caller=capacity_of_caller)
