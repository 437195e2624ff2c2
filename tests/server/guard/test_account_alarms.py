"""Alarms of clone detection, and of two certificates for one name: raised with what they are about, then decided."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any

import pytest
from fourseal.v1 import certificate_service_pb2 as certificate_pb
from fourseal.v1 import lease_service_pb2
from fourseal.v1.lease_service_pb2_grpc import LeaseServiceStub

from contract.announcements.account_alarm import AccountAlarm
from contract.announcements.announcement import SignedAnnouncement
from contract.announcements.contents import Check
from contract.announcements.key_change import ChangeByOldKey, KeyChange
from contract.announcements.keys import write_signer_key
from contract.log_entry import EntryKind, LogEntry
from contract.signer_keys import sign_alone
from mpc.errors import FoursealError
from server.guard import account_alarms, decide_key_change
from server.guard.store.entries import GuardEntryKind, list_about
from server.journal.log import LogReader
from tests.server.guard.people import Case, Net, Signer, numbers
from tests.server.guard.test_flow import MINUTE, state_of, with_pair
from tests.server.guard.test_key_changes import OFFICE
from tests.server.guard.test_operator import answer, findings, run, tamper
from tests.server.harness import Client, call, enrolled
from tests.server.identity.accounts.people import Person
from wire.catalogue import ServiceError
from wire.ids import new_request_id
from wire.status import RemoteError

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def registered(net: Net, client: Client | None = None) -> Person:
    """Somebody with an account of its own."""
    person = Person(f"alice-{next(numbers)}", client or net.agent, net.clock)
    await person.register()
    return person


async def renewed(net: Net, person: Person) -> Signer:
    """Somebody in the same login has another pair issued, a minute later."""
    net.clock.move(MINUTE)
    return await with_pair(Person(person.name, person.client, net.clock, token=person.token))


async def alarms_of(net: Net, account: str, *arguments: str) -> list[dict[str, Any]]:
    """As the command lists them, the newest in front."""
    listed = (await answer(net, "alarms", *arguments))["alarms"]
    return [each for each in listed if each["user"] == account]


def keys_of(*signers: Signer) -> list[str]:
    """In hex, rising."""
    return sorted(each.fingerprint.hex() for each in signers)


def logged(net: Net, alarm_id: str) -> list[AccountAlarm]:
    """What the log says of an alarm."""
    read, reader = net.server._ground.database.read_now, LogReader(net.server._ground.log_key.verifier)
    kept = read(lambda each: list_about(each, GuardEntryKind.ACCOUNT_ALARM, [alarm_id]))
    found = read(lambda each: reader.entries(each, [row.log_index for row in kept]))
    entries = list(map(LogEntry.from_der, found))
    assert {entry.kind for entry in entries} == {EntryKind.GUARD}
    return [AccountAlarm.from_der(entry.body) for entry in entries]


async def take(client: Client, baton: bytes) -> bytes:
    """Take a lease; the next baton."""
    request = lease_service_pb2.TakeLeaseRequest(request_id=new_request_id(), baton=baton)
    return (await call(LeaseServiceStub(client.channel).TakeLease, request)).next_baton


async def test_a_copied_key_store_is_an_alarm_about_who_logged_in_there(net: Net) -> None:
    """One alarm, however often the copies come; who decides may put the key on the black list, and only once."""
    async with await enrolled(net.home, net.server, "laptop") as laptop:
        alice = await registered(net, laptop)
        signer = await with_pair(alice)
        baton = await take(laptop, b"")
        await take(laptop, baton)
        for _ in range(2):
            with pytest.raises(RemoteError) as refused:
                await take(laptop, baton)
            assert refused.value.reason == "CLONE_FOUND"
    (alarm,) = await alarms_of(net, alice.name, "--open")
    assert (alarm["cause"], alarm["state"], alarm["held"], alarm["agent"]) == ("clone", "open", False, "laptop")
    assert (await answer(net, "status"))["open_about_accounts"] >= 1
    shown = await answer(net, "alarms", alarm["alarm_id"])
    assert shown["keys"] == [{"key": signer.fingerprint.hex(), "is": ""}]
    for arguments in (["alarms"], ["alarms", alarm["alarm_id"]]):
        assert "clone" in (await run(net, *arguments)).stdout
    assert await net.alice.report(signer.announce("bob")) == [("", "")]

    key = signer.fingerprint.hex()
    for wrong in ([], ["--impostor", "00"]):
        assert (await run(net, "decide", alarm["alarm_id"], *wrong)).exit_code == 1
    for _ in range(2):
        decided = await answer(net, "decide", alarm["alarm_id"], "--impostor", key[:10])
        assert (decided["state"], decided["decider"], decided["impostors"]) == ("decided", "operator", [key])
    other = await run(net, "decide", alarm["alarm_id"], "--genuine", key)
    assert getattr(other.exception, "reason", None) == "ALARM_JUDGED"
    assert await net.alice.report(signer.announce("bob")) == [("KEY_BLACK_LISTED", "")]
    assert [each.state for each in logged(net, alarm["alarm_id"])] == ["open", "decided"]
    assert not await alarms_of(net, alice.name, "--open")


async def test_an_agent_at_which_nobody_logged_in(net: Net) -> None:
    """The alarm is about nobody's keys, and a person closes it all the same."""
    async with await enrolled(net.home, net.server, "spare") as spare:
        baton = await take(spare, b"")
        await take(spare, baton)
        with pytest.raises(RemoteError):
            await take(spare, baton)
    (alarm,) = [each for each in (await answer(net, "alarms", "--open"))["alarms"] if each.get("agent") == "spare"]
    assert alarm["user"] is None
    assert (await answer(net, "decide", alarm["alarm_id"]))["state"] == "decided"


