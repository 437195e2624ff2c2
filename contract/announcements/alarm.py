"""How an alarm stands: the table of its states, and what each event makes of it.

::

    raised --blocked--> blocked --check began--> checking --one has history--> named ---+--released--> released
                           |                        |                                   |
                           |                        +--any other rule--> undetermined   |
                           |                        |                         |         |
                           +------------------------+---a person decided------+--> decided

What is raised is to be blocked; what is named or decided is to be released; what is undetermined stays held until a
person decides, who need not wait for the check. A judgement is never taken back, and what is released stays so: the
alarm about these two keys is over, and raising it once more changes nothing.

``advance`` changes nothing by itself. Its caller holds the alarm's row, keeps the verdict's alarm durably and in the
log, and only then raises its refusal, or sends what the new state asks for. Every event may come twice: messages are
repeated, and processes die between two of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from contract import der
from contract.announcements.claim import Claim
from contract.announcements.judgement import Judgement, Rule
from contract.announcements.keys import require_fingerprints
from contract.announcements.window import Conflict
from contract.errors import GuardRefused

_ALARM_REASON: Final = "ALARM_MALFORMED"


class AlarmState(StrEnum):
    """How it stands."""

    RAISED = "raised"
    BLOCKED = "blocked"
    CHECKING = "checking"
    NAMED = "named"
    """One key has history; the others are impostors'."""
    UNDETERMINED = "undetermined"
    DECIDED = "decided"
    """By a person."""
    RELEASED = "released"

    @property
    def is_held(self) -> bool:
        """Whether the receiver's gateway holds what the user sends to the destination."""
        return self is not AlarmState.RELEASED


NEXT_STATES: Final = {
    AlarmState.RAISED: {AlarmState.BLOCKED},
    AlarmState.BLOCKED: {AlarmState.CHECKING, AlarmState.DECIDED},
    AlarmState.CHECKING: {AlarmState.NAMED, AlarmState.UNDETERMINED, AlarmState.DECIDED},
    AlarmState.UNDETERMINED: {AlarmState.DECIDED},
    AlarmState.NAMED: {AlarmState.RELEASED},
    AlarmState.DECIDED: {AlarmState.RELEASED},
    AlarmState.RELEASED: set[AlarmState](),
}
"""Every transition that there is."""
_STATES_BY_RULE: Final = {Rule.ONE_HAS_HISTORY: AlarmState.NAMED, Rule.DECIDED_BY_PERSON: AlarmState.DECIDED}
_JUDGED: Final = {AlarmState.NAMED, AlarmState.UNDETERMINED, AlarmState.DECIDED, AlarmState.RELEASED}


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm.

    Args:
        claim: that two keys have.
        keys: the two, rising.
        first: time of the first of the announcements within the window when it was raised; UTC, whole seconds.
        state: of the table above.
        judgement: what was concluded; None: nothing yet.

    Raises:
        MalformedInput: ALARM_MALFORMED.
    """

    claim: Claim
    keys: tuple[bytes, bytes]
    first: datetime
    state: AlarmState = AlarmState.RAISED
    judgement: Judgement | None = None

    def __post_init__(self) -> None:
        require_fingerprints(self.keys, reason=_ALARM_REASON)
        der.require_time(self.first, "the first time", reason=_ALARM_REASON)
        judged = self.judgement is not None
        der.require_that(judged == (self.state in _JUDGED), "a judgement that does not fit", reason=_ALARM_REASON)
        if self.judgement is not None:
            state = _state_after(self.judgement)
            fits = self.state in {state, AlarmState.RELEASED} & {state, *NEXT_STATES[state]}
            der.require_that(fits, "a judgement that does not fit the state", reason=_ALARM_REASON)

    @property
    def alarm_id(self) -> str:
        """Its name: ``Claim.alarm_id``."""
        return self.claim.alarm_id(*self.keys)


@dataclass(frozen=True, slots=True)
class Blocked:
    """The receiver's gateway holds what the user sends to the destination."""


@dataclass(frozen=True, slots=True)
class CheckBegan:
    """The gateways were asked for their history."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A rule was applied to what gateways answered, or a person has decided.

    Args:
        judgement: about both keys of the alarm, and others of the claim.
    """

    judgement: Judgement


@dataclass(frozen=True, slots=True)
class Released:
    """The receiver's gateway released what is genuine, and put aside what is not."""


Event = Blocked | CheckBegan | Judged | Released
"""What happens to an alarm once it was raised."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an event makes of an alarm.

    Args:
        alarm: how it stands from now on: to be kept first.
        refusal: then to be raised; None if the event was allowed, or had come before.
    """

    alarm: Alarm
    refusal: GuardRefused | None = None


def raise_alarm(conflict: Conflict) -> Alarm:
    """The alarm of a conflict. Whoever knows one of that name keeps that, as it stands."""
    one, other = sorted((conflict.observed.key, conflict.others[0].key))
    return Alarm(conflict.claim, (one, other), conflict.first)


def advance(alarm: Alarm, event: Event) -> Verdict:
    """What an event makes of an alarm. Refusals leave it as it is.

    Refusals: ALARM_STATE_WRONG: not its turn; ALARM_JUDGED: it was judged otherwise; ALARM_OF_OTHER_KEYS: a judgement
    that names keys, and not both of the alarm.

    Args:
        alarm: how it stands.
        event: what happened.
    """
    match event:
        case Blocked():
            return _go(alarm, AlarmState.BLOCKED)
        case CheckBegan():
            return _go(alarm, AlarmState.CHECKING)
        case Released():
            return _go(alarm, AlarmState.RELEASED)
        case Judged():
            return _judge(alarm, event.judgement)


def _go(alarm: Alarm, state: AlarmState) -> Verdict:
    if state in NEXT_STATES[alarm.state]:
        return Verdict(replace(alarm, state=state))
    return Verdict(alarm, None if state in _behind(alarm.state) else _out_of_turn(alarm))


def _judge(alarm: Alarm, judgement: Judgement) -> Verdict:
    if alarm.judgement == judgement:
        return Verdict(alarm)  # the same once more: nothing changes
    if judgement.is_determined and not {*judgement.genuine, *judgement.impostors} >= {*alarm.keys}:
        return Verdict(alarm, GuardRefused("ALARM_OF_OTHER_KEYS", "the judgement leaves out a key of the alarm"))
    state = _state_after(judgement)
    if state in NEXT_STATES[alarm.state]:
        return Verdict(replace(alarm, state=state, judgement=judgement))
    if alarm.state in _JUDGED:
        refusal = GuardRefused("ALARM_JUDGED", "the alarm was judged otherwise before", state=alarm.state)
        return Verdict(alarm, refusal)
    return Verdict(alarm, _out_of_turn(alarm))


def _state_after(judgement: Judgement) -> AlarmState:
    return _STATES_BY_RULE.get(judgement.rule, AlarmState.UNDETERMINED)


def _behind(state: AlarmState) -> set[AlarmState]:
    """The state itself, and those that lead to it: an event that comes again changes nothing."""
    behind = {state}
    while grown := {each for each, after in NEXT_STATES.items() if after & behind} - behind:
        behind |= grown
    return behind


def _out_of_turn(alarm: Alarm) -> GuardRefused:
    return GuardRefused("ALARM_STATE_WRONG", f"the alarm is {alarm.state}: this is not its turn", state=alarm.state)
