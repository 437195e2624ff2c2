"""Key changes that an officer decides are no alarm; and nobody is excused for whom no officer decided."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from typer.testing import CliRunner, Result

from contract.announcements.contents import Check, Unblock
from contract.announcements.judgement import Rule
from contract.announcements.key_change import KeyChange
from contract.log_entry import EntryKind, LogEntry
from server.cli.main import app
from server.errors import OperatorError
from server.guard import decide_key_change
from server.guard.store.entries import GuardEntryKind, list_about
from server.identity import ListedKind, list_events, put_on_list
from server.journal.log import LogReader
from server.registration import Office
from tests.server.guard.people import YEAR, Case, Net, Signer, certify
from tests.server.guard.test_flow import MINUTE, listed_keys, state_of
from tests.server.guard.test_operator import findings, tamper

pytestmark = pytest.mark.asyncio(loop_scope="module")

OFFICE = Office(frozenset({"dora"}), 1, YEAR)


def decide(net: Net, old: Signer, new: Signer, account: str = "", officer: str = "dora") -> KeyChange:
    """As an officer, by the guard's clock."""
    return net.server._ground.database.write_now(
        lambda each: decide_key_change(
            *(each, OFFICE, account or new.account, old.fingerprint.hex()[:12], new.fingerprint.hex(), officer),
            net.clock(),
        )
    )


async def test_no_alarm_when_an_officer_decided(net: Net) -> None:
    """Old and new key within the window, the decision before or after either; also by another process's window."""
    cases = net.case(), net.case()
    for case in cases:
        old, new = (each.announce(case.destination) for each in (case.genuine, case.forged))
        assert await net.alice.report(old if case is cases[0] else new) == [("", "")]
        decide(net, case.genuine, case.forged)
        for announcement in (old, new, old):
            assert await net.alice.report(announcement) == [("", "")]
    reports = net.server._rules.guard.reports
    kept, reports._window = reports._window, type(reports._window)(net.server._rules.guard.terms.window)
    own, reports._keeper = reports._keeper, b"another process "
    late = cases[0].genuine.announce(cases[0].destination)
    assert await net.alice.report(late) == [("", "")]
    reports._window, reports._keeper = kept, own
    assert [state_of(net, case) for case in cases] == ["", ""]


async def test_two_renewals_within_minutes(net: Net) -> None:
    """The guard has seen the first key alone: the third raises no alarm with both changes, and one with the last."""
    told, untold = net.case(), net.case()
    for case in (told, untold):
        first, second = case.genuine, case.forged
        third = certify(net.server, net.clock, first.account)
        assert await net.alice.report(first.announce(case.destination)) == [("", "")]
        earlier = (second.taking_the_place_of(first),) if case is told else ()
        announcement = third.announce(case.destination, change=second, earlier=earlier)
        ((reason, alarm_id),) = await net.alice.report(announcement)
        assert (reason, bool(alarm_id)) == ("", case is untold)
    forged = replace(told.forged.taking_the_place_of(told.genuine), signature=b"\x01" * 64)
    of_forged = certify(net.server, net.clock, told.genuine.account)
    announcement = of_forged.announce(told.destination, change=told.forged, earlier=(forged,))
    assert await net.alice.report(announcement) == [("KEY_CHANGE_UNPROVEN", "")]


async def test_the_old_key_is_excused_for_minutes_alone(net: Net) -> None:
    """Who uses it later has found it, or stolen it."""
    case = net.case()
    decide(net, case.genuine, case.forged)
    assert await net.alice.report(case.forged.announce(case.destination)) == [("", "")]
    net.clock.move(3 * MINUTE)
    assert await net.mallory.report(case.genuine.announce(case.destination)) == [("", case.alarm_id)]


async def judged(net: Net, case: Case, seen: Signer) -> Rule:
    """By which rule, where Alice's and Bob's gateways have seen a key before, and Mallory's nothing."""
    for gateway in net.gateways:
        await gateway.hold(case.alarm_id, delivers=gateway is net.bob)
    fact = case.fact(seen, "alice")
    await net.alice.answer(await net.alice.next(Check, case.alarm_id), [fact])
    await net.bob.answer(await net.bob.next(Check, case.alarm_id), [], [fact])
    await net.mallory.answer(await net.mallory.next(Check, case.alarm_id))
    judgement = net.view(case).row.alarm.judgement
    assert judgement is not None
    return judgement.rule


