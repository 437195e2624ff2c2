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

Another process, or a repeat with a renewed certificate, may do the same operation at the same time. Both act; in 5 one
of them is first, and the other one answers with what that one has recorded.

A crash between 3 and 5 leaves a pending operation whose answer nobody has seen. To act again is then safe: a partial
depends on nothing but the intent, and of a new key nobody has seen the first one.

An operation goes from thread to thread without a turn on the event loop in between: at a thousand a second, such turns
would take more time than the arithmetic. Operations that one call asks for go in groups (``flights.GROUP``): each is
prepared, judged, recorded and refused as if alone, but a step is one step for all of a group. Callers take turns with
their steps (``server.storage.turns``).

A change that happens in the database alone (``run_at_once``) is checked, done and recorded in one transaction.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Generic, TypeVar

from sqlalchemy import Connection

from server.clock import Clock
from server.journal import store
from server.journal.flights import Flights, Outcomes
from server.journal.ledger import Begun, Ledger, is_settled, require_same
from server.journal.policy import CheckCallers, Policy
from server.journal.records import Caller, Intent, Operation, Request, Result
from server.storage import Database, GroupWork, Handover, Threads

Act = Callable[[str], Result]
"""Does an operation. Takes the key id that its intent was recorded with: a repeat may have come with another one."""

Prepare = Callable[[], tuple[Intent, Act]]
"""Checks a request, and says what is to be recorded and done for it."""

I = TypeVar("I")  # noqa: E741 -- item
O = TypeVar("O")  # noqa: E741 -- outcome
P = TypeVar("P")

PrepareOne = Callable[[], tuple[Intent, P]]
"""Checks one request of several, and says what is to be recorded, and what ``ActTogether`` is to be given for it."""

ActTogether = Callable[[Sequence[tuple[P, str]]], Sequence[Result | Exception]]
"""Does several operations. Takes what was prepared for each, and its key id as ``Act`` does."""

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
        (outcome,) = await self.run_together([request], [prepare], _act_each)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def require_room(self, caller: Caller, request_ids: Iterable[str]) -> None:
        """See ``Flights.require_room``."""
        self._flights.require_room(caller, request_ids)

    async def run_together(
        self, requests: Sequence[Request], prepare: Sequence[PrepareOne[P]], act: ActTogether[P]
    ) -> Outcomes:
        """Do several operations, each once and each as if alone, and return their outcomes when all are known.

        Args:
            requests: of one call.
            prepare: for each.
            act: for all that are to be done; they come to it in groups.

        Returns:
            One a request, in order: its answer, or what ``run`` would raise.
        """

        def start(places: Sequence[int], outcomes: asyncio.Future[Outcomes]) -> None:
            _Flight(self, requests[0].caller, [prepare[place] for place in places], act, outcomes).start()

        return await self._flights.join(requests, start)


def _act_each(prepared: Sequence[tuple[Act, str]]) -> list[Result | Exception]:
    results = list[Result | Exception]()
    for act, key_id in prepared:
        try:
            results.append(act(key_id))
        except Exception as error:  # noqa: BLE001  # carried to who waits as it is, not handled
            results.append(error)
    return results


_NEW: Final = Begun(None)


@dataclass(slots=True, eq=False)
class _Operation(Generic[P]):
    """One operation of a flight. ``outcome`` is None until it is known."""

    intent: Intent
    prepared: P
    begun: Begun = _NEW
    outcome: bytes | Exception | None = field(default=None, repr=False)

    @property
    def key_id(self) -> str:
        """As the intent was recorded."""
        return self.intent.key_id if self.begun.earlier is None else self.begun.earlier.key_id


