"""How alarms stand: every order of events, each event twice, and no way from held to released without a judgement."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.announcements.alarm import (
    NEXT_STATES,
    Alarm,
    AlarmState,
    Blocked,
    CheckBegan,
    Event,
    Judged,
    Released,
    advance,
    raise_alarm,
)
from contract.announcements.judgement import Judgement, Rule, decide
from contract.announcements.window import Window, WindowLimits
from contract.errors import GuardRefused
from mpc.errors import FoursealError
from tests.contract.announcements.examples import ALARM, ALICE, ALICE_NEW, CLAIM, IMPOSTOR, JUDGEMENT, checked, key_of
from tests.contract.world import NOW
from tests.mpc.refusals import malformed

UNDETERMINED = Judgement(Rule.CONTRADICTED)
DECIDED = decide("root", [key_of(ALICE)], [key_of(IMPOSTOR)])
TURNED = decide("root", [key_of(IMPOSTOR)], [key_of(ALICE)])
EVENTS: dict[str, Event] = {
    "blocked": Blocked(),
    "check": CheckBegan(),
    "named": Judged(JUDGEMENT),
    "undetermined": Judged(UNDETERMINED),
    "decided": Judged(DECIDED),
    "turned": Judged(TURNED),
    "released": Released(),
}


def raised() -> Alarm:
    """As a window raises it."""
    window = Window(WindowLimits())
    window.observe(checked(ALICE), "laptop", NOW)
    conflict = window.observe(checked(IMPOSTOR), "intruder", NOW)
    assert conflict is not None
    return raise_alarm(conflict)


def after(*events: str) -> Alarm:
    """How it stands after these, each of which is allowed, also the second time."""
    alarm = raised()
    for event in events:
        verdict = advance(alarm, EVENTS[event])
        assert verdict.refusal is None
        assert verdict.alarm != alarm
        alarm = verdict.alarm
        again = advance(alarm, EVENTS[event])
        assert (again.alarm, again.refusal) == (alarm, None)
    return alarm


def refusal(alarm: Alarm, event: str) -> str:
    """By what an event is refused, which changes nothing."""
    verdict = advance(alarm, EVENTS[event])
    assert verdict.alarm == alarm
    assert isinstance(verdict.refusal, GuardRefused)
    return verdict.refusal.reason


STANDS = {
    AlarmState.RAISED: (),
    AlarmState.BLOCKED: ("blocked",),
    AlarmState.CHECKING: ("blocked", "check"),
    AlarmState.NAMED: ("blocked", "check", "named"),
    AlarmState.UNDETERMINED: ("blocked", "check", "undetermined"),
    AlarmState.DECIDED: ("blocked", "check", "undetermined", "decided"),
    AlarmState.RELEASED: ("blocked", "check", "named", "released"),
}


@pytest.mark.parametrize("state", AlarmState)
def test_the_way_to_every_state(state: AlarmState) -> None:
    """By the events of the table."""
    alarm = after(*STANDS[state])
    assert (alarm.state, alarm.alarm_id, alarm.first) == (state, ALARM, NOW)
    assert state.is_held == (state is not AlarmState.RELEASED)


REFUSED = {
    AlarmState.RAISED: {"check", "named", "undetermined", "decided", "turned", "released"},
    AlarmState.BLOCKED: {"named", "undetermined", "released"},
    AlarmState.CHECKING: {"released"},
    AlarmState.NAMED: {"undetermined", "decided", "turned"},
    AlarmState.UNDETERMINED: {"named", "released"},
    AlarmState.DECIDED: {"named", "undetermined", "turned"},
    AlarmState.RELEASED: {"undetermined", "decided", "turned"},
}


@pytest.mark.parametrize(("state", "event"), list(product(AlarmState, EVENTS)))
def test_every_order(state: AlarmState, event: str) -> None:
    """What is refused leaves the alarm as it is; what came before changes nothing."""
    alarm = after(*STANDS[state])
    verdict = advance(alarm, EVENTS[event])
    if event in REFUSED[state]:
        judged = alarm.judgement is not None and event != "released"
        assert refusal(alarm, event) == ("ALARM_JUDGED" if judged else "ALARM_STATE_WRONG")
    else:
        assert verdict.refusal is None
        assert verdict.alarm.state is state or verdict.alarm.state in NEXT_STATES[state]


def test_a_person_need_not_wait_for_the_check() -> None:
    """Where gateways are silent, somebody decides; what they say later changes nothing."""
    for way in (("blocked",), ("blocked", "check")):
        alarm = after(*way, "decided")
        assert refusal(alarm, "named") == "ALARM_JUDGED"
        assert advance(alarm, Released()).alarm.state is AlarmState.RELEASED


def test_a_judgement_is_about_both_keys() -> None:
    """One that leaves out a key releases nothing; one about further keys of the claim is as good."""
    alarm = after("blocked", "check")
    for partial in (decide("root", [key_of(ALICE)], []), decide("root", [key_of(ALICE)], [key_of(ALICE_NEW)])):
        verdict = advance(alarm, Judged(partial))
        assert verdict.refusal is not None
        assert (verdict.alarm, verdict.refusal.reason) == (alarm, "ALARM_OF_OTHER_KEYS")
    further = decide("root", [key_of(ALICE)], [key_of(IMPOSTOR), key_of(ALICE_NEW)])
    assert advance(alarm, Judged(further)).alarm.state is AlarmState.DECIDED


@given(st.lists(st.sampled_from(sorted(EVENTS)), max_size=12))
def test_nothing_is_released_without_a_judgement(events: list[str]) -> None:
    """Whatever comes, in whatever order; and the first judgement that says who is genuine stays."""
    alarm, determined = raised(), None
    for event in events:
        before, alarm = alarm, advance(alarm, EVENTS[event]).alarm
        assert alarm.state is before.state or alarm.state in NEXT_STATES[before.state]
        if determined is None and alarm.judgement is not None and alarm.judgement.is_determined:
            determined = alarm.judgement
        assert determined is None or alarm.judgement == determined
        assert alarm.state.is_held or determined is not None


@pytest.mark.parametrize(
    "spoilt",
    [
        {"state": AlarmState.NAMED},
        {"judgement": JUDGEMENT},
        {"state": AlarmState.NAMED, "judgement": UNDETERMINED},
        {"state": AlarmState.UNDETERMINED, "judgement": JUDGEMENT},
        {"state": AlarmState.DECIDED, "judgement": JUDGEMENT},
        {"state": AlarmState.RELEASED, "judgement": UNDETERMINED},
        {"keys": (bytes(32), bytes(32))},
        {"first": NOW.replace(microsecond=1)},
    ],
)
def test_alarms_that_cannot_be(spoilt: dict[str, object]) -> None:
    """Each is refused when it is read from where it was kept."""
    with malformed("ALARM_MALFORMED"):
        replace(raised(), **spoilt)  # type: ignore[arg-type]


def test_its_name_is_that_of_the_conflict() -> None:
    """However often it is raised: who knows it keeps it."""
    assert raised() == raised()
    assert raised().alarm_id == CLAIM.alarm_id(key_of(IMPOSTOR), key_of(ALICE))
    assert issubclass(GuardRefused, FoursealError)
