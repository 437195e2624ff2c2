"""Alarms about accounts: one form, one name, and one end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from contract.announcements.account_alarm import MAX_ALARM_KEYS, AccountAlarm, AccountAlarmState, AlarmCause, rising
from mpc.errors import FoursealError
from tests.contract.announcements.refusals import guarded
from tests.contract.world import NOW
from tests.mpc.refusals import malformed

ONE, OTHER, THIRD = (bytes([number]) * 32 for number in (1, 2, 3))
ALARM = AccountAlarm(AlarmCause.SECOND_CERTIFICATE, "alice", "laptop", (ONE, OTHER), NOW)
NOBODYS = AccountAlarm(AlarmCause.CLONE, "", "laptop", (), NOW)


def test_one_form_and_one_name() -> None:
    """Open, proven, decided: each is read as it was written, under the name that it was raised with."""
    decided = ALARM.decided([OTHER], [ONE], "operator")
    states = {ALARM: "open", ALARM.proven(): "proven", decided: "decided", NOBODYS: "open"}
    for alarm, state in states.items():
        assert alarm.state == AccountAlarmState(state)
        assert AccountAlarm.from_der(alarm.to_der()) == alarm
        for wrong in (alarm.to_der()[:-1], alarm.to_der() + b"\0", alarm.to_der().replace(b"account", b"accounT")):
            with malformed("ACCOUNT_ALARM_MALFORMED"):
                AccountAlarm.from_der(wrong)
    assert len({ALARM.alarm_id, ALARM.proven().alarm_id, decided.alarm_id}) == 1
    others = (replace(ALARM, agent="phone"), replace(ALARM, time=NOW + timedelta(seconds=1)), NOBODYS)
    assert len({ALARM.alarm_id, *(each.alarm_id for each in others)}) == 4


def test_one_end() -> None:
    """The same again changes nothing; another is refused, and so is one that leaves out a key or names another."""
    decided = ALARM.decided([ONE], [OTHER], "operator")
    assert decided.decided([ONE], [OTHER], "operator") == decided
    assert ALARM.proven().proven() == ALARM.proven()
    for over in (decided, ALARM.proven()):
        with guarded("ALARM_JUDGED"):
            over.decided([OTHER], [ONE], "operator")
    with guarded("ALARM_JUDGED"):
        decided.proven()
    for genuine, impostors in (([ONE], []), ([ONE], [THIRD]), ([ONE, OTHER], [OTHER]), ([], [])):
        with guarded("ALARM_OF_OTHER_KEYS"):
            ALARM.decided(genuine, impostors, "operator")
    assert NOBODYS.decided([], [], "operator").state is AccountAlarmState.DECIDED


def test_what_does_not_fit() -> None:
    """Ends that are none, impostors that nobody named, keys and names that are none, and too many keys."""
    for changed in (
        {"genuine": (ONE,)},
        {"decider": "operator"},
        {"impostors": (ONE, OTHER)},
        {"keys": (OTHER, ONE)},
        {"keys": (b"short",)},
        {"agent": ""},
        {"time": NOW + timedelta(microseconds=1)},
        {"keys": tuple(bytes([number]) * 32 for number in range(MAX_ALARM_KEYS + 1))},
    ):
        with malformed("ACCOUNT_ALARM_MALFORMED"):
            replace(ALARM, **changed)
    with pytest.raises(FoursealError):
        replace(ALARM, account="No Name")
    assert rising([OTHER, ONE, OTHER]) == (ONE, OTHER)
    assert len(rising([bytes([number]) * 32 for number in range(99)])) == MAX_ALARM_KEYS
