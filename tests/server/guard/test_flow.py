"""From two announcements to the release: an impostor is named, or a person is asked; and what is no conflict."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fourseal.v1 import guard_service_pb2 as pb

from contract.announcements.contents import Block, Check, Decision, EarlyWarning, Unblock
from contract.announcements.control import Kind, SignedControl
from contract.announcements.judgement import Rule
from contract.certificate_parts import fingerprint
from contract.log_entry import EntryKind, LogEntry
from mpc.four_prime_rsa import Purpose
from server.guard import decide, find_alarm_view
from server.identity import ListedKind, find_listed
from server.journal.log import LogReader
from tests.server.guard.people import Case, Net, Signer, certify, numbers
from tests.server.identity.accounts.people import Person

pytestmark = pytest.mark.asyncio(loop_scope="module")

MINUTE = timedelta(minutes=1)


def state_of(net: Net, case: Case) -> str:
    """How the alarm stands."""
    view = net.server._ground.database.read_now(lambda each: find_alarm_view(each, case.alarm_id))
    return "" if view is None else view.row.alarm.state.value


def listed(net: Net, kind: ListedKind, value: str) -> bool:
    """Whether something is on the black list."""
    return bool(net.server._ground.database.read_now(lambda each: find_listed(each, kind, [value])))


def listed_keys(net: Net, case: Case) -> bool:
    """Whether either key is on the black list."""
    return any(listed(net, ListedKind.KEY, key.hex()) for key in case.keys)


async def test_the_impostor_is_named(net: Net) -> None:
    """Blocked, checked, named, told, listed, released; and all of it stands in the log."""
    case = net.case()
    await net.raised(case)
    block = await net.bob.next(Block, case.alarm_id)
    assert isinstance(block.content, Block)
    block.content.check(net.server._ground.log_key.verifier)
    assert state_of(net, case) == "raised"
    await net.bob.acknowledge(block, delivers=True)
    assert state_of(net, case) == "checking"
    await net.alice.hold(case.alarm_id)
    await net.mallory.hold(case.alarm_id)

    checks = {each.name: await each.next(Check, case.alarm_id) for each in net.gateways}
    genuine = case.fact(case.genuine, "alice")
    await net.alice.answer(checks["gateway-a"], [genuine])
    await net.bob.answer(checks["gateway-b"], [], [genuine])
    assert state_of(net, case) == "checking"
    await net.mallory.answer(checks["gateway-m"], [])
    assert state_of(net, case) == "named"

    decision = await net.bob.next(Decision, case.alarm_id)
    assert isinstance(decision.content, Decision)
    assert decision.content.judgement.rule is Rule.ONE_HAS_HISTORY
    assert decision.content.judgement.impostors == (case.forged.fingerprint,)
    for gateway in net.gateways:
        unblock = await gateway.next(Unblock, case.alarm_id)
        assert unblock.content == Unblock((case.genuine.fingerprint,), (case.forged.fingerprint,))
        if gateway is net.bob:
            assert state_of(net, case) == "named"
        await gateway.acknowledge(unblock)
    assert state_of(net, case) == "released"
    assert listed(net, ListedKind.KEY, case.forged.fingerprint.hex())
    assert not listed(net, ListedKind.KEY, case.genuine.fingerprint.hex())

    assert await net.mallory.report(case.forged.announce(case.destination)) == [("KEY_BLACK_LISTED", "")]
    assert await net.alice.report(case.genuine.announce(case.destination)) == [("", "")]
    ground = net.server._ground
    view = net.view(case)
    kinds = [record.kind for record in view.records]
    assert sorted(kinds) == sorted([Kind.BLOCK, Kind.CHECK, *4 * [Kind.FEEDBACK], Kind.DECISION, Kind.UNBLOCK])
    entries = ground.database.read_now(
        lambda each: LogReader(ground.log_key.verifier).entries(each, [record.log_index for record in view.records])
    )
    for record, der in zip(view.records, entries, strict=True):
        entry = LogEntry.from_der(der)
        assert (entry.kind, entry.body) == (EntryKind.GUARD, record.message)
        assert SignedControl.from_der(entry.body).message.alarm == case.alarm_id


async def with_pair(person: Person) -> Signer:
    """Have a pair issued, as whoever is logged in."""
    issued = (await person.get_certificates())[Purpose.SIGN]
    return Signer(person.name, person.sign_key, fingerprint(issued), person.clock)


async def test_a_stolen_login(net: Net) -> None:
    """Its thief has a pair issued, and so ends the genuine one: that counts all the same. Both accounts hear of it."""
    name = f"alice-{next(numbers)}"
    alice, thief = (Person(name, net.agent, net.clock) for _ in range(2))
    bob = Person(f"bob-{next(numbers)}", net.agent, net.clock)
    await alice.register()
    await bob.register()
    genuine, begun = await with_pair(alice), net.clock()
    net.clock.move(10 * MINUTE)
    thief.app, thief.factor_id = alice.app, alice.factor_id
    await thief.log_in()
    case = Case(genuine, await with_pair(thief), bob.name, begun)
    await net.held(case)
    fact = case.fact(genuine, "alice")
    await net.alice.answer(await net.alice.next(Check, case.alarm_id), [fact])
    await net.bob.answer(await net.bob.next(Check, case.alarm_id), [], [fact])
    await net.mallory.answer(await net.mallory.next(Check, case.alarm_id))
    assert await net.mallory.report(case.forged.announce("carol")) == [("KEY_BLACK_LISTED", "")]
    renewed = certify(net.server, net.clock, name)
    assert await net.alice.report(renewed.announce(bob.name, change=genuine), agent="alice") == [("", "")], "no alarm"

    stub = net.stub(net.agent.channel)
    for person in (alice, bob):
        (alarm,) = (await person.call(stub.ListAlarms, pb.ListAlarmsRequest())).alarms
        assert (alarm.alarm_id, alarm.user, alarm.destination) == (case.alarm_id, name, bob.name)
        assert (alarm.state, alarm.rule, list(alarm.keys)) == (pb.ALARM_STATE_NAMED, "one-has-history", case.keys)
        assert (list(alarm.genuine), list(alarm.impostors)) == ([genuine.fingerprint], [case.forged.fingerprint])
    carol = Person(f"carol-{next(numbers)}", net.agent, net.clock)
    await carol.register()
    assert not (await carol.call(stub.ListAlarms, pb.ListAlarmsRequest())).alarms


async def test_channels_of_the_impostor_are_told_and_listed(net: Net) -> None:
    """Gateways that know nothing of it get a warning; an address that others use as well is not listed."""
    for agent in ("mallory", "alice"):  # the second time both are behind one NAT
        each = net.case()
        await net.held(each)
        genuine, forged = each.fact(each.genuine, "alice"), each.fact(each.forged, agent, net.clock())
        await net.alice.answer(await net.alice.next(Check, each.alarm_id), [genuine])
        await net.bob.answer(await net.bob.next(Check, each.alarm_id), [], [genuine, forged])
        await net.mallory.answer(await net.mallory.next(Check, each.alarm_id), [forged])
        assert state_of(net, each) == "named"
        decision = await net.mallory.next(Decision, each.alarm_id)
        assert isinstance(decision.content, Decision)
        assert decision.content.impostors == (forged.identity,)
        assert listed(net, ListedKind.ADDRESS, forged.identity.channel.address) == (agent == "mallory")

    third = net.case()
    await net.held(third)
    genuine, forged = third.fact(third.genuine, "alice"), third.fact(third.forged, "eve", net.clock())
    await net.alice.answer(await net.alice.next(Check, third.alarm_id))
    await net.bob.answer(await net.bob.next(Check, third.alarm_id), [genuine, forged], [genuine])
    await net.mallory.answer(await net.mallory.next(Check, third.alarm_id))
    warning = await net.mallory.next(EarlyWarning, third.alarm_id)
    assert warning.content == EarlyWarning((forged.identity,))


async def test_undetermined_is_held_until_a_person_decides(net: Net) -> None:
    """Nobody has history. What was decided is told, is not taken back, and counts once."""
    case = net.case()
    await net.held(case)
    for gateway in net.gateways:
        check = await gateway.next(Check, case.alarm_id)
        await gateway.answer(check, [], [] if gateway is net.bob else None)
    assert state_of(net, case) == "undetermined"
    told = await net.bob.next(Decision, case.alarm_id)
    assert isinstance(told.content, Decision)
    assert told.content.judgement.rule is Rule.NONE_HAS_HISTORY
    await net.bob.acknowledge(told)
    await net.pass_time(timedelta(hours=1))
    assert state_of(net, case) == "undetermined"

    database, terms = net.server._ground.database, net.server._rules.guard.terms
    genuine, impostors = [case.genuine.fingerprint], [case.forged.fingerprint]
    for _ in range(2):
        row = database.write_now(lambda each: decide(each, terms, case.alarm_id, genuine, impostors, net.clock()))
        assert row.alarm.state.value == "decided"
    with pytest.raises(Exception, match="judged otherwise"):
        database.write_now(lambda each: decide(each, terms, case.alarm_id, impostors, genuine, net.clock()))
    await net.server._rules.guard.outbox.work()
    decision = await net.bob.next(Decision, case.alarm_id)
    assert isinstance(decision.content, Decision)
    assert (decision.content.judgement.rule, decision.content.judgement.decider) == (
        Rule.DECIDED_BY_PERSON,
        "operator",
    )
    unblock = await net.bob.next(Unblock, case.alarm_id)
    await net.bob.acknowledge(unblock)
    assert state_of(net, case) == "released"
    assert listed(net, ListedKind.KEY, case.forged.fingerprint.hex())


async def test_gateways_that_do_not_answer(net: Net) -> None:
    """The receiver is at no gateway, and one is dead: after the time for answers it goes on without them."""
    case = net.case()
    await net.raised(case)
    await net.pass_time(timedelta(seconds=11))
    assert state_of(net, case) == "raised"
    await net.alice.hold(case.alarm_id)
    await net.pass_time(timedelta(seconds=11))
    assert state_of(net, case) == "checking"
    await net.alice.answer(await net.alice.next(Check, case.alarm_id), [case.fact(case.genuine, "alice")])
    await net.pass_time(timedelta(seconds=11))
    assert state_of(net, case) == "undetermined"


async def test_the_receiver_is_at_no_gateway(net: Net) -> None:
    """When all hold, nobody is waited for; it is over when all have released."""
    case = net.case()
    await net.raised(case)
    for gateway in net.gateways:
        assert state_of(net, case) == "raised"
        await gateway.hold(case.alarm_id)
    for gateway in net.gateways:
        assert state_of(net, case) == "checking"
        await gateway.answer(await gateway.next(Check, case.alarm_id), [case.fact(case.genuine, "alice")])
    assert state_of(net, case) == "undetermined"
    database, terms = net.server._ground.database, net.server._rules.guard.terms
    database.write_now(lambda each: decide(each, terms, case.alarm_id, case.keys, [], net.clock()))
    await net.server._rules.guard.outbox.work()
    for gateway in net.gateways:
        assert state_of(net, case) == "decided"
        await gateway.acknowledge(await gateway.next(Unblock, case.alarm_id))
    assert state_of(net, case) == "released"


async def test_no_conflict(net: Net) -> None:
    """The same key again, another source, another destination, a key change, a window later."""
    case = net.case()
    assert await net.alice.report(case.genuine.announce(case.destination)) == [("", "")]
    assert await net.bob.report(case.genuine.announce(case.destination)) == [("", "")]
    assert await net.mallory.report(case.forged.announce(case.destination, source="192.0.2.8")) == [("", "")]
    assert await net.mallory.report(case.forged.announce("carol")) == [("", "")]
    new = certify(net.server, net.clock, case.genuine.account)
    assert await net.alice.report(new.announce(case.destination, change=case.genuine)) == [("", "")]
    net.clock.move(13 * MINUTE)
    assert await net.mallory.report(case.forged.announce(case.destination)) == [("", "")]


async def test_impostor_first(net: Net) -> None:
    """Who announces first gains nothing; nor does a forger with a clock of its own."""
    case = net.case()
    assert await net.mallory.report(case.forged.announce(case.destination, after=-2 * MINUTE)) == [("", "")]
    net.clock.move(5 * MINUTE)
    told = await net.bob.report(case.genuine.announce(case.destination, after=MINUTE))
    assert told == [("", case.alarm_id)]
    for gateway in net.gateways:
        await gateway.hold(case.alarm_id, delivers=gateway is net.bob)
    genuine, forged = case.fact(case.genuine, "alice"), case.fact(case.forged, "mallory", net.clock())
    await net.alice.answer(await net.alice.next(Check, case.alarm_id), [genuine])
    await net.bob.answer(await net.bob.next(Check, case.alarm_id), [], [genuine, forged])
    await net.mallory.answer(await net.mallory.next(Check, case.alarm_id), [forged])
    assert state_of(net, case) == "named"
    assert listed(net, ListedKind.KEY, case.forged.fingerprint.hex())