async def test_who_is_in_the_login_is_not_excused(net: Net) -> None:
    """A thief has a pair issued after the change that was decided: the old key's history is the new key's, not its."""
    before = net.case()
    new = certify(net.server, net.clock, before.genuine.account)
    decide(net, before.genuine, new)
    thief = certify(net.server, net.clock, before.genuine.account)
    case = Case(new, thief, before.destination, before.begun)
    await net.raised(case)
    assert await judged(net, case, before.genuine) is Rule.ONE_HAS_HISTORY
    for gateway in net.gateways:
        unblock = await gateway.next(Unblock, case.alarm_id)
        assert unblock.content == Unblock((new.fingerprint,), (thief.fingerprint,))
        await gateway.acknowledge(unblock)


async def test_decided_while_it_is_held(net: Net) -> None:
    """It names nobody then: both have history, and a person says that both are genuine."""
    case = net.case()
    await net.raised(case)
    decide(net, case.genuine, case.forged)
    assert await judged(net, case, case.genuine) is Rule.SEVERAL_HAVE_HISTORY
    assert not listed_keys(net, case)


async def test_what_no_officer_can_decide(net: Net) -> None:
    """Strangers, keys of others, of nobody, that hold yet or no more, listed ones, and a second change to one key."""
    case, other = net.case(), net.case()
    old, new = case.genuine, case.forged
    refused: dict[str, Callable[[], KeyChange]] = {
        "mallory is no officer": lambda: decide(net, old, new, officer="mallory"),
        "its own place": lambda: decide(net, new, new),
        "old key's certificate holds": lambda: decide(net, new, old),
        "not exactly one key": lambda: decide(net, old, new, account=other.genuine.account),
        f"{old.account} has not exactly one key": lambda: decide(net, other.genuine, new),
    }
    for problem, each in refused.items():
        with pytest.raises(OperatorError, match=problem):
            each()
    net.clock.move(2 * YEAR)
    with pytest.raises(OperatorError, match="holds no more"):
        decide(net, old, new)
    net.clock.move(-2 * YEAR)
    write = net.server._ground.database.write_now
    write(lambda each: put_on_list(each, ListedKind.KEY, other.genuine.fingerprint.hex(), "a test", net.clock()))
    with pytest.raises(OperatorError, match="black list"):
        decide(net, other.genuine, other.forged)

    change = decide(net, old, new)
    net.clock.move(MINUTE)
    assert decide(net, old, new) == change
    third = certify(net.server, net.clock, old.account)
    with pytest.raises(OperatorError, match="another's place"):
        decide(net, third, new)
    read = net.server._ground.database.read_now
    (kept,) = read(lambda each: list_about(each, GuardEntryKind.KEY_CHANGE, [new.fingerprint.hex()]))
    (der,) = read(lambda each: LogReader(net.server._ground.log_key.verifier).entries(each, [kept.log_index]))
    entry = LogEntry.from_der(der)
    assert (entry.kind, KeyChange.from_der(entry.body)) == (EntryKind.GUARD, change)
    (event,) = read(lambda each: list_events(each, after=0, limit=100, account=old.account))
    assert event.event == "key_change_decided"
    assert event.detail.endswith("by officer dora")


async def run(net: Net, *arguments: str) -> Result:
    """Run the command beside the server."""
    given = ["ra", "key-change", *arguments, "--home", str(net.home.folder), "--json"]
    return await asyncio.to_thread(CliRunner().invoke, app, given)


async def test_the_command(net: Net) -> None:
    """It writes beside a server that runs; and what somebody changed in the tables is found."""
    net.home.config.write_text(net.home.config.read_text() + 'registration_officers = ["dora"]\n')
    case = net.case()
    old, new = case.genuine.fingerprint.hex(), case.forged.fingerprint.hex()
    which = ["--account", case.genuine.account, "--officer", "dora"]
    assert isinstance((await run(net, *which, "--from", "", "--to", new)).exception, OperatorError)
    found = json.loads((await run(net, *which, "--from", old[:10], "--to", new[:10])).stdout)
    assert (found["old_key"], found["new_key"]) == (old, new)
    assert findings(net) == "[]"
    moved = "UPDATE guard_entries SET log_index = -1 - log_index WHERE name = ?"
    renamed = (
        "UPDATE guard_entries SET name = iif(name LIKE 'x%', substr(name, 2), 'x' || name) WHERE name LIKE '%' || ?"
    )
    for there_and_back in (moved, renamed):
        tamper(net, there_and_back, new)
        assert "row" in findings(net)
        tamper(net, there_and_back, new)
        assert findings(net) == "[]"
