"""Gateways that lie, strangers, messages that are sent again or forged, announcements that do not hold, and floods."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import replace
from datetime import timedelta

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fourseal.v1 import guard_service_pb2 as pb

from contract.announcements.announcement import SignedAnnouncement
from contract.announcements.contents import Block, Check, Decision, Feedback, Side
from contract.announcements.control import Issuer, IssuerRole
from contract.announcements.failures import MAX_FAILURES, MAX_FAILURES_OF_GATEWAY
from contract.announcements.judgement import Judgement, Rule
from server.guard.store.orders import find_gateway
from server.identity import RevocationReason, revoke
from server.identity.store.certificates import revoke_all
from tests.server.guard.people import Case, Net, Signer, TestGateway, certify
from tests.server.guard.test_flow import listed_keys, state_of
from tests.server.harness import call
from tests.server.trusteeship.people import authority_of, reason_of
from wire.status import RemoteError

pytestmark = pytest.mark.asyncio(loop_scope="module")

MINUTE = timedelta(minutes=1)


async def judged(net: Net, case: Case) -> Rule:
    """By which rule."""
    decision = await net.bob.next(Decision, case.alarm_id)
    assert isinstance(decision.content, Decision)
    return decision.content.judgement.rule


async def test_lies_about_history_name_nobody(net: Net) -> None:
    """On either side, or on both: what one gateway says is contradicted by another, or by a certificate's age."""
    for lie in ("sender", "receiver", "both", "age"):
        case = net.case()
        forged = certify(net.server, net.clock, case.genuine.account)
        net.clock.move(30 * MINUTE)  # the forged key is old enough to have history
        case = replace(case, forged=forged)
        await net.raised(case)
        for gateway in net.gateways:
            await gateway.hold(case.alarm_id, delivers=gateway is not net.alice)
        true = case.fact(case.genuine, "alice")
        false = case.fact(forged, "mallory", net.clock() - (59 if lie == "age" else 20) * MINUTE)
        sent, received = [false] * (lie != "receiver"), [false] * (lie in {"receiver", "both", "age"})
        await net.alice.answer(await net.alice.next(Check, case.alarm_id), [true])
        await net.bob.answer(await net.bob.next(Check, case.alarm_id), [], [true])
        await net.mallory.answer(await net.mallory.next(Check, case.alarm_id), sent, received)
        assert await judged(net, case) is Rule.CONTRADICTED
        assert state_of(net, case) == "undetermined"
        assert not listed_keys(net, case)


async def test_one_gateway_alone_cannot_age_a_key(net: Net) -> None:
    """Nobody else knows of either: a key that is younger than what is told of it was not seen."""
    case = net.case()
    await net.raised(case)
    for gateway in net.gateways:
        await gateway.hold(case.alarm_id, delivers=gateway is net.mallory)
    lie = case.fact(case.forged, "mallory")
    await net.alice.answer(await net.alice.next(Check, case.alarm_id))
    await net.bob.answer(await net.bob.next(Check, case.alarm_id))
    await net.mallory.answer(await net.mallory.next(Check, case.alarm_id), [lie], [lie])
    assert await judged(net, case) is Rule.CONTRADICTED
    assert not listed_keys(net, case)


async def test_who_has_not_the_receiver_is_not_heard_as_if(net: Net) -> None:
    """What a gateway says as the receiver's counts only if it said so when it blocked."""
    case = net.case()
    await net.held(case)
    true, false = case.fact(case.genuine, "alice"), case.fact(case.forged, "mallory", net.clock())
    await net.alice.answer(await net.alice.next(Check, case.alarm_id), [true])
    await net.bob.answer(await net.bob.next(Check, case.alarm_id), [], [true])
    await net.mallory.answer(await net.mallory.next(Check, case.alarm_id), [false], [])
    assert await judged(net, case) is Rule.ONE_HAS_HISTORY


