"""The window finds every conflict and no other, in bounded memory; nobody pushes out another."""

from __future__ import annotations

import tracemalloc
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from contract.announcements.announcement import CheckedAnnouncement
from contract.announcements.claim import Claim
from contract.announcements.contents import Block
from contract.announcements.failures import MAX_FAILURES, Failures
from contract.announcements.key_change import ChangeByOldKey
from contract.announcements.window import MAX_KEYS, Conflict, Window, WindowLimits, are_in_conflict
from contract.errors import GuardRefused
from tests.contract.announcements.examples import (
    ALICE,
    ALICE_NEW,
    CLAIM,
    GUARD,
    IMPOSTOR,
    announce,
    change,
    checked,
    key_of,
    logged,
)
from tests.contract.announcements.refusals import guarded
from tests.contract.world import NOW
from tests.mpc.refusals import malformed

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
SMALL = WindowLimits(sightings=40, sightings_per_agent=20, reserved_per_agent=2)


def pairs(conflict: Conflict | None) -> set[bytes]:
    """The keys of a conflict; none without one."""
    return set() if conflict is None else {conflict.observed.key, *(each.key for each in conflict.others)}


def see(
    window: Window, key: Ed25519PrivateKey, at: datetime = NOW, claim: Claim = CLAIM, agent: str = "laptop"
) -> Conflict | None:
    """One announcement that is taken in when it is made."""
    return window.observe(checked(key, at, claim), agent, at)


@dataclass(frozen=True)
class Stub:
    """An announcement without a key behind it, where a test needs thousands that were checked."""

    claim: Claim
    key: bytes
    time: datetime
    changes: tuple[()] = ()


def stub(index: int, key: int = 1, at: datetime = NOW) -> CheckedAnnouncement:
    """To a destination of its own."""
    made = Stub(Claim("192.0.2.7", "alice", f"b{index}"), bytes([key]) * 32, at)
    return CheckedAnnouncement(made, bytes(32))  # type: ignore[arg-type]


def test_the_same_key_again_is_no_conflict() -> None:
    """However often, at whatever time."""
    window = Window(WindowLimits())
    for minutes in (0, 1, 5, 5, 30):
        assert see(window, ALICE, NOW + minutes * MINUTE) is None
    assert len(window) == 1


@pytest.mark.parametrize(("first", "second"), [(ALICE, IMPOSTOR), (IMPOSTOR, ALICE)], ids=["after", "before"])
def test_an_impostor_before_and_after_the_genuine_one(first: Ed25519PrivateKey, second: Ed25519PrivateKey) -> None:
    """The second key raises the alarm, whoever's it is: the same alarm."""
    window = Window(WindowLimits())
    assert see(window, first) is None
    conflict = see(window, second, NOW + MINUTE)
    assert conflict is not None
    assert pairs(conflict) == {key_of(ALICE), key_of(IMPOSTOR)}
    assert conflict.alarm_id == CLAIM.alarm_id(key_of(ALICE), key_of(IMPOSTOR))
    assert conflict.first == NOW


def test_an_impostor_amid_the_genuine_ones_makes_one_alarm() -> None:
    """Told again with each announcement, under one name."""
    window = Window(WindowLimits())
    keys = (ALICE, IMPOSTOR, ALICE, IMPOSTOR, ALICE)
    told = [see(window, key, NOW + index * MINUTE) for index, key in enumerate(keys)]
    assert told[0] is None
    assert {each.alarm_id for each in told if each is not None} == {CLAIM.alarm_id(key_of(ALICE), key_of(IMPOSTOR))}
    assert all(told[1:])


def test_two_guards_make_the_same_alarm() -> None:
    """In whatever order, with whatever delay they see it; and their evidence is good for a block."""
    one, other = Window(WindowLimits()), Window(WindowLimits())
    see(one, ALICE)
    see(other, IMPOSTOR)
    first, second = see(one, IMPOSTOR, NOW + MINUTE), see(other, ALICE, NOW + 3 * MINUTE)
    assert first is not None
    assert second is not None
    assert first.alarm_id == second.alarm_id == Block((announce(ALICE), announce(IMPOSTOR))).alarm_id


def test_the_same_address_by_nat_is_no_conflict() -> None:
    """Two users, or two destinations, behind one address; an impostor behind it is one all the same."""
    window = Window(WindowLimits())
    assert see(window, ALICE) is None
    assert see(window, IMPOSTOR, claim=replace(CLAIM, user="carol")) is None
    assert see(window, GUARD, claim=replace(CLAIM, destination="carol")) is None
    assert see(window, GUARD, claim=replace(CLAIM, source="192.0.2.8")) is None
    assert pairs(see(window, IMPOSTOR)) == {key_of(ALICE), key_of(IMPOSTOR)}


