"""Queries that many ask at a time, done for all of them on one snapshot.

A query costs less than what surrounds it: the snapshot, the turn of the thread, the way back. So while questions of one
kind are answered, others of that kind gather, and are answered all at once afterwards. Nobody waits for others to come:
a question that comes alone is answered alone.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection

from server.storage.threads import Handover, Threads
from server.storage.writer import GroupWork

I = TypeVar("I")  # noqa: E741 -- item
O = TypeVar("O")  # noqa: E741 -- outcome

_Waiting = list[tuple[Any, asyncio.Future[Any]]]


class GroupReader:
    """Gathers questions.

    Args:
        readers: threads that read.
        read_now: runs a query on a snapshot, in the calling thread.
    """

    def __init__(self, readers: Threads, read_now: Callable[[Callable[[Connection], Any]], Any]) -> None:
        self._readers = readers
        self._read_now = read_now
        self._handover = Handover()
        self._waiting: dict[GroupWork[Any, Any], _Waiting] = {}  # of each kind that is being answered
        self._entry = threading.Lock()

    async def read(self, work: GroupWork[I, O], item: I) -> O:
        """Have one item answered, on a snapshot that begins after this call; raises what it is refused with."""
        future: asyncio.Future[O] = asyncio.get_running_loop().create_future()
        with self._entry:
            gathering = self._waiting.get(work)
            if gathering is not None:
                gathering.append((item, future))
            else:
                self._waiting[work] = []
        if gathering is None:
            self._post(work, [(item, future)])
        return await future

    def _post(self, work: GroupWork[Any, Any], asked: _Waiting) -> None:
        self._readers.post(partial(self._answer, work, asked), lambda _: None)

    def _answer(self, work: GroupWork[Any, Any], asked: _Waiting) -> None:
        self._answer_all(work, asked)
        with self._entry:
            gathered = self._waiting.pop(work)
            if gathered:
                self._waiting[work] = []
        if gathered:
            self._post(work, gathered)  # behind what other kinds wait for

    def _answer_all(self, work: GroupWork[Any, Any], asked: _Waiting) -> None:
        items = [item for item, _ in asked]

        def query(connection: Connection) -> Sequence[Any]:
            return work(connection, items)

        try:
            answered = list(zip(asked, self._read_now(query), strict=True))
        except Exception as error:  # noqa: BLE001  # carried to those who wait as it is, not handled
            answered = [(each, error) for each in asked]
        for (_, future), outcome in answered:
            self._handover.hand_over(future, outcome)