async def test_strangers(net: Net) -> None:
    """No gateway: an agent, a media server. An agent may know who the guard is, and no more."""
    stub = net.stub(net.agent.channel)
    assert (await call(stub.GetGuard, pb.GetGuardRequest())).name == "guard"
    calls: list[Awaitable[object]] = [
        call(stub.ReportAnnouncements, pb.ReportAnnouncementsRequest()),
        call(stub.AcknowledgeControl, pb.AcknowledgeControlRequest(numbers=[1])),
        call(stub.ReportHeldTraffic, pb.ReportHeldTrafficRequest()),
        call(stub.SendControl, pb.SendControlRequest()),
    ]
    for refused in calls:
        assert await reason_of(refused) == "CALLER_UNKNOWN"
    assert await reason_of(call(stub.ListAlarms, pb.ListAlarmsRequest())) == "LOGIN_REQUIRED"
    with pytest.raises(grpc.aio.AioRpcError, match="belongs to no agent"):
        await stub.WatchControl(pb.WatchControlRequest(), timeout=60.0).read()
    net.server._ground.database.write_now(lambda each: revoke(each, "somebody", net.clock()))
    assert await reason_of(call(stub.GetGuard, pb.GetGuardRequest())) == "CALLER_UNKNOWN"

    media_server = TestGateway(authority_of(net.server), net.clock, "gateway-x", media_server=True)
    async with media_server.at(net.server.serving.server) as other:
        with pytest.raises(RemoteError):  # its certificate is for no client
            await call(other.stub.GetGuard, pb.GetGuardRequest())
    nameless = TestGateway(authority_of(net.server), net.clock, "::1")
    async with nameless.at(net.server.serving.server) as other:  # messages to it could not be written
        assert await reason_of(call(other.stub.AcknowledgeControl, pb.AcknowledgeControlRequest(numbers=[1]))) == (
            "GATEWAY_NAME_UNSUITABLE"
        )
    assert await reason_of(call(net.alice.stub.ListAlarms, pb.ListAlarmsRequest())) == "CALLER_UNKNOWN"


async def test_feedback_that_is_forged_or_sent_again(net: Net) -> None:
    """By another key, in another's name, for somebody else, too old, replayed, about what nobody asked."""
    case = net.case()
    await net.held(case)
    check = await net.mallory.next(Check, case.alarm_id)
    said = Feedback(Side.SENDER, (case.fact(case.forged, "mallory", net.clock()),))
    say = net.mallory.say
    other_key = ec.generate_private_key(ec.SECP256R1())
    wrong = {
        "SIGNATURE_INVALID": say(check, said, key=other_key),
        "CONTROL_OF_OTHER_ISSUER": say(check, said, issuer=net.bob.issuer, key=net.mallory.key),
        "CONTROL_OF_OTHER_RECIPIENT": say(check, said, recipient="guard-2"),
        "CONTROL_TIME_WRONG": say(check, said, time=net.clock().replace(microsecond=0) - 6 * MINUTE),
        "ALARM_NOT_FOUND": say(replace(check, alarm="alarm-" + 32 * "0"), said),
    }
    for reason, signed in wrong.items():
        assert await reason_of(net.mallory.send(signed)) == reason
    as_guard = Issuer(IssuerRole.GUARD, "guard", net.mallory.issuer.certificate)
    claimed = say(check, Decision(Judgement(Rule.UNANSWERED), ()), issuer=as_guard)
    assert await reason_of(net.mallory.send(claimed)) == "CONTROL_OF_OTHER_ISSUER"
    good = say(check, said)
    await net.mallory.send(good)
    await net.mallory.send(good)  # the same once more: as the first time
    assert await reason_of(net.mallory.send(wrong["ALARM_NOT_FOUND"])) == "CONTROL_REPLAYED"
    assert await reason_of(net.bob.send(good)) == "CONTROL_OF_OTHER_ISSUER"
    changed = say(check, Feedback(Side.SENDER, ()))
    await net.mallory.send(changed)  # another story: the first one counts
    assert [said for name, said in net.feedbacks(case) if name == net.mallory.name] == [good.message.content]


