"""The two entries of an operation, each made for many operations in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from mpc.errors import FoursealError
from server.clock import Clock
from server.journal import store
from server.journal.policy import CheckCallers, Policy
from server.journal.records import Intent, Operation, Outcome, Result
from wire.catalogue import ServiceError


@dataclass(frozen=True, slots=True)
class Begun:
    """What stands in the journal for an intent: the earlier operation, or None for a new one."""

    earlier: Operation | None

    @property
    def settled(self) -> bool:
        """Whether the earlier operation has all that a repeat is answered with."""
        return self.earlier is not None and is_settled(self.earlier)

    @property
    def recorded(self) -> bool:
        """Whether the earlier operation has its result in the journal."""
        return self.earlier is not None and self.earlier.outcome is not Outcome.PENDING


class Ledger:
    """Enters intents and results.

    Args:
        check_callers: see ``CheckCallers``.
        policy: see ``Policy``.
        clock: time of the records.
    """

    def __init__(self, check_callers: CheckCallers, policy: Policy, clock: Clock) -> None:
        self._check_callers = check_callers
        self._policy = policy
        self._clock = clock

    def begin(self, connection: Connection, intents: Sequence[Intent]) -> list[Begun | FoursealError]:
        """Check callers, look for earlier operations, let the policy judge the rest, record what is new."""
        answers: list[Begun | FoursealError | None] = list(
            self._check_callers(connection, [intent.request.caller for intent in intents])
        )
        earlier = store.find_operations(connection, (intent.request.identity for intent in intents))
        open_ones = []
        for index, intent in enumerate(intents):
            if answers[index] is None:
                answers[index] = _without_policy(intent, earlier.get(intent.request.identity))
            if answers[index] is None:
                open_ones.append(index)
        if open_ones:
            self._admit(connection, [intents[index] for index in open_ones], earlier, answers, open_ones)
        return [answer for answer in answers if answer is not None]

    def finish(self, connection: Connection, results: Sequence[tuple[Intent, Result]]) -> list[None]:
        """Record results, with whatever they change. A group in which one fails is tried again one by one.

        First the record: whoever comes second changes nothing, and does not meet what the first one has changed.

        Raises:
            FinishedMeanwhile: see ``store.finish``.
        """
        store.finish(connection, results, self._clock())
        for _, result in results:
            if result.apply is not None:
                result.apply(connection)
        return [None] * len(results)

    def _admit(
        self,
        connection: Connection,
        intents: Sequence[Intent],
        earlier: dict[tuple[str, str], Operation],
        answers: list[Begun | FoursealError | None],
        places: Sequence[int],
    ) -> None:
        found = [earlier.get(intent.request.identity) for intent in intents]
        verdicts = self._policy.admit(connection, intents, [operation is not None for operation in found])
        new = []
        for place, intent, operation, refusal in zip(places, intents, found, verdicts, strict=True):
            answers[place] = refusal or Begun(operation)
            if refusal is None and operation is None:
                new.append(intent)
        if new:
            store.add_intents(connection, new, self._clock())


def require_same(intent: Intent, earlier: Operation) -> None:
    """See that an earlier operation with the same request_id is the same request.

    Raises:
        ServiceError: REQUEST_ID_REUSED.
    """
    if (earlier.method, earlier.body_sha256) != (intent.request.method, intent.request.body_sha256):
        raise ServiceError("REQUEST_ID_REUSED")


def is_settled(operation: Operation) -> bool:
    """Whether an operation was refused for good, or has an answer that was kept."""
    return operation.outcome is Outcome.REFUSED or operation.answer is not None


def _without_policy(intent: Intent, earlier: Operation | None) -> Begun | FoursealError | None:
    """The answer, where an earlier operation decides it alone."""
    if earlier is None:
        return None
    try:
        require_same(intent, earlier)
    except ServiceError as error:
        return error
    return Begun(earlier) if is_settled(earlier) else None