@pytest.mark.parametrize("minutes", [5, 10])
def test_a_window_is_as_long_as_it_says(minutes: int) -> None:
    """With the two minutes of the clocks, to the second; and at most a bucket longer nothing is left in memory."""
    limits = WindowLimits(window=minutes * MINUTE)
    window = Window(limits)
    see(window, ALICE)
    assert see(window, IMPOSTOR, NOW + (minutes + 2) * MINUTE) is not None
    window = Window(limits)
    see(window, ALICE)
    assert see(window, IMPOSTOR, NOW + (minutes + 2) * MINUTE + SECOND) is None
    window = Window(limits)
    see(window, ALICE)
    see(window, GUARD, NOW + (minutes + 4) * MINUTE, replace(CLAIM, destination="carol"))
    assert len(window) == 1


@pytest.mark.parametrize("skew", [-2 * MINUTE, timedelta(0), 2 * MINUTE])
def test_gateways_with_clocks_two_minutes_apart(skew: timedelta) -> None:
    """An announcement of a clock that is ahead or behind is in the window all the same."""
    for late in (timedelta(0), 9 * MINUTE, 10 * MINUTE):
        window = Window(WindowLimits())
        window.observe(checked(ALICE, NOW + skew), "laptop", NOW)
        conflict = window.observe(checked(IMPOSTOR, NOW + late - skew), "intruder", NOW + late)
        assert pairs(conflict) == {key_of(ALICE), key_of(IMPOSTOR)}


def test_a_clock_that_goes_back_stands_still() -> None:
    """Nothing is forgotten by it, and nothing raised."""
    window = Window(WindowLimits())
    see(window, ALICE)
    assert window.observe(checked(IMPOSTOR), "intruder", NOW - 30 * MINUTE) is not None
    assert see(window, ALICE) is not None
    assert len(window) == 2


def test_a_conflict_shows_the_latest_announcement_of_each_key() -> None:
    """By their own times, in whatever order they come: what a block shows as evidence."""
    window = Window(WindowLimits())
    early, late, forged = checked(ALICE), checked(ALICE, NOW + MINUTE), checked(IMPOSTOR, NOW + 2 * MINUTE)
    window.observe(late, "laptop", NOW + MINUTE)
    window.observe(early, "laptop", NOW + MINUTE)
    conflict = window.observe(forged, "intruder", NOW + 2 * MINUTE)
    assert conflict is not None
    [genuine] = conflict.others
    assert (genuine.announcement, genuine.first_time, genuine.latest_time) == (late.digest, NOW, NOW + MINUTE)
    assert (conflict.observed.announcement, conflict.first) == (forged.digest, NOW)


def test_a_long_talk_is_history_when_the_impostor_comes() -> None:
    """Only announcements within the window are the conflicting ones: what was before counts for who talked."""
    window = Window(WindowLimits())
    for minutes in range(0, 60, 5):
        see(window, ALICE, NOW + minutes * MINUTE)
    conflict = see(window, IMPOSTOR, NOW + 60 * MINUTE)
    assert conflict is not None
    assert conflict.first == NOW + 50 * MINUTE


BY_LOG = logged(change(ALICE, ALICE_NEW))
BY_KEY = ChangeByOldKey.sign(change(ALICE, ALICE_NEW), ALICE)


@pytest.mark.parametrize("proof", [BY_KEY, BY_LOG], ids=["old key", "log"])
def test_a_key_change_is_no_conflict(proof: ChangeByOldKey) -> None:
    """Also when the old key's announcements were still on their way, and when the new one came first."""
    window = Window(WindowLimits())
    see(window, ALICE, NOW - MINUTE)
    new = checked(ALICE_NEW, NOW, key_change=proof)
    assert window.observe(new, "laptop", NOW) is None
    assert window.observe(checked(ALICE, NOW - SECOND), "laptop", NOW + MINUTE) is None
    assert see(window, ALICE_NEW, NOW + 4 * MINUTE) is None
    window = Window(WindowLimits())
    assert window.observe(new, "laptop", NOW) is None
    assert window.observe(checked(ALICE, NOW - SECOND), "laptop", NOW + MINUTE) is None


def test_an_old_key_that_goes_on_is_a_conflict() -> None:
    """Whoever took it, announces after the change: two minutes of clocks are excused, and no second more."""
    window = Window(WindowLimits())
    window.observe(checked(ALICE_NEW, NOW, key_change=BY_KEY), "laptop", NOW)
    assert see(window, ALICE, NOW + 2 * MINUTE) is None
    stolen = see(window, ALICE, NOW + 2 * MINUTE + SECOND)
    assert pairs(stolen) == {key_of(ALICE), key_of(ALICE_NEW)}
    again = window.observe(checked(ALICE_NEW, NOW + 3 * MINUTE, key_change=BY_KEY), "laptop", NOW + 3 * MINUTE)
    assert pairs(again) == {key_of(ALICE), key_of(ALICE_NEW)}  # the change is no excuse once more


