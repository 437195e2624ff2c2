"""Brings operations of concurrent calls together, for an engine that does several in the time of one.

Threads that need an exponentiation leave it in one queue and wait. A few threads, one a core, take what waits there, up
to the engine's width, and compute. While they compute the next ones gather; so under load groups fill by themselves, as
the writer's do (``server.storage.writer``). When there are fewer, a group waits for company: a millisecond at most, and
only while more operations are under way than have come. Who is alone does not wait.

Which operations of a group are worth doing together, and who does the others, the engine decides.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from mpc.engines import Random
from server.custody.holder import ShareEngine

_PATIENCE_SECONDS = 0.001


@dataclass(slots=True, eq=False)
class _Call:
    """Operations of one call, the source of randomness for them, and where the results, or an exception, go."""

    operations: Sequence[tuple[Any, int]]
    random: Random
    answer: queue.SimpleQueue[list[int] | Exception] = field(default_factory=queue.SimpleQueue)


class Coalescer:
    """An engine (``mpc.engines.Engine``) in front of another one. With one of width 1 it only passes calls on.

    Args:
        engine: exponentiates.
        threads: how many compute at a time, at least 1.
        under_way: how many operations are, wherever they are.
    """

    def __init__(self, engine: ShareEngine, threads: int, under_way: Callable[[], int]) -> None:
        self.name = engine.name
        self.width = engine.width
        self._engine = engine
        self._under_way = under_way
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._inside: set[_Call] = set()
        self._gathering = threading.Lock()
        self._threads = [
            threading.Thread(target=self._run, name=f"engine-{index}", daemon=True)
            for index in range(threads if engine.width > 1 else 0)
        ]
        for thread in self._threads:
            thread.start()

    def exponentiate(self, operations: Sequence[tuple[Any, int]], random: Random) -> list[int]:
        """See ``Engine.exponentiate``; waits for the results. What fails in company is tried again alone."""
        if len(operations) >= self.width:
            return self._engine.exponentiate(operations, random)
        call = _Call(operations, random)
        self._inside.add(call)
        try:
            self._calls.put(call)
            answer = call.answer.get()
        finally:
            self._inside.discard(call)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        """Do what waits, and end the threads."""
        for _ in self._threads:
            self._calls.put(None)
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while self._do_next():
            pass

    def _do_next(self) -> bool:
        """Gather a group and do it; False: there will be none any more."""
        with self._gathering:  # two who gather at once would share out what belongs together
            group = self._gather()
        if group:
            self._do(group)
        return bool(group)

    def _gather(self) -> list[_Call]:
        group: list[_Call] = []
        call = self._calls.get()
        end = time.monotonic() + _PATIENCE_SECONDS
        while call is not None:
            group.append(call)
            if sum(len(each.operations) for each in group) >= self.width:
                return group
            patience = end - time.monotonic() if self._under_way() > len(self._inside) else 0
            try:
                call = self._calls.get(block=patience > 0, timeout=patience if patience > 0 else None)
            except queue.Empty:
                return group
        if group:
            self._calls.put(None)  # the end was meant for this thread; it comes back for it
        return group

    def _do(self, group: Sequence[_Call]) -> None:
        try:
            results = self._engine.exponentiate([each for call in group for each in call.operations], group[0].random)
        except Exception as error:  # noqa: BLE001  # carried to who waits as it is, not handled
            if len(group) == 1:
                group[0].answer.put(error)
            else:
                for call in group:
                    self._do([call])
            return
        start = 0
        for call in group:
            end = start + len(call.operations)
            call.answer.put(results[start:end])
            start = end
