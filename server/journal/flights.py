"""Operations under way in this process: bounded in number, and a repeat of one joins it instead of doing it again."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

from server.journal.records import Caller, Request
from wire.catalogue import ServiceError

Start = Callable[["asyncio.Future[bytes]"], None]
"""Begins an operation; the future gets its answer."""


class Flights:
    """Futures of answers, by caller and request_id. All methods but ``under_way`` are called on one event loop.

    An operation goes on when the call that began it hangs up: nothing is left half done.

    Args:
        capacity: how many operations may be under way.
        capacity_of_caller: how many of them may be one caller's, so that no caller starves the others.
    """

    def __init__(self, *, capacity: int, capacity_of_caller: int) -> None:
        if not 1 <= capacity_of_caller <= capacity:
            raise ValueError("a caller's capacity must be 1 to the whole capacity")
        self._capacity = capacity
        self._capacity_of_caller = capacity_of_caller
        self._answers: dict[tuple[Caller, str], tuple[bytes, asyncio.Future[bytes]]] = {}
        self._of_caller: Counter[str] = Counter()

    async def join(self, request: Request, start: Start) -> bytes:
        """Wait for the operation of that request, begun now unless it is under way already.

        Raises:
            ServiceError: REQUEST_ID_REUSED: the one under way has another body. OVERLOADED.
        """
        body = request.method.encode() + request.body_sha256
        under_way = self._answers.get((request.caller, request.request_id))
        if under_way is None:
            answer = self._enter(request, body)
            start(answer)
        elif under_way[0] == body:
            answer = under_way[1]
        else:
            raise ServiceError("REQUEST_ID_REUSED")
        return await asyncio.shield(answer)

    def under_way(self) -> int:
        """How many operations are under way. May be asked from any thread."""
        return len(self._answers)

    async def wait_idle(self) -> None:
        """Return when no operation is under way."""
        while self._answers:
            await asyncio.wait([answer for _, answer in self._answers.values()])

    def _enter(self, request: Request, body: bytes) -> asyncio.Future[bytes]:
        agent_id = request.caller.agent_id
        if len(self._answers) >= self._capacity or self._of_caller[agent_id] >= self._capacity_of_caller:
            raise ServiceError("OVERLOADED")
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._answers[request.caller, request.request_id] = (body, answer)
        self._of_caller[agent_id] += 1
        answer.add_done_callback(lambda done: self._leave(request, done))
        return answer

    def _leave(self, request: Request, answer: asyncio.Future[bytes]) -> None:
        del self._answers[request.caller, request.request_id]
        agent_id = request.caller.agent_id
        self._of_caller[agent_id] -= 1
        if not self._of_caller[agent_id]:
            del self._of_caller[agent_id]
        answer.exception()  # it may be that nobody is left to hear of it
