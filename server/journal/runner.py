"""The one mechanism of idempotency: how every changing call of the server is run.

How an operation that uses a share, or takes long, is run (``OperationRunner.run``):

1. Event loop: a repeat of an operation under way joins it; too many at once are refused (``Flights``).
2. Worker: the rules prepare; whatever can be checked without the database's word, and costs time, is checked here.
3. Writer, one transaction: the caller is checked; an earlier operation of the same (caller, request_id) is looked
   for; unless that was finished, the policy admits or refuses; a new one's intent is recorded. Commit.
4. Worker: if it was finished earlier, its answer or refusal again. If it was begun earlier (a crash or a fault came
   between), on as if it was new: the act. What it raises leaves the operation pending, and a repeat tries again.
5. Writer, one transaction: the result, and whatever the act changes. Commit.
6. Event loop: only now the answer.

A crash between 3 and 5 leaves a pending operation whose answer nobody has seen. To act again is then safe: a partial
depends on nothing but the intent, and of a new key nobody has seen the first one.

An operation goes from thread to thread without a turn on the event loop in between: at a thousand a second, such turns
would take more time than the arithmetic.

A change that happens in the database alone (``run_at_once``) is checked, done and recorded in one transaction.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from server.clock import Clock
from server.journal import store
from server.journal.flights import Flights
from server.journal.ledger import Begun, Ledger, require_same
from server.journal.policy import CheckCallers, Policy
from server.journal.records import Intent, Operation, Request, Result
from server.storage import Database, Handover, Threads

Act = Callable[[str], Result]
"""Does an operation. Takes the key id that its intent was recorded with: a repeat may have come with another one."""

Prepare = Callable[[], tuple[Intent, Act]]
"""Checks a request, and says what is to be recorded and done for it."""

Change = Callable[[Connection], Result]
"""Changes the database. What it raises is the caller's answer, and nothing is recorded."""


class OperationRunner:
    """Runs operations of one policy.

    Args:
        database: where the journal is.
        flights: operations under way.
        workers: threads that prepare and act.
        check_callers: see ``CheckCallers``.
        policy: see ``Policy``.
        clock: time of the records.
    """

    def __init__(
        self,
        database: Database,
        flights: Flights,
        workers: Threads,
        check_callers: CheckCallers,
        policy: Policy,
        clock: Clock,
    ) -> None:
        self.database = database
        self.workers = workers
        self.ledger = Ledger(check_callers, policy, clock)
        self.handover = Handover()
        self._flights = flights

    async def run(self, request: Request, prepare: Prepare) -> bytes:
        """Do an operation once and return its answer, now or again.

        Raises:
            ServiceError: OVERLOADED; REQUEST_ID_REUSED; whatever caller check and policy refuse with;
                STORAGE_UNAVAILABLE.
            FoursealError: what preparation or act raised, or the act's refusal.
        """
        return await self._flights.join(request, lambda answer: _Flight(self, prepare, answer).start())


@dataclass(slots=True)
class _Flight:
    """One operation on its way through steps 2 to 6. Each method is a step, and starts the next."""

    runner: OperationRunner
    prepare: Prepare
    answer: asyncio.Future[bytes]

    def start(self) -> None:
        self._in_worker(self._prepare)

    def _prepare(self) -> None:
        intent, act = self.prepare()
        runner = self.runner
        runner.database.post_grouped(runner.ledger.begin, intent, lambda begun: self._begun(intent, act, begun))

    def _begun(self, intent: Intent, act: Act, begun: Begun | Exception) -> None:
        if isinstance(begun, Exception):
            self._end(begun)
        elif begun.earlier is not None and begun.settled:
            self._end(begun.earlier.refusal or begun.earlier.answer)
        else:
            self._in_worker(lambda: self._act(intent, act, begun))

    def _act(self, intent: Intent, act: Act, begun: Begun) -> None:
        result = act(intent.key_id if begun.earlier is None else begun.earlier.key_id)
        if begun.recorded:
            self._finished(result)
            return
        runner = self.runner
        runner.database.post_grouped(
            runner.ledger.finish, (intent, result), lambda failure: self._finished(result, failure)
        )

    def _finished(self, result: Result, failure: Exception | None = None) -> None:
        if failure is not None:
            self._end(failure)
        elif result.afterwards is not None:
            self._in_worker(lambda: self._conclude(result))
        else:
            self._conclude(result)

    def _conclude(self, result: Result) -> None:
        if result.afterwards is not None:
            result.afterwards()
        self._end(result.refusal or result.release)

    def _in_worker(self, step: Callable[[], None]) -> None:
        self.runner.workers.post(step, self._end)

    def _end(self, outcome: object) -> None:
        self.runner.handover.hand_over(self.answer, outcome)


async def run_at_once(
    database: Database, check_callers: CheckCallers, clock: Clock, intent: Intent, change: Change
) -> bytes:
    """Check, do and record a change in one transaction; a repeat gets the recorded answer.

    A caller that goes away leaves nothing half done: what is to follow the commit follows it all the same.

    Raises:
        ServiceError: REQUEST_ID_REUSED; what the caller check refuses with; STORAGE_UNAVAILABLE.
        FoursealError: what the change raised, or its refusal.
    """
    task = asyncio.get_running_loop().create_task(_change(database, check_callers, clock, intent, change))
    _CHANGES.add(task)
    task.add_done_callback(_change_ended)
    return await asyncio.shield(task)


_CHANGES: Final[set[asyncio.Task[bytes]]] = set()  # an event loop alone does not keep its tasks alive


def _change_ended(task: asyncio.Task[bytes]) -> None:
    _CHANGES.discard(task)
    if not task.cancelled():
        task.exception()  # it may be that nobody is left to hear of it


async def _change(
    database: Database, check_callers: CheckCallers, clock: Clock, intent: Intent, change: Change
) -> bytes:
    def unit(connection: Connection) -> Operation | Result:
        (refused,) = check_callers(connection, [intent.request.caller])
        if refused is not None:
            raise refused
        earlier = store.find_operations(connection, [intent.request.identity]).get(intent.request.identity)
        if earlier is not None:
            require_same(intent, earlier)
            return earlier
        result = change(connection)
        store.add_finished(connection, intent, result, clock())
        return result

    done = await database.write(unit)
    if isinstance(done, Result) and done.afterwards is not None:
        await asyncio.to_thread(done.afterwards)
    return done.answer or b""