async def test_a_second_certificate_for_one_name(net: Net) -> None:
    """Whoever is in the login makes the alarm, before it has sent anything; the judgement of a conflict decides it."""
    alice = await registered(net)
    genuine, begun = await with_pair(alice), net.clock()
    assert not await alarms_of(net, alice.name)
    net.clock.move(30 * MINUTE)
    await alice.log_in()
    thief = await renewed(net, alice)
    (alarm,) = await alarms_of(net, alice.name, "--open")
    assert (alarm["cause"], alarm["agent"]) == ("second-certificate", "somebody")
    shown = await answer(net, "alarms", alarm["alarm_id"])
    assert [each["key"] for each in shown["keys"]] == keys_of(genuine, thief)

    plain = thief.announce("bob").announcement
    change = KeyChange(alice.name, genuine.fingerprint, thief.fingerprint, thief.certificate, plain.time)
    proof = ChangeByOldKey(change, write_signer_key(genuine.key.public_key()), sign_alone(thief.key, change.to_der()))
    forged = SignedAnnouncement.sign(replace(plain, key_change=proof), thief.key)
    assert await net.mallory.report(forged) == [("KEY_CHANGE_UNPROVEN", "")]
    assert (await alarms_of(net, alice.name, "--open"))[0]["state"] == "open"
    case = Case(genuine, thief, "bob", begun)
    await net.held(case)
    fact = case.fact(genuine, "alice")
    await net.alice.answer(await net.alice.next(Check, case.alarm_id), [fact])
    await net.bob.answer(await net.bob.next(Check, case.alarm_id), [], [fact])
    assert (await alarms_of(net, alice.name, "--open"))[0]["alarm_id"] == case.alarm_id
    await net.mallory.answer(await net.mallory.next(Check, case.alarm_id))
    assert state_of(net, case) == "named"
    await net.server._rules.guard.outbox.work()
    raised, ended = logged(net, alarm["alarm_id"])
    assert raised.alarm_id == ended.alarm_id == alarm["alarm_id"]
    assert (ended.genuine, ended.impostors, ended.decider) == ((genuine.fingerprint,), (thief.fingerprint,), "guard")


