"""Whatever is repeated, in whatever order, with whatever faults between: each request_id has one answer.

Hypothesis makes up sequences of requests, repeats, forged repeats, faults at every step and restarts, against a real
database; what was promised is kept in a model beside it.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from mpc.errors import FoursealError
from server.journal import Request, Result
from tests.server.harness import database_path, make_home
from tests.server.journal.journals import KEY, Journal, Rules, outside, refuse, request
from wire.catalogue import ServiceError

NUMBERS = st.integers(0, 3)
BODIES = st.sampled_from([b"one", b"two"])
FAULTS = st.sampled_from(["none", "none", "act", "result", "refused", "hang up"])


class OneAnswer(RuleBasedStateMachine):
    """A journal, and what it owes to those who asked."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = contextlib.ExitStack()
        self.runner = self.stack.enter_context(asyncio.Runner())
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.path = database_path(make_home(folder / "server"))
        self.law = Rules()
        self.bodies: dict[int, bytes] = {}
        self.answers: dict[int, bytes | str] = {}
        self.completed: Counter[int] = Counter()
        self.made = 0
        self.journal = Journal(self.path, self.law)

    def teardown(self) -> None:
        """Close everything."""
        self.journal.close()
        self.stack.close()

    @initialize()
    def start(self) -> None:
        """Nothing was asked yet."""
        assert not self.answers

    @rule(number=NUMBERS, body=BODIES, fault=FAULTS)
    def ask_one(self, number: int, body: bytes, fault: str) -> None:
        """One request, perhaps with a fault on its way."""
        self.runner.run(self._ask_all([(number, body, fault)]))

    @rule(asked=st.lists(st.tuples(NUMBERS, BODIES, FAULTS), min_size=2, max_size=6))
    def ask_many(self, asked: list[tuple[int, bytes, str]]) -> None:
        """Several at once."""
        self.runner.run(self._ask_all(asked))

    @rule()
    def restart(self) -> None:
        """What was only in memory is gone."""
        self.journal.close()
        self.journal = Journal(self.path, self.law)

    @invariant()
    def the_journal_agrees(self) -> None:
        """On the disk stands what was answered; never two records of one request_id, never two results."""
        for number in range(4):
            rows = outside(self.path, "outcome, answer, reason", number)
            assert len(rows) == (number in self.bodies)
            assert self.completed[number] <= 1
            if isinstance(answer := self.answers.get(number), bytes):
                assert rows == [("done", answer, None)]
            elif answer is not None:
                assert rows == [("refused", None, answer)]
        fresh = Counter(request_id for request_id, known in self.law.asked if not known)
        assert not fresh or max(fresh.values()) == 1  # a limit counts each request once

    async def _ask_all(self, asked: list[tuple[int, bytes, str]]) -> None:
        bodies = {(number, body) for number, body, _ in asked}
        contested = {number for number in range(4) if {(number, b"one"), (number, b"two")} <= bodies}
        tasks = [asyncio.create_task(self._ask(*one, contested=one[0] in contested)) for one in asked]
        await asyncio.gather(*tasks)
        await self.journal.flights.wait_idle()
        for number, body, _ in asked:  # whoever hung up left an operation that went on: ask what became of it
            rows = outside(self.path, "outcome", number)
            if rows and rows != [("pending",)] and self.bodies[number] == body:
                await self._ask(number, body, "none")

    async def _ask(self, number: int, body: bytes, fault: str, *, contested: bool = False) -> None:
        first = self.bodies.setdefault(number, body)
        wanted = request(number, body)
        task = asyncio.create_task(self.journal.ask(wanted, lambda key_id: self._act(number, wanted, fault, key_id)))
        if fault == "hang up":
            await asyncio.sleep(0)
            task.cancel()
        heard: bytes | str
        try:
            heard = await task
        except (ConnectionAbortedError, asyncio.CancelledError):
            return  # nothing was heard; a repeat will
        except FoursealError as error:
            heard = error.reason
        if body != first:
            assert heard == "REQUEST_ID_REUSED"
        elif heard == "REQUEST_ID_REUSED":
            assert contested  # the other body is under way, and will be refused: so the right one may be, too, for now
        else:
            assert heard == self.answers.setdefault(number, heard)

    def _act(self, number: int, wanted: Request, fault: str, key_id: str) -> Result:
        assert key_id == KEY
        assert wanted == request(number, self.bodies[number])  # nobody else's request gets this far
        self.made += 1
        if fault == "act":
            refuse()
        if fault == "result":
            return Result(release=b"lost", apply=lambda _: refuse())
        refusal = ServiceError("GENERATION_NOT_OPEN", key_id=KEY, state="aborted") if fault == "refused" else None
        return Result(b"answer %d" % self.made, refusal=refusal, afterwards=lambda: self.completed.update([number]))


OneAnswer.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=12,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],  # without "explain", which takes minutes
    suppress_health_check=[HealthCheck.too_slow],
)
TestOneAnswer = OneAnswer.TestCase
