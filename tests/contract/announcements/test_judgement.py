"""Histories and what is concluded from them: who was there before; and nothing where somebody lies or nobody knows."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from contract.announcements.history import Channel, Entry, History, HistoryFact, Identity
from contract.announcements.judgement import Candidate, Judgement, Rule, decide, judge
from tests.contract.announcements.examples import ALICE, ALICE_NEW, BY_OLD_KEY, IMPOSTOR, announce, key_of
from tests.contract.world import NOW
from tests.mpc.refusals import malformed

MINUTE = timedelta(minutes=1)
WEEK = timedelta(days=7)
GENUINE, FORGED = Candidate(key_of(ALICE)), Candidate(key_of(IMPOSTOR))
BOTH = (GENUINE, FORGED)


def fact(key: Ed25519PrivateKey, first: datetime = NOW - WEEK, agent: str = "laptop") -> HistoryFact:
    """That somebody used a key from then on."""
    return HistoryFact(Identity(key_of(key), Channel(agent, bytes(32), "198.51.100.4")), first, NOW, 3)


def test_the_one_who_was_there_before_is_genuine() -> None:
    """And every other key an impostor's, however many there are."""
    named = judge(BOTH, NOW, [fact(ALICE)], {"a": [fact(ALICE)], "c": []})
    assert named == Judgement(Rule.ONE_HAS_HISTORY, (key_of(ALICE),), (key_of(IMPOSTOR),))
    third = Candidate(key_of(ALICE_NEW))
    named = judge((*BOTH, third), NOW, [fact(ALICE)], {"a": [fact(ALICE)]})
    assert set(named.impostors) == {key_of(IMPOSTOR), key_of(ALICE_NEW)}


def test_what_the_conflict_itself_left_behind_is_no_history() -> None:
    """The impostor's own announcements were seen too; only what was before the first, by more than clocks differ."""
    seen = [fact(ALICE), fact(IMPOSTOR, NOW, "intruder")]
    assert judge(BOTH, NOW, seen, {"a": seen}).impostors == (key_of(IMPOSTOR),)
    just_before = [fact(ALICE), fact(IMPOSTOR, NOW - 2 * MINUTE, "intruder")]
    assert judge(BOTH, NOW, just_before, {"a": just_before}).impostors == (key_of(IMPOSTOR),)
    before = [fact(ALICE), fact(IMPOSTOR, NOW - 2 * MINUTE - timedelta(seconds=1), "intruder")]
    assert judge(BOTH, NOW, before, {"a": before}).rule is Rule.SEVERAL_HAVE_HISTORY


@pytest.mark.parametrize(
    ("receiver", "senders", "rule"),
    [
        (None, {"a": [fact(ALICE)]}, Rule.UNANSWERED),
        ([fact(ALICE)], {}, Rule.UNANSWERED),
        ([], {"a": []}, Rule.NONE_HAS_HISTORY),
        ([fact(ALICE), fact(IMPOSTOR)], {"a": [fact(ALICE)], "c": [fact(IMPOSTOR)]}, Rule.SEVERAL_HAVE_HISTORY),
    ],
)
def test_where_nobody_can_say_nobody_is_named(
    receiver: list[HistoryFact] | None, senders: dict[str, list[HistoryFact]], rule: Rule
) -> None:
    """No answer, no history, or several."""
    judgement = judge(BOTH, NOW, receiver, senders)
    assert (judgement.rule, judgement.is_determined, judgement.impostors) == (rule, False, ())


@pytest.mark.parametrize(
    ("receiver", "senders"),
    [
        pytest.param([fact(ALICE)], {"a": [fact(ALICE)], "c": [fact(IMPOSTOR)]}, id="a sender's invents history"),
        pytest.param([fact(ALICE)], {"a": [], "c": []}, id="a sender's hides history"),
        pytest.param([fact(ALICE)], {"a": [], "c": [fact(IMPOSTOR)]}, id="a sender's does both"),
        pytest.param([], {"a": [fact(ALICE)]}, id="the receiver's hides history"),
        pytest.param([fact(IMPOSTOR)], {"a": [fact(ALICE)]}, id="the receiver's turns it round"),
        pytest.param([fact(ALICE), fact(IMPOSTOR)], {"a": [fact(ALICE)]}, id="the receiver's invents history"),
    ],
)
def test_a_lying_gateway_is_contradicted(receiver: list[HistoryFact], senders: dict[str, list[HistoryFact]]) -> None:
    """By the other side's history: nobody is named, everything stays held."""
    assert judge(BOTH, NOW, receiver, senders) == Judgement(Rule.CONTRADICTED)


SIDES = list(product([set(), {ALICE}, {IMPOSTOR}, {ALICE, IMPOSTOR}], repeat=2))


@pytest.mark.parametrize(("received", "sent"), SIDES)
def test_no_single_liar_has_the_genuine_one_named(
    received: set[Ed25519PrivateKey], sent: set[Ed25519PrivateKey]
) -> None:
    """Whatever one side says: with the truth on the other, Alice is never named an impostor."""
    if received == {ALICE} or sent == {ALICE}:
        judgement = judge(BOTH, NOW, [fact(key) for key in received], {"a": [fact(key) for key in sent]})
        assert key_of(ALICE) not in judgement.impostors


def test_a_new_key_has_the_history_of_the_old_one() -> None:
    """By the proven change, and not without it."""
    changed = Candidate.of(announce(ALICE_NEW, key_change=BY_OLD_KEY).announcement)
    bare = Candidate.of(announce(ALICE_NEW).announcement)
    history = [fact(ALICE)]
    assert judge((changed, FORGED), NOW, history, {"a": history}).genuine == (key_of(ALICE_NEW),)
    assert judge((bare, FORGED), NOW, history, {"a": history}).rule is Rule.NONE_HAS_HISTORY