def test_a_change_of_another_key_excuses_nothing() -> None:
    """An impostor changes from a key of its own to another of its own, or from the stolen old key to its own."""
    window = Window(WindowLimits())
    see(window, ALICE)
    own = ChangeByOldKey.sign(change(GUARD, IMPOSTOR), GUARD)
    assert pairs(window.observe(checked(IMPOSTOR, key_change=own), "intruder", NOW)) == {
        key_of(ALICE),
        key_of(IMPOSTOR),
    }
    window = Window(WindowLimits())
    window.observe(checked(ALICE_NEW, key_change=BY_KEY), "laptop", NOW)
    stolen = ChangeByOldKey.sign(change(ALICE, IMPOSTOR), ALICE)
    conflict = window.observe(checked(IMPOSTOR, key_change=stolen), "intruder", NOW)
    assert pairs(conflict) == {key_of(ALICE_NEW), key_of(IMPOSTOR)}


def test_a_change_that_is_over_is_not_used_again() -> None:
    """From the first key to the second, then to the third: who has the second key does not come back by its change."""
    window = Window(WindowLimits())
    window.observe(checked(ALICE_NEW, key_change=BY_KEY), "laptop", NOW)
    later = NOW + 3 * MINUTE
    third = ChangeByOldKey.sign(change(ALICE_NEW, GUARD, later), ALICE_NEW)
    assert window.observe(checked(GUARD, later, key_change=third), "laptop", later) is None
    back = window.observe(checked(ALICE_NEW, later + 3 * MINUTE, key_change=BY_KEY), "intruder", later + 3 * MINUTE)
    assert pairs(back) == {key_of(ALICE_NEW), key_of(GUARD)}


def test_many_keys_of_one_claim() -> None:
    """Each conflicts with the one that was seen first, also those for which there is no room."""
    window = Window(WindowLimits())
    keys = [Ed25519PrivateKey.from_private_bytes(bytes([20 + index]) * 32) for index in range(MAX_KEYS + 3)]
    for index, key in enumerate(keys):
        conflict = see(window, key, NOW + index * SECOND)
        assert (conflict is None) == (index == 0)
        assert conflict is None or conflict.others[0].key == key_of(keys[0])
    assert len(window) == MAX_KEYS


STEPS = st.lists(
    st.tuples(
        st.sampled_from([ALICE, IMPOSTOR, ALICE_NEW]),
        st.sampled_from(["192.0.2.7", "192.0.2.8"]),
        st.integers(0, 200),
        st.booleans(),
    ),
    max_size=8,
)


@given(STEPS)
def test_it_finds_what_a_look_at_every_pair_finds(steps: list[tuple[Ed25519PrivateKey, str, int, bool]]) -> None:
    """Every announcement of the last twelve minutes compared with every other by the rule for two."""
    window = Window(WindowLimits())
    latest: dict[tuple[Claim, bytes], CheckedAnnouncement] = {}
    changed = False
    at = NOW
    for key, source, wait, with_change in steps:
        at += wait * SECOND
        claim = replace(CLAIM, source=source)
        proof = BY_KEY if with_change and key is ALICE_NEW else None
        changed = changed or proof is not None
        announced = checked(key, at, claim, proof)
        found = window.observe(announced, "laptop", at)
        latest[claim, announced.announcement.key] = announced
        others = {
            other.announcement.key
            for other in latest.values()
            if at - other.announcement.time <= 12 * MINUTE
            and are_in_conflict(announced.announcement, other.announcement)
        }
        if not changed:  # how changes are remembered, the tests above say
            assert pairs(found) - {announced.announcement.key} == others
        else:
            assert pairs(found) - {announced.announcement.key} <= others


def test_what_two_announcements_show_by_themselves() -> None:
    """For whoever has no window: too far apart is no conflict, and neither is a change."""
    one, other = announce(ALICE).announcement, announce(IMPOSTOR).announcement
    assert are_in_conflict(one, other)
    assert not are_in_conflict(one, one)
    assert not are_in_conflict(one, replace(other, claim=replace(CLAIM, source="192.0.2.8")))
    assert are_in_conflict(one, replace(other, time=NOW + 19 * MINUTE))
    assert not are_in_conflict(one, replace(other, time=NOW + 19 * MINUTE + SECOND))
    new = announce(ALICE_NEW, key_change=BY_KEY).announcement
    assert not are_in_conflict(new, one)
    assert not are_in_conflict(one, new)
    assert are_in_conflict(replace(one, time=NOW + 3 * MINUTE), new)
    assert are_in_conflict(other, new)  # the change is from another key