async def test_a_renewal_is_proven_by_the_old_key_or_decided_by_an_officer(net: Net) -> None:
    """Then no person is asked, but about keys in between. Who is in the login, and revokes first, escapes nothing."""
    alice, carol, dave, erin = [await registered(net) for _ in range(4)]
    pairs = {each.name: (await with_pair(each), await renewed(net, each)) for each in (alice, carol)}
    old, new = pairs[alice.name]
    assert len(await alarms_of(net, alice.name, "--open")) == 1
    assert await net.alice.report(new.announce("bob", change=old)) == [("", "")]
    old, new = pairs[carol.name]
    begins = old.fingerprint.hex(), new.fingerprint.hex()
    write = net.server._ground.database.write_now
    write(lambda each: decide_key_change(each, OFFICE, carol.name, *begins, "dora", net.clock()))
    for person in (alice, carol):
        (alarm,) = await alarms_of(net, person.name)
        assert (alarm["state"], alarm["decider"]) == ("proven", None)
        assert [each.state for each in logged(net, alarm["alarm_id"])] == ["open", "proven"]

    first = await with_pair(erin)
    await renewed(net, erin)  # by a thief
    last = await renewed(net, erin)
    assert await net.alice.report(last.announce("bob", change=first)) == [("", "")]
    assert len(await alarms_of(net, erin.name, "--open")) == 2

    await with_pair(dave)
    revocation = certificate_pb.RevokeSignerCertificatesRequest(
        request_id=new_request_id(), reason=certificate_pb.REVOCATION_REASON_KEY_COMPROMISE
    )
    await dave.call(dave.certificates.RevokeSignerCertificates, revocation)
    await renewed(net, dave)
    assert len(await alarms_of(net, dave.name, "--open")) == 1


async def test_no_certificate_without_its_alarm(net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever fails between the two: neither is there, and the next try makes both."""
    alice = await registered(net)
    await with_pair(alice)

    def fail(*_: object) -> None:
        raise ServiceError("STORAGE_UNAVAILABLE")

    with monkeypatch.context() as patch:
        patch.setattr(account_alarms, "add_entry", fail)
        with contextlib.suppress(FoursealError):
            await renewed(net, alice)
    count = "SELECT count(*) FROM signer_certificates WHERE account = ?"
    assert net.server._ground.database.read_now(lambda each: each.exec_driver_sql(count, (alice.name,)).scalar()) == 2
    assert not await alarms_of(net, alice.name)
    await renewed(net, alice)
    assert len(await alarms_of(net, alice.name)) == 1


async def test_pages_and_what_was_changed_in_the_tables(net: Net) -> None:
    """Both sorts of alarms come in one order, page by page; a state that the log does not know is found."""
    alice = await registered(net)
    await with_pair(alice)
    await renewed(net, alice)
    await net.raised(net.case())
    (alarm,) = await alarms_of(net, alice.name)
    whole = [each["alarm_id"] for each in (await answer(net, "alarms"))["alarms"]]
    assert alarm["alarm_id"] in whole[:3]
    found, token = list[str](), ""
    while not found or token:
        page = await answer(net, "alarms", "--page-size", "2", "--page-token", token)
        found, token = found + [each["alarm_id"] for each in page["alarms"]], page["next_page_token"]
    assert found == whole

    assert findings(net) == "[]"
    renamed = "UPDATE guard_account_alarms SET alarm_id = iif(alarm_id = ?1, 'x', ?1) WHERE alarm_id IN (?1, 'x')"
    closed = "UPDATE guard_account_alarms SET state = iif(state = 'open', 'proven', 'open') WHERE alarm_id = ?"
    for there_and_back in (renamed, closed):
        tamper(net, there_and_back, alarm["alarm_id"])
        assert alarm["alarm_id"] in findings(net)
        tamper(net, there_and_back, alarm["alarm_id"])
        assert findings(net) == "[]"
