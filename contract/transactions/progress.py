"""How a transaction stands at its back end: the table of its states, and what each event makes of it.

::

    proposed --signed--> signed --right code--> confirmed --done--> executed
        |                   |                       |
        |                   +-- third wrong code    +-- cannot be done --> failed
        +--- rejected ------+--> rejected
        +--- too late ------+--> expired

What is confirmed does not expire and is not rejected any more: it is executed or fails. What is executed, failed,
rejected or expired stays so.

``judge`` changes nothing by itself. Its caller holds the transaction's row, keeps the verdict's progress durably, and
only then raises its refusal or executes: so of any number of callers with the right code one confirms, and no more than
three wrong codes are ever compared. A transaction is bound once: who wants a new code proposes a new transaction.

Times are the back end's. Clocks of device and back end may be two minutes apart: a code is taken until so long after
the end that the device wrote, and a binding from further ahead is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from contract import der
from contract.errors import TransactionRefused
from contract.transactions.binding import SignedBinding
from contract.transactions.transaction import Transaction
from contract.transactions.verification import CLOCK_DIFFERENCE
from mpc.errors import FoursealError

MAX_WRONG_CODES: Final = 3
"""With the last of them the transaction is dead."""

_TRANSACTION_REASON: Final = "TRANSACTION_MALFORMED"
_CAUSE: Final = re.compile(r"[A-Z][A-Z0-9_]{0,63}", re.ASCII)


class TransactionState(StrEnum):
    """How it stands."""

    PROPOSED = "proposed"
    SIGNED = "signed"
    CONFIRMED = "confirmed"
    EXECUTED = "executed"
    REJECTED = "rejected"
    EXPIRED = "expired"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        """Whether nothing comes after it."""
        return not NEXT_STATES[self]


class Cause(StrEnum):
    """Why it was rejected."""

    WRONG_CODES = "WRONG_CODES"
    """Three wrong codes."""
    REFUSED_BY_USER = "REFUSED_BY_USER"
    """The device's user refused it, or its terminal took it back."""


NEXT_STATES: Final = {
    TransactionState.PROPOSED: {TransactionState.SIGNED, TransactionState.REJECTED, TransactionState.EXPIRED},
    TransactionState.SIGNED: {TransactionState.CONFIRMED, TransactionState.REJECTED, TransactionState.EXPIRED},
    TransactionState.CONFIRMED: {TransactionState.EXECUTED, TransactionState.FAILED},
    TransactionState.EXECUTED: set[TransactionState](),
    TransactionState.REJECTED: set[TransactionState](),
    TransactionState.EXPIRED: set[TransactionState](),
    TransactionState.FAILED: set[TransactionState](),
}
"""Every transition that there is."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How one transaction stands.

    Args:
        state: of the table above.
        end: until when the next step may come, by the clock of who wrote it: the transaction's end, then the code's.
        binding: digest of what was signed, 32 bytes; empty before.
        wrong_codes: how many were tried, 0 to 3.
        cause: why it was rejected or failed, UPPER_SNAKE; else empty.
    """

    state: TransactionState
    end: datetime
    binding: bytes = b""
    wrong_codes: int = 0
    cause: str = ""

    def __post_init__(self) -> None:
        der.require_time(self.end, "the end", reason=_TRANSACTION_REASON)
        unbound = {TransactionState.PROPOSED, TransactionState.REJECTED, TransactionState.EXPIRED}
        fits = len(self.binding) == der.FINGERPRINT_BYTES or (not self.binding and self.state in unbound)
        der.require_that(fits, "a binding that does not fit the state", reason=_TRANSACTION_REASON)
        dead = self.state is TransactionState.REJECTED and self.cause == Cause.WRONG_CODES
        fits = self.wrong_codes == MAX_WRONG_CODES if dead else 0 <= self.wrong_codes < MAX_WRONG_CODES
        der.require_that(
            fits and (self.binding or not self.wrong_codes), "a wrong number of codes", reason=_TRANSACTION_REASON
        )
        caused = self.state in {TransactionState.REJECTED, TransactionState.FAILED}
        fits = _CAUSE.fullmatch(self.cause) is not None if caused else not self.cause
        der.require_that(fits, "a cause that does not fit the state", reason=_TRANSACTION_REASON)


@dataclass(frozen=True, slots=True)
class Signed:
    """The device's binding came, and ``verify_binding`` let it pass."""

    binding: SignedBinding


@dataclass(frozen=True, slots=True)
class CodeTried:
    """A code came that was no mistyped one, with this binding; ``is_right_code`` said whether it is the right one.

    Args:
        binding: digest of the binding that the code was compared with.
        right: whether it is the right one.
    """

    binding: bytes
    right: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """The device's user refused it, or its terminal took it back."""


@dataclass(frozen=True, slots=True)
class Executed:
    """The executor did it."""


@dataclass(frozen=True, slots=True)
class ExecutionFailed:
    """The executor says that it cannot be done, now or ever: nothing of it was done.

    Args:
        cause: UPPER_SNAKE.
    """

    cause: str


@dataclass(frozen=True, slots=True)
class TimePassed:
    """Nothing else happened."""


