"""The back end's states: whatever happens in whatever order, nothing is confirmed twice, late, or by a wrong code."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from contract.transactions.binding import SignedBinding
from contract.transactions.progress import (
    MAX_WRONG_CODES,
    NEXT_STATES,
    CodeTried,
    Event,
    Executed,
    ExecutionFailed,
    Progress,
    Refused,
    Signed,
    TimePassed,
    TransactionState,
    judge,
    propose,
)
from contract.transactions.verification import CLOCK_DIFFERENCE
from tests.contract.refusals import refused
from tests.contract.transactions.examples import BINDING, CORE, TRANSACTION
from tests.contract.world import NOW
from tests.mpc.refusals import malformed

OTHER = replace(BINDING, sealed_code=b"\x55" * 73)
PROPOSED = Progress(TransactionState.PROPOSED, TRANSACTION.end)
SIGNED = Progress(TransactionState.SIGNED, CORE.end, BINDING.digest)
CONFIRMED = replace(SIGNED, state=TransactionState.CONFIRMED)
EXECUTED = replace(SIGNED, state=TransactionState.EXECUTED)
FAILED = replace(SIGNED, state=TransactionState.FAILED, cause="BALANCE_TOO_LOW")
REJECTED = replace(PROPOSED, state=TransactionState.REJECTED, cause="REFUSED_BY_USER")
DEAD = replace(SIGNED, state=TransactionState.REJECTED, wrong_codes=3, cause="WRONG_CODES")
EXPIRED = replace(PROPOSED, state=TransactionState.EXPIRED)
RIGHT, WRONG = CodeTried(BINDING.digest, right=True), CodeTried(BINDING.digest, right=False)
IN_TIME, TOO_LATE = CORE.time, TRANSACTION.end + CLOCK_DIFFERENCE

JUDGED: list[tuple[Progress, Event, Progress, str]] = [
    (PROPOSED, Signed(BINDING), SIGNED, ""),
    (PROPOSED, RIGHT, PROPOSED, "TRANSACTION_STATE_WRONG"),
    (PROPOSED, Refused(), REJECTED, ""),
    (PROPOSED, Executed(), PROPOSED, "TRANSACTION_STATE_WRONG"),
    (PROPOSED, ExecutionFailed("X"), PROPOSED, "TRANSACTION_STATE_WRONG"),
    (SIGNED, Signed(BINDING), SIGNED, ""),
    (SIGNED, Signed(OTHER), SIGNED, "TRANSACTION_BOUND"),
    (SIGNED, RIGHT, CONFIRMED, ""),
    (SIGNED, WRONG, replace(SIGNED, wrong_codes=1), "CODE_WRONG"),
    (SIGNED, CodeTried(OTHER.digest, right=True), SIGNED, "TRANSACTION_BOUND"),
    (replace(SIGNED, wrong_codes=2), RIGHT, replace(CONFIRMED, wrong_codes=2), ""),
    (replace(SIGNED, wrong_codes=2), WRONG, DEAD, "CODE_WRONG"),
    (SIGNED, Refused(), replace(REJECTED, end=CORE.end, binding=BINDING.digest), ""),
    (SIGNED, Executed(), SIGNED, "TRANSACTION_STATE_WRONG"),
    (CONFIRMED, Signed(BINDING), CONFIRMED, ""),
    (CONFIRMED, Signed(OTHER), CONFIRMED, "TRANSACTION_BOUND"),
    (CONFIRMED, RIGHT, CONFIRMED, "CODE_USED"),
    (CONFIRMED, WRONG, CONFIRMED, "CODE_USED"),
    (CONFIRMED, Refused(), CONFIRMED, "TRANSACTION_STATE_WRONG"),
    (CONFIRMED, Executed(), EXECUTED, ""),
    (CONFIRMED, ExecutionFailed("BALANCE_TOO_LOW"), FAILED, ""),
    (EXECUTED, RIGHT, EXECUTED, "CODE_USED"),
    (EXECUTED, Executed(), EXECUTED, "TRANSACTION_CLOSED"),
    *(
        (closed, event, closed, "TRANSACTION_CLOSED")
        for closed in (FAILED, REJECTED, DEAD, EXPIRED)
        for event in (Signed(BINDING), RIGHT, WRONG, Refused(), Executed(), ExecutionFailed("X"))
    ),
    *((any_, TimePassed(), any_, "") for any_ in (PROPOSED, SIGNED, CONFIRMED, EXECUTED, FAILED, REJECTED, DEAD)),
]


@pytest.mark.parametrize(("before", "event", "after", "reason"), JUDGED)
def test_what_an_event_makes_of_a_transaction(before: Progress, event: Event, after: Progress, reason: str) -> None:
    """As the table says, line by line."""
    verdict = judge(before, event, IN_TIME)
    assert verdict.progress == after
    assert (verdict.refusal.reason if verdict.refusal else "") == reason


@pytest.mark.parametrize("event", [Signed(BINDING), RIGHT, WRONG, Refused(), Executed(), TimePassed()])
def test_what_waits_expires(event: Event) -> None:
    """What was confirmed does not: it is executed however late."""
    for waiting in (PROPOSED, SIGNED, replace(SIGNED, wrong_codes=2)):
        verdict = judge(waiting, event, TOO_LATE)
        assert verdict.progress == replace(waiting, state=TransactionState.EXPIRED)
        assert (verdict.refusal.reason if verdict.refusal else "") == (
            "" if isinstance(event, TimePassed) else "TRANSACTION_EXPIRED"
        )
    assert judge(CONFIRMED, Executed(), TOO_LATE + timedelta(days=30)).progress == EXECUTED


def test_windows_are_exact() -> None:
    """Two minutes each way, to the microsecond."""
    tick = timedelta(microseconds=1)
    propose(TRANSACTION, TRANSACTION.end + CLOCK_DIFFERENCE - tick)
    with refused("TRANSACTION_EXPIRED"):
        propose(TRANSACTION, TRANSACTION.end + CLOCK_DIFFERENCE)
    propose(TRANSACTION, NOW - CLOCK_DIFFERENCE)
    with refused("CLOCKS_DIFFER"):
        propose(TRANSACTION, NOW - CLOCK_DIFFERENCE - tick)
    for now, reason in (
        (CORE.time - CLOCK_DIFFERENCE - tick, "CLOCKS_DIFFER"),
        (CORE.time - CLOCK_DIFFERENCE, ""),
        (CORE.end + CLOCK_DIFFERENCE - tick, ""),
        (CORE.end + CLOCK_DIFFERENCE, "TRANSACTION_EXPIRED"),
    ):
        verdict = judge(PROPOSED, Signed(BINDING), now)
        assert (verdict.refusal.reason if verdict.refusal else "") == reason
        assert verdict.progress == (PROPOSED if reason else SIGNED)


@pytest.mark.parametrize(
    "wrong",
    [
        {"binding": b""},
        {"binding": bytes(31)},
        {"wrong_codes": 3},
        {"wrong_codes": -1},
        {"cause": "X"},
        {"state": TransactionState.REJECTED},
        {"state": TransactionState.REJECTED, "cause": "WRONG_CODES"},
        {"state": TransactionState.FAILED},
        {"state": TransactionState.FAILED, "cause": "no reason"},
        {"state": TransactionState.PROPOSED, "binding": b"", "wrong_codes": 1},
        {"end": NOW.replace(tzinfo=None)},
    ],
)
def test_a_state_that_cannot_be(wrong: dict[str, Any]) -> None:
    """What a database may hold that somebody wrote into."""
    with malformed("TRANSACTION_MALFORMED"):
        replace(SIGNED, **wrong)


def test_final_states_are_final() -> None:
    """By the table of transitions alone."""
    final = {state for state in TransactionState if state.is_final}
    assert final == {
        TransactionState.EXECUTED,
        TransactionState.REJECTED,
        TransactionState.EXPIRED,
        TransactionState.FAILED,
    }


class BackEndMachine(RuleBasedStateMachine):
    """Anything in any order, at times that only rise; what must hold is written down a second time, in plain words."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.tried_wrong = 0
        self.confirmations: list[datetime] = []
        self.executions = 0

    @initialize(delay=st.integers(-120, 900))
    def begin(self, delay: int) -> None:
        """A transaction is proposed."""
        self.now = NOW + timedelta(seconds=delay)
        self.progress = propose(TRANSACTION, self.now)
        self.path = [self.progress.state]

    @rule(seconds=st.integers(0, 400))
    def time_passes(self, seconds: int) -> None:
        """And is looked at, or not."""
        self.now += timedelta(seconds=seconds)

    @rule()
    def is_looked_at(self) -> None:
        """By the back end's own work."""
        assert self._judge(TimePassed()) is None

    @rule(binding=st.sampled_from([BINDING, OTHER]), offset=st.integers(-600, 600))
    def binding_comes(self, binding: SignedBinding, offset: int) -> None:
        """From a device whose clock is wherever."""
        time = max(self.now + timedelta(seconds=offset), NOW)
        core = replace(CORE, time=time, end=time + timedelta(minutes=5))
        self._judge(Signed(replace(binding, core=core)))

    @precondition(lambda self: bool(self.progress.binding))
    @rule(right=st.booleans(), same=st.booleans())
    def code_comes(self, *, right: bool, same: bool) -> None:
        """Right or wrong, with the binding or another."""
        before = self.progress
        refusal = self._judge(CodeTried(before.binding if same else bytes(32), right))
        if refusal == "CODE_WRONG":
            self.tried_wrong += 1
            assert not right
        if refusal is None:
            assert right
            assert same
            assert before.state is TransactionState.SIGNED
            self.confirmations.append(self.now)
            assert self.now < before.end + CLOCK_DIFFERENCE

    @rule()
    def user_refuses(self) -> None:
        """Or the terminal takes it back."""
        confirmed = bool(self.confirmations)
        assert self._judge(Refused()) is not None or not confirmed

    @rule(works=st.booleans())
    def executor_answers(self, *, works: bool) -> None:
        """As often as it likes."""
        refusal = self._judge(Executed() if works else ExecutionFailed("BALANCE_TOO_LOW"))
        self.executions += refusal is None
        assert refusal is not None or self.confirmations

    @invariant()
    def nothing_happened_twice(self) -> None:
        """One confirmation, one execution after it, three wrong codes."""
        assert len(self.confirmations) <= 1
        assert self.executions <= len(self.confirmations)
        assert self.tried_wrong == getattr(self, "progress", PROPOSED).wrong_codes <= MAX_WRONG_CODES

    def _judge(self, event: Event) -> str | None:
        verdict = judge(self.progress, event, self.now)
        if verdict.progress.state is not self.progress.state:
            assert verdict.progress.state in NEXT_STATES[self.progress.state]
            self.path.append(verdict.progress.state)
        if self.progress.state.is_final:
            assert verdict.progress == self.progress
        self.progress = verdict.progress
        return verdict.refusal.reason if verdict.refusal else None


BackEndMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)
TestBackEnd = BackEndMachine.TestCase