async def test_control_messages_are_told_again_and_replayed_ones_are_known(net: Net) -> None:
    """A gateway that comes back is told anew under higher numbers; an old acknowledgement is of nothing by then."""
    case = net.case()
    await net.raised(case)
    block = await net.bob.next(Block, case.alarm_id)
    net.bob.watch()
    again = await net.bob.next(Block, case.alarm_id)
    assert again.number > block.number
    assert again.content == block.content
    await net.bob.acknowledge(block, delivers=True)
    assert state_of(net, case) == "raised"
    await net.pass_time(3 * MINUTE)  # it would be too old, so it comes anew in the same stream
    late = await net.bob.next(Block, case.alarm_id)
    assert late.number > again.number
    await net.bob.acknowledge(late, delivers=True)
    await net.alice.acknowledge(late, delivers=True)  # numbers are each gateway's own
    assert state_of(net, case) == "checking"


async def test_announcements_that_do_not_hold(net: Net) -> None:
    """Whoever has no certificate of that name holds up nobody; nor does one that was revoked, or another key's."""
    case = net.case()
    genuine = case.genuine.announce(case.destination)
    assert await net.alice.report(genuine) == [("", "")]
    stranger = Signer(case.genuine.account, Ed25519PrivateKey.generate(), case.genuine.certificate, net.clock)
    other = certify(net.server, net.clock, f"{case.genuine.account}-x")
    in_her_name = Signer(case.genuine.account, other.key, other.certificate, net.clock)
    revoked = certify(net.server, net.clock, case.genuine.account)
    net.server._ground.database.write_now(
        lambda each: revoke_all(each, case.genuine.account, net.clock(), RevocationReason.KEY_COMPROMISE)
    )
    told = await net.mallory.report(*(each.announce(case.destination) for each in (stranger, in_her_name, revoked)))
    assert told == [("ANNOUNCEMENT_OF_OTHER_CERTIFICATE", "")] * 3
    broken = SignedAnnouncement(genuine.announcement, genuine.signature[::-1])
    old = case.forged.announce(case.destination, after=-6 * MINUTE)
    early = case.forged.announce(case.destination, after=3 * MINUTE)
    told = await net.mallory.report(broken, old, early, agent="mallory-2")
    assert [reason for reason, _ in told] == ["SIGNATURE_INVALID", *2 * ["ANNOUNCEMENT_TIME_WRONG"]]
    assert await net.mallory.report(genuine, agent="No Name") == [("ANNOUNCEMENT_MALFORMED", "")]
    assert state_of(net, case) == ""