Event = Signed | CodeTried | Refused | Executed | ExecutionFailed | TimePassed
"""What happens to a transaction once it was proposed."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an event makes of a transaction.

    Args:
        progress: how it stands from now on: to be kept first.
        refusal: then to be raised; None if the event was allowed.
    """

    progress: Progress
    refusal: FoursealError | None = None


def propose(transaction: Transaction, now: datetime) -> Progress:
    """Begin with a transaction that was never seen before: its digest, and its signer's request id, are new.

    Raises:
        TransactionRefused: TRANSACTION_EXPIRED; CLOCKS_DIFFER: it was made later than now.
    """
    if now >= transaction.end + CLOCK_DIFFERENCE:
        raise _expired()
    if transaction.create_time > now + CLOCK_DIFFERENCE:
        raise _clocks_differ()
    return Progress(TransactionState.PROPOSED, transaction.end)


def judge(progress: Progress, event: Event, now: datetime) -> Verdict:
    """What an event makes of a transaction. Refusals leave it as it is, but for wrong codes and what came too late.

    Refusals, each a TransactionRefused: TRANSACTION_CLOSED, TRANSACTION_EXPIRED, TRANSACTION_STATE_WRONG,
    TRANSACTION_BOUND, CLOCKS_DIFFER, CODE_USED, CODE_WRONG.

    Args:
        progress: how it stands.
        event: what happened.
        now: by the back end's clock, UTC.
    """
    waiting = progress.state in {TransactionState.PROPOSED, TransactionState.SIGNED}
    if waiting and now >= progress.end + CLOCK_DIFFERENCE:
        expired = replace(progress, state=TransactionState.EXPIRED)
        return Verdict(expired, None if isinstance(event, TimePassed) else _expired())
    match event:
        case TimePassed():
            return Verdict(progress)
        case Signed():
            return _sign(progress, event.binding, now)
        case CodeTried():
            return _try_code(progress, event)
        case _:
            return _close(progress, event)


def _close(progress: Progress, event: Refused | Executed | ExecutionFailed) -> Verdict:
    match event:
        case Refused():
            state, cause = TransactionState.REJECTED, Cause.REFUSED_BY_USER.value
        case Executed():
            state, cause = TransactionState.EXECUTED, ""
        case _:
            state, cause = TransactionState.FAILED, event.cause
    if state not in NEXT_STATES[progress.state]:
        return Verdict(progress, _out_of_turn(progress))
    return Verdict(replace(progress, state=state, cause=cause))


def _sign(progress: Progress, binding: SignedBinding, now: datetime) -> Verdict:
    if progress.binding == binding.digest and not progress.state.is_final:
        return Verdict(progress)  # the same once more: nothing changes
    if progress.state is not TransactionState.PROPOSED:
        return Verdict(progress, _out_of_turn(progress) if progress.state.is_final else _bound())
    if binding.core.time > now + CLOCK_DIFFERENCE:
        return Verdict(progress, _clocks_differ())
    if now >= binding.core.end + CLOCK_DIFFERENCE:
        return Verdict(progress, _expired())  # the binding alone: another one may still come
    return Verdict(
        replace(progress, state=TransactionState.SIGNED, binding=binding.digest, end=binding.core.end),
    )


def _try_code(progress: Progress, tried: CodeTried) -> Verdict:
    if progress.state in {TransactionState.CONFIRMED, TransactionState.EXECUTED}:
        return Verdict(progress, TransactionRefused("CODE_USED", "the transaction was confirmed before"))
    if progress.state is not TransactionState.SIGNED:
        return Verdict(progress, _out_of_turn(progress))
    if tried.binding != progress.binding:
        return Verdict(progress, _bound())
    if tried.right:
        return Verdict(replace(progress, state=TransactionState.CONFIRMED))
    wrong = progress.wrong_codes + 1
    left = MAX_WRONG_CODES - wrong
    refusal = TransactionRefused("CODE_WRONG", f"the code is wrong; {left} more may be tried", left=left)
    if left:
        return Verdict(replace(progress, wrong_codes=wrong), refusal)
    cause = Cause.WRONG_CODES.value
    return Verdict(replace(progress, wrong_codes=wrong, state=TransactionState.REJECTED, cause=cause), refusal)


def _out_of_turn(progress: Progress) -> TransactionRefused:
    if progress.state.is_final:
        return TransactionRefused(
            "TRANSACTION_CLOSED",
            f"the transaction is {progress.state} already",
            state=progress.state,
            cause=progress.cause,
        )
    return TransactionRefused(
        "TRANSACTION_STATE_WRONG", f"the transaction is {progress.state}: this is not its turn", state=progress.state
    )


def _bound() -> TransactionRefused:
    return TransactionRefused("TRANSACTION_BOUND", "the transaction was signed with another code")


def _expired() -> TransactionRefused:
    return TransactionRefused("TRANSACTION_EXPIRED", "the transaction, or its code, has ended")


def _clocks_differ() -> TransactionRefused:
    return TransactionRefused("CLOCKS_DIFFER", "it comes from later than now: the clocks are too far apart")