def test_a_person_decides_about_any_of_them() -> None:
    """One is genuine, all are, or none is."""
    alice, impostor = key_of(ALICE), key_of(IMPOSTOR)
    assert decide("root", [alice], [impostor]).is_determined
    assert decide("root", [alice, impostor], []).impostors == ()
    assert decide("root", [], [impostor, alice]).genuine == ()


@pytest.mark.parametrize(
    ("rule", "genuine", "impostors", "decider"),
    [
        (Rule.ONE_HAS_HISTORY, (), (bytes(32),), ""),
        (Rule.ONE_HAS_HISTORY, (bytes(32),), (), ""),
        (Rule.ONE_HAS_HISTORY, (bytes(32),), (b"\x01" * 32,), "root"),
        (Rule.CONTRADICTED, (), (bytes(32),), ""),
        (Rule.UNANSWERED, (bytes(32),), (), ""),
        (Rule.DECIDED_BY_PERSON, (), (), "root"),
        (Rule.DECIDED_BY_PERSON, (bytes(32),), (bytes(32),), "root"),
        (Rule.DECIDED_BY_PERSON, (bytes(32),), (), ""),
        (Rule.DECIDED_BY_PERSON, (bytes(31),), (), "root"),
        (Rule.DECIDED_BY_PERSON, (b"\x01" * 32, bytes(32)), (), "root"),
    ],
)
def test_judgements_that_contradict_themselves(
    rule: Rule, genuine: tuple[bytes, ...], impostors: tuple[bytes, ...], decider: str
) -> None:
    """Each is refused when it is made."""
    with malformed("JUDGEMENT_MALFORMED"):
        Judgement(rule, genuine, impostors, decider)


def identity(agent: str, key: int = 1) -> Identity:
    """A key on a channel of an agent."""
    return Identity(bytes([key]) * 32, Channel(agent, bytes(32), "198.51.100.4"))


def test_a_history_counts() -> None:
    """First and last time, and how often; each identity by itself."""
    history = History(10, 10)
    history.saw("alice", "bob", identity("laptop"), NOW)
    known = history.saw("alice", "bob", identity("laptop"), NOW + MINUTE)
    assert known == HistoryFact(identity("laptop"), NOW, NOW + MINUTE, 2)
    history.saw("alice", "bob", identity("intruder", 2), NOW + 2 * MINUTE)
    history.saw("alice", "carol", identity("laptop"), NOW)
    assert [each.count for each in history.facts("alice", "bob")] == [2, 1]
    assert history.facts("bob", "alice") == ()


def test_a_clock_that_goes_back_rewrites_no_history() -> None:
    """What was first stays first."""
    history = History(10, 10)
    history.saw("alice", "bob", identity("laptop"), NOW)
    again = history.saw("alice", "bob", identity("laptop"), NOW - WEEK)
    assert (again.first_time, again.last_time, again.count) == (NOW, NOW, 2)


def test_an_agent_pushes_out_its_own_history_alone() -> None:
    """It sends to thousands, under hundreds of keys: what is known of Alice stays."""
    history = History(10, 5)
    history.saw("alice", "bob", identity("laptop"), NOW)
    for index in range(1000):
        history.saw("alice", f"b{index}", identity("flooder", 2), NOW)
    assert [each.identity.channel.agent for each in history.facts("alice", "bob")] == ["laptop"]
    assert sum(len(history.facts("alice", f"b{index}")) for index in range(1000)) == 5
    assert history.facts("alice", "b999")


def test_the_agent_not_seen_for_longest_is_forgotten() -> None:
    """When there are more agents than there is room for."""
    history = History(3, 5)
    for agent in ("laptop", "second", "third", "laptop", "fourth"):
        history.saw("alice", "bob", identity(agent), NOW)
    assert {each.identity.channel.agent for each in history.facts("alice", "bob")} == {"laptop", "third", "fourth"}


SEEN = st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(1, 3), st.sampled_from(["bob", "carol"])), max_size=60)


@given(SEEN)
def test_a_history_stays_within_its_bounds(seen: list[tuple[str, int, str]]) -> None:
    """Whatever it sees; it can be saved and put back; and what was seen last is always there."""
    history, copy = History(4, 2), History(4, 2)
    for index, (agent, key, destination) in enumerate(seen):
        noted = history.saw("alice", destination, identity(agent, key), NOW + index * MINUTE)
        copy.put(Entry("alice", destination, noted))
        assert noted in history.facts("alice", destination)
    everything = [*history.facts("alice", "bob"), *history.facts("alice", "carol")]
    assert len(everything) <= 8
    assert everything == [*copy.facts("alice", "bob"), *copy.facts("alice", "carol")]
    assert sum(map(len, history._places.values())) == len(everything) == sum(map(len, history._by_agent.values()))


@pytest.mark.parametrize(
    "spoilt",
    [
        {"first_time": NOW + MINUTE},
        {"first_time": NOW.replace(microsecond=1)},
        {"count": 0},
        {"count": 1 << 63},
    ],
)
def test_facts_that_are_none(spoilt: dict[str, object]) -> None:
    """Each is refused when it is made."""
    with malformed("HISTORY_MALFORMED"):
        replace(fact(ALICE), **spoilt)  # type: ignore[arg-type]
    with malformed("HISTORY_MALFORMED"):
        History(0, 1)