def test_who_floods_is_refused_and_pushes_out_nobody() -> None:
    """It fills its own room; what others announced stays, and they go on."""
    window = Window(WindowLimits(sightings=1000, sightings_per_agent=20, reserved_per_agent=2))
    see(window, ALICE)
    for index in range(20):
        window.observe(stub(index), "flooder", NOW)
    for index in range(20, 400):
        with guarded("TOO_MANY_ANNOUNCEMENTS"):
            window.observe(stub(index), "flooder", NOW)
    assert len(window) == 21
    assert window.observe(stub(3), "flooder", NOW) is None  # what it has, it may say again
    assert pairs(see(window, IMPOSTOR, agent="intruder")) == {key_of(ALICE), key_of(IMPOSTOR)}


def test_many_flooders_leave_room_for_who_has_little() -> None:
    """The last quarter is for agents with few; together they never pass the bound."""
    window = Window(SMALL)
    refused = 0
    for index in range(100):
        try:
            window.observe(stub(index), f"flooder-{index % 5}", NOW)
        except GuardRefused:
            refused += 1
    assert (len(window), refused) == (30, 70)
    for index in range(5):
        see(window, ALICE, claim=replace(CLAIM, destination=f"c{index}"), agent=f"small-{index}")
    assert len(window) == 35
    for index in range(100, 200):
        with suppress(GuardRefused):
            window.observe(stub(index), f"late-{index}", NOW)
    assert len(window) == 40


def test_a_full_window_still_tells_conflicts() -> None:
    """Who has no room left is compared with what is there all the same: a flood hides nobody behind it."""
    window = Window(replace(SMALL, sightings_per_agent=2))
    see(window, ALICE)
    for index in range(2):
        window.observe(stub(index), "intruder", NOW)
    conflict = see(window, IMPOSTOR, agent="intruder")
    assert pairs(conflict) == {key_of(ALICE), key_of(IMPOSTOR)}
    assert len(window) == 3


def test_room_comes_back_with_time() -> None:
    """All of it: charges end with what they were for."""
    window = Window(SMALL)
    for round_ in range(5):
        at = NOW + round_ * 14 * MINUTE
        for index in range(20):
            window.observe(stub(index + 100 * round_, at=at), "laptop", at)
        assert len(window) == 20


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 3), st.integers(0, 4), st.integers(0, 400)), max_size=120))
def test_it_stays_within_its_bounds(steps: list[tuple[int, int, int, int]]) -> None:
    """Whoever announces whatever whenever: the limits hold, and what is counted is what is there."""
    window = Window(SMALL)
    at = NOW
    for index, key, agent, wait in steps:
        at += wait * SECOND
        with suppress(GuardRefused):
            window.observe(stub(index, key, at), f"agent-{agent}", at)
        stored = sum(len(entry) for bucket in window._buckets for entry in bucket.entries.values())
        assert len(window) == stored // 104 <= SMALL.sightings
        assert sum(window._charges.values()) == len(window)
        assert all(0 < count <= SMALL.sightings_per_agent for count in window._charges.values())


def test_a_sighting_takes_few_bytes() -> None:
    """So that a million of them take a third of a GiB at most."""
    window = Window(WindowLimits(sightings_per_agent=30_000))
    announced = [stub(index) for index in range(20_000)]
    tracemalloc.start()
    try:
        for each in announced:
            window.observe(each, "laptop", NOW)
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(window) == 20_000
    assert used / 20_000 < 350


@pytest.mark.parametrize(
    "limits",
    [
        {"window": 4 * MINUTE},
        {"window": 11 * MINUTE},
        {"sightings": 10},
        {"sightings_per_agent": 0},
        {"reserved_per_agent": 0},
        {"reserved_per_agent": 2000},
    ],
)
def test_limits_that_do_not_fit(limits: dict[str, object]) -> None:
    """They are refused when they are made."""
    with malformed("CLAIM_MALFORMED"):
        WindowLimits(**limits)  # type: ignore[arg-type]


def test_invalid_ones_cost_a_look_into_a_dictionary() -> None:
    """After twenty in a minute nothing of the agent is read; another agent does not notice, and the minute ends."""
    failures = Failures()
    for _ in range(MAX_FAILURES):
        failures.require_few("flooder", NOW)
        failures.failed("flooder", NOW)
    with guarded("TOO_MANY_INVALID_ANNOUNCEMENTS"):
        failures.require_few("flooder", NOW + 59 * SECOND)
    failures.require_few("laptop", NOW)
    failures.require_few("flooder", NOW + 60 * SECOND)
    for _ in range(MAX_FAILURES):
        failures.failed("flooder", NOW + 60 * SECOND)
    with guarded("TOO_MANY_INVALID_ANNOUNCEMENTS"):
        failures.require_few("flooder", NOW)  # a clock that goes back gives nobody a new minute
