"""Operations under way in this process: bounded in number, and a repeat of one joins it instead of doing it again."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from server.journal.records import Caller, Request
from wire.catalogue import ServiceError

GROUP: Final = 8
"""How many operations of one call go together: enough to share what a step costs whatever its size, and to fill the
lanes of an engine; few enough to be spread over threads, and to let other callers' in between."""

FEW: Final = 16
"""Operations under way of a caller that has few. The last eighth of the room is for such callers: some that have many,
none of them too many, do not keep out who wants a single signature."""

Outcomes = Sequence[bytes | Exception]
"""What operations came to, in their order: an answer, or why there is none."""

Start = Callable[[Sequence[int], "asyncio.Future[Outcomes]"], None]
"""Begins the operations of the requests in these places; the future gets their outcomes."""


@dataclass(slots=True, eq=False)
class _Flight:
    """Operations that go together."""

    outcomes: asyncio.Future[Outcomes]
    places: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Seat:
    """One operation: what it is, and which of its flight."""

    body: bytes
    flight: _Flight
    number: int


class Flights:
    """Operations by caller and request_id. All methods but ``under_way`` are called on one event loop.

    An operation goes on when the call that began it hangs up: nothing is left half done.

    Args:
        capacity: how many operations may be under way; the last eighth are for callers that have few (``FEW``).
        capacity_of_caller: how many of them may be one caller's, so that no caller starves the others.
    """

    def __init__(self, *, capacity: int, capacity_of_caller: int) -> None:
        if not 1 <= capacity_of_caller <= capacity:
            raise ValueError("a caller's capacity must be 1 to the whole capacity")
        self._capacity = capacity
        self._capacity_of_caller = capacity_of_caller
        self._seats: dict[tuple[Caller, str], _Seat] = {}
        self._of_caller: Counter[str] = Counter()

    async def join(self, requests: Sequence[Request], start: Start) -> Outcomes:
        """Wait for the operations of those requests, begun now unless they are under way already.

        Returns:
            One outcome a request, in order. Among the errors, ServiceErrors of this class: REQUEST_ID_REUSED: the
            operation under way has another body. OVERLOADED.
        """
        flights = list[_Flight]()
        seats = [self._seat(place, request, flights) for place, request in enumerate(requests)]
        for flight in flights:
            self._begin([requests[place] for place in flight.places], flight, start)
        return [
            seat if isinstance(seat, ServiceError) else (await self._landed(seat.flight))[seat.number] for seat in seats
        ]

    def require_room(self, caller: Caller, request_ids: Iterable[str]) -> None:
        """See that not all of these would be refused for want of room: before anything is done for them.

        Raises:
            ServiceError: OVERLOADED.
        """
        if not self._has_room(caller) and not any((caller, request_id) in self._seats for request_id in request_ids):
            raise ServiceError("OVERLOADED")

    def under_way(self) -> int:
        """How many operations are under way. May be asked from any thread."""
        return len(self._seats)

    async def wait_idle(self) -> None:
        """Return when no operation is under way."""
        while self._seats:
            await asyncio.wait({seat.flight.outcomes for seat in self._seats.values()})

    def _seat(self, place: int, request: Request, flights: list[_Flight]) -> _Seat | ServiceError:
        """The seat of an operation: of one under way, or a new one in the last of the new flights."""
        body = request.method.encode() + request.body_sha256
        seat = self._seats.get((request.caller, request.request_id))
        if seat is not None:
            return seat if seat.body == body else ServiceError("REQUEST_ID_REUSED")
        if not self._has_room(request.caller):
            return ServiceError("OVERLOADED")
        if not flights or len(flights[-1].places) == GROUP:
            flights.append(_Flight(asyncio.get_running_loop().create_future()))
        seat = _Seat(body, flights[-1], len(flights[-1].places))
        seat.flight.places.append(place)
        self._seats[request.caller, request.request_id] = seat
        self._of_caller[request.caller.agent_id] += 1
        return seat

    def _has_room(self, caller: Caller) -> bool:
        free, theirs = self._capacity - len(self._seats), self._of_caller[caller.agent_id]
        return theirs < self._capacity_of_caller and free > (0 if theirs < FEW else self._capacity // 8)

    def _begin(self, requests: Sequence[Request], flight: _Flight, start: Start) -> None:
        flight.outcomes.add_done_callback(lambda outcomes: self._leave(requests, outcomes))
        start(flight.places, flight.outcomes)

    async def _landed(self, flight: _Flight) -> Outcomes:
        outcomes = flight.outcomes
        return outcomes.result() if outcomes.done() else await asyncio.shield(outcomes)

    def _leave(self, requests: Sequence[Request], outcomes: asyncio.Future[Outcomes]) -> None:
        for request in requests:
            del self._seats[request.caller, request.request_id]
            agent_id = request.caller.agent_id
            self._of_caller[agent_id] -= 1
            if not self._of_caller[agent_id]:
                del self._of_caller[agent_id]
        outcomes.exception()  # it may be that nobody is left to hear of it