class _Flight(Generic[P]):
    """Operations on their way through steps 2 to 6, together. Each method is a step, and starts the next."""

    def __init__(
        self,
        runner: OperationRunner,
        caller: Caller,
        prepare: Sequence[PrepareOne[P]],
        act: ActTogether[P],
        outcomes: asyncio.Future[Outcomes],
    ) -> None:
        self._runner = runner
        self._caller = caller
        self._prepare = prepare
        self._act = act
        self._outcomes = outcomes
        self._known: list[_Operation[P] | Exception] = []

    def start(self) -> None:
        """Step 2."""
        self._in_worker(self._prepare_all)

    def _prepare_all(self) -> None:
        for prepare in self._prepare:
            try:
                self._known.append(_Operation(*prepare()))
            except Exception as error:  # noqa: BLE001  # carried to who waits as it is, not handled
                self._known.append(error)
        prepared = [each for each in self._known if isinstance(each, _Operation)]
        runner = self._runner
        if prepared:
            intents = [operation.intent for operation in prepared]
            self._post(runner.ledger.begin, intents, partial(self._begun, prepared))
        else:
            self._end()

    def _begun(self, operations: list[_Operation[P]], begun: Sequence[Begun | Exception]) -> None:
        for operation, found in zip(operations, begun, strict=True):
            if isinstance(found, Exception):
                operation.outcome = found
            elif found.earlier is not None and found.settled:
                operation.outcome = found.earlier.refusal or found.earlier.answer
            else:
                operation.begun = found
        going = [operation for operation in operations if operation.outcome is None]
        if going:
            self._in_worker(lambda: self._act_on(going))
        else:
            self._end()

    def _act_on(self, operations: list[_Operation[P]]) -> None:
        done = list[tuple[_Operation[P], Result]]()
        for operation, result in zip(
            operations, self._act([(each.prepared, each.key_id) for each in operations]), strict=True
        ):
            if isinstance(result, Exception):  # for a repeat it may be that another was faster, and changed what it met
                operation.outcome = result if operation.begun.earlier is None else self._recorded(operation, result)
            else:
                done.append((operation, result))
        new = [(operation.intent, result) for operation, result in done if not operation.begun.recorded]
        runner = self._runner
        if new:
            self._post(runner.ledger.finish, new, partial(self._finished, done))
        else:
            self._finished(done, [])

    def _finished(self, done: list[tuple[_Operation[P], Result]], failures: Sequence[Exception | None]) -> None:
        new = (operation for operation, _ in done if not operation.begun.recorded)
        second = set[_Operation[P]]()
        for operation, failure in zip(new, failures, strict=True):
            if isinstance(failure, store.FinishedMeanwhile):
                second.add(operation)
            else:
                operation.outcome = failure
        kept = [(operation, result) for operation, result in done if operation.outcome is None]
        if second or any(result.afterwards is not None for _, result in kept):
            self._in_worker(lambda: self._conclude(kept, second))
        else:
            self._conclude(kept, second)

    def _conclude(self, done: list[tuple[_Operation[P], Result]], second: Collection[_Operation[P]]) -> None:
        for operation, result in done:
            if operation in second:
                operation.outcome = self._recorded(operation, result.release)
                continue
            if result.afterwards is not None:
                result.afterwards()
            operation.outcome = result.refusal or result.release
        self._end()

    def _recorded(self, operation: _Operation[P], otherwise: bytes | Exception) -> bytes | Exception | None:
        """What the journal has for an answer; ``otherwise`` if it has none."""
        identity = operation.intent.request.identity
        found = self._runner.database.read_now(lambda connection: store.find_operations(connection, [identity]))
        recorded = found.get(identity)
        return (recorded.refusal or recorded.answer) if recorded is not None and is_settled(recorded) else otherwise

    def _post(self, work: GroupWork[I, O], items: Sequence[I], then: Callable[[Sequence[O | Exception]], None]) -> None:
        self._runner.database.post_grouped(work, items, then, self._caller.agent_id)

    def _in_worker(self, step: Callable[[], None]) -> None:
        self._runner.workers.post(step, self._fail, self._caller.agent_id)

    def _fail(self, error: Exception) -> None:
        """A step broke off, and with it all whose outcome was not known."""
        for operation in self._known:
            if isinstance(operation, _Operation) and operation.outcome is None:
                operation.outcome = error
        self._end()

    def _end(self) -> None:
        outcomes = [each if isinstance(each, Exception) else each.outcome for each in self._known]
        self._runner.handover.hand_over(self._outcomes, outcomes)


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