async def test_a_flood_of_invalid_ones_shuts_out_its_agent_alone(net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the first twenty nothing is looked at; who is named by another gateway is not charged."""
    case, looked_at = net.case(), list[bytes]()
    net.begin_minute()
    genuine = case.genuine.announce(case.destination)
    broken = SignedAnnouncement(genuine.announcement, genuine.signature[::-1])
    read, broken_der = SignedAnnouncement.from_der, broken.to_der()

    def counting(data: bytes) -> SignedAnnouncement:
        looked_at.extend([data] * (data == broken_der))  # the guard reads others meanwhile
        return read(data)

    monkeypatch.setattr(SignedAnnouncement, "from_der", counting)
    told = [each for _ in range(2) for each in await net.mallory.report(*100 * [broken], agent="alice")]
    assert [reason for reason, _ in told].count("SIGNATURE_INVALID") == MAX_FAILURES == len(looked_at)
    assert told[-1][0] == "TOO_MANY_INVALID_ANNOUNCEMENTS"
    assert await net.alice.report(genuine, agent="alice") == [("", "")]
    assert await net.mallory.report(case.genuine.announce(case.destination), agent="eve") == [("", "")]
    assert state_of(net, case) == ""


async def test_a_flood_in_many_names_shuts_out_its_gateway_alone(net: Net) -> None:
    """A gateway has to refuse what no key signed; what came too late, or by another clock, is not its fault."""
    case = net.case()
    net.begin_minute()
    genuine, old = (case.genuine.announce(case.destination, after=-late * MINUTE) for late in (0, 6))
    broken = SignedAnnouncement(genuine.announcement, genuine.signature[::-1])
    for number in range(MAX_FAILURES_OF_GATEWAY):
        assert await net.mallory.report(old, agent=f"late-{number}") == [("ANNOUNCEMENT_TIME_WRONG", "")]
    for number in range(MAX_FAILURES_OF_GATEWAY):
        assert await net.mallory.report(broken, agent=f"flooder-{number}") == [("SIGNATURE_INVALID", "")]
    assert await net.mallory.report(broken, genuine, agent="eve") == 2 * [("TOO_MANY_INVALID_ANNOUNCEMENTS", "")]
    assert await net.alice.report(genuine, agent="eve") == [("", "")]
    net.begin_minute()
    assert await net.mallory.report(case.genuine.announce(case.destination), agent="eve") == [("", "")]
    assert state_of(net, case) == ""


async def test_bounds(net: Net) -> None:
    """Of a report, of an acknowledgement, of a minute; of an agent at one gateway."""
    assert await reason_of(net.alice.report()) == "BATCH_SIZE_WRONG"
    case = net.case()
    one = case.genuine.announce(case.destination)
    assert await reason_of(net.alice.report(*101 * [one])) == "BATCH_SIZE_WRONG"
    request = pb.AcknowledgeControlRequest(numbers=range(1, 102))
    assert await reason_of(call(net.alice.stub.AcknowledgeControl, request)) == "BATCH_SIZE_WRONG"
    many = [case.genuine.announce(f"carol-{number}") for number in range(20)]
    told = [reason for reason, _ in await net.mallory.report(*many, agent="eager")]
    assert told == 16 * [""] + 4 * ["TOO_MANY_ANNOUNCEMENTS"]
    assert await net.alice.report(many[-1], agent="eager") == [("", "")]

    net.begin_minute()
    for _ in range(10):
        await net.mallory.report(*100 * [one], agent="loud")
    with pytest.raises(RemoteError) as refused:
        await net.mallory.report(*100 * [one], agent="loud")
    assert (refused.value.reason, refused.value.metadata["gateway"]) == ("TOO_MANY_REPORTS", "gateway-m")
    assert await net.alice.report(one) == [("", "")]


async def test_nobody_makes_alarms_without_end(net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has two certificates of its own: so many about itself, and then its announcements are passed over."""
    monkeypatch.setattr("server.guard.steps.MAX_HELD_OF_ACCOUNT", 2)
    case = net.case()
    await net.mallory.report(*(case.genuine.announce(f"carol-{each}") for each in range(3)), agent="mallory-3")
    told = await net.mallory.report(*(case.forged.announce(f"carol-{each}") for each in range(3)), agent="mallory-3")
    assert [reason for reason, _ in told] == ["", "", "TOO_MANY_ALARMS"]
    assert await net.mallory.report(case.forged.announce("dave")) == [("", "")]


async def test_what_peers_found_is_recorded_and_believed_by_nobody(net: Net) -> None:
    """A decision of a gateway's own: in the log, once; nobody is black-listed for it."""
    case = net.case()
    await net.held(case)
    check = await net.bob.next(Check, case.alarm_id)
    claimed = Decision(Judgement(Rule.ONE_HAS_HISTORY, (case.forged.fingerprint,), (case.genuine.fingerprint,)), ())
    for _ in range(2):
        await net.bob.send(net.bob.say(check, claimed))
    assert [record.kind for record in net.view(case).records if record.issuer == net.bob.name] == ["decision"]
    assert state_of(net, case) == "checking"
    assert not listed_keys(net, case)
    known = net.server._ground.database.read_now(lambda each: find_gateway(each, net.bob.name))
    assert known is not None
    assert known.taken_number == net.bob.number
