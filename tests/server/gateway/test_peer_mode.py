"""Peer mode: Bob's agent asks, gateways find out among themselves, the impostor's is put aside and the rest goes on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric import ec
from fourseal.v1 import gateway_service_pb2 as pb
from fourseal.v1.gateway_service_pb2_grpc import GatewayServiceStub

from contract.announcements.announcement import SignedAnnouncement
from contract.announcements.contents import Block
from contract.announcements.failures import MAX_FAILURES
from contract.announcements.keys import write_signer_key
from server.gateway.store.alarms import list_blocked
from server.root.gateway import Gateway
from tests.server.gateway.peers import PeerNet, open_peer_net, with_pass
from tests.server.gateway.watched import reading, until
from tests.server.harness import call
from wire.status import RemoteError

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def net(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PeerNet]:
    """Three gateways."""
    async with open_peer_net(tmp_path_factory.mktemp("peer")) as net:
        yield net


async def test_impostor_is_named(net: PeerNet) -> None:
    """Held, asked, judged, named; the genuine one's goes on in its order, the impostor's nowhere any more."""
    async with net.case() as case, reading(case.bob, after=1) as bob:
        sent = [await case.post(case.alice), await case.post(case.mallory)]
        assert await bob.take(2) == sent
        alarm = await case.ask()
        assert not alarm.of_guard
        assert alarm.status.alarm_id == case.alarm_id
        await case.until("released")
        assert await case.state() == ("released", "one-has-history")
        alarm = await case.look()
        assert list(alarm.status.genuine) == [case.alice.key]
        assert list(alarm.status.impostors) == [case.mallory.key]
        agents = {each.agent for each in alarm.impostor_channels}
        assert agents == {case.mallory.member.identity.agent_id}
        assert await case.ask() == alarm


async def test_what_is_held_goes_on_in_its_order(net: PeerNet) -> None:
    """Undetermined, for nobody has history: Bob decides, which is not taken back."""
    async with net.case(known=False) as case, reading(case.bob) as bob:
        sent = [await case.post(case.alice), await case.post(case.mallory)]
        assert await bob.take(2) == sent
        await case.ask()
        await case.until("undetermined")
        held = [await case.alice.post(case.bob.name) for _ in range(3)]
        await case.mallory.post(case.bob.name)
        await case.until_kept("held", "held", "held", "held")
        assert bob.is_empty()
        genuine, impostors = [case.alice.key], [case.mallory.key]
        with pytest.raises(RemoteError) as refused:
            await case.decide(genuine, [])
        assert refused.value.reason == "ALARM_OF_OTHER_KEYS"
        alarm = await case.decide(genuine, impostors)
        assert await bob.take(3) == held
        await case.until_kept("quarantined")
        assert (await case.state(), alarm.status.rule) == (("released", "decided-by-person"), "decided-by-person")
        assert await case.decide(genuine, impostors) == alarm
        with pytest.raises(RemoteError) as refused:
            await case.decide(impostors, genuine)
        assert refused.value.reason == "ALARM_JUDGED"


async def test_others_refuse_whom_they_find_themselves(net: PeerNet) -> None:
    """Mallory's gateway refuses key and channel; Alice's, who has never seen them, the key."""
    async with net.case() as case, reading(case.bob, after=1) as bob:
        await case.post(case.alice), await case.post(case.mallory)
        await bob.take(2)
        await case.ask()
        agent, key = case.mallory.member.identity.agent_id, case.mallory.key

        def found(gateway: Gateway) -> set[tuple[bytes, str]]:
            return {(row.key, row.agent) for row in net.refused(gateway) if row.alarm_id == case.alarm_id}

        await until(lambda: found(net.of_mallory) == {(key, ""), (b"", agent)})
        await until(lambda: found(net.of_alice) == {(key, "")})
        with pytest.raises(RemoteError) as refused:
            await case.mallory.post(case.bob.name)
        assert refused.value.reason == "CHANNEL_BLACK_LISTED"
        sent = await case.alice.post(case.bob.name)
        assert await bob.next() == sent


async def test_only_for_the_own_account(net: PeerNet) -> None:
    """Mallory can neither have Bob's traffic held, nor look at his alarm, nor decide about it."""
    async with net.case(known=False) as case, reading(case.bob) as bob:
        await case.post(case.alice), await case.post(case.mallory)
        await bob.take(2)
        for member in (case.mallory.member, case.alice.member):
            with pytest.raises(RemoteError) as refused:
                await case.ask(of=member)
            assert refused.value.reason == "ALARM_OF_OTHER_DESTINATION"
        assert not blocked(net.of_bob, case.alarm_id)
        await case.ask()
        stub = GatewayServiceStub(case.mallory.member.channel)
        for method, request in (
            (stub.GetAlarm, pb.GetAlarmRequest(alarm_id=case.alarm_id)),
            (stub.DecideAlarm, pb.DecideAlarmRequest(alarm_id=case.alarm_id, genuine=[case.mallory.key])),
        ):
            with pytest.raises(RemoteError) as refused:
                await call(with_pass(method, case.mallory.member), request)
            assert refused.value.reason == "ALARM_NOT_FOUND"
        await case.until("undetermined")
        await case.decide([case.alice.key, case.mallory.key], [])


async def test_proofs_that_do_not_hold(net: PeerNet) -> None:
    """Hold nothing: unsigned, of keys that nobody certified, of the same key, too old, of other certificates."""
    async with net.case(known=False) as case, reading(case.bob) as bob:
        await case.post(case.alice), await case.post(case.mallory)
        await bob.take(2)
        one, other = case.announced
        good = case.proof
        stranger = ec.generate_private_key(ec.SECP256R1())
        uncertified = replace(other.announcement, public_key=write_signer_key(stranger.public_key()))
        old = replace(other.announcement, time=other.announcement.time - timedelta(minutes=12))

        def of(*announced: SignedAnnouncement) -> pb.ConflictProof:
            block = Block((announced[0], announced[1]))
            return pb.ConflictProof(block_der=block.to_der(), certificates_der=good.certificates_der)

        swapped = pb.ConflictProof(block_der=good.block_der, certificates_der=good.certificates_der[::-1])
        alone = pb.ConflictProof(block_der=good.block_der, certificates_der=good.certificates_der[:1])
        for proof, reason in (
            (pb.ConflictProof(), "CONTROL_MALFORMED"),
            (alone, "CONTROL_MALFORMED"),
            (swapped, "ANNOUNCEMENT_OF_OTHER_CERTIFICATE"),
            (of(one, replace(other, signature=b"\x01" * 64)), "SIGNATURE_INVALID"),
            (of(one, SignedAnnouncement.sign(uncertified, stranger)), "ANNOUNCEMENT_OF_OTHER_CERTIFICATE"),
            (of(one, SignedAnnouncement.sign(old, case.mallory.signer.key)), "CERTIFICATE_NOT_VALID"),
        ):
            with pytest.raises(RemoteError) as refused:
                await case.ask(proof)
            assert refused.value.reason == reason
        net.clock.move(timedelta(days=1, minutes=1))
        net.show([case.bob])
        with pytest.raises(RemoteError) as refused:
            await case.ask()
        assert refused.value.reason == "ANNOUNCEMENT_TIME_WRONG"
        assert not blocked(net.of_bob, case.alarm_id)
        for _ in range(MAX_FAILURES):
            with pytest.raises(RemoteError) as refused:
                await case.ask(swapped)
        assert refused.value.reason == "TOO_MANY_INVALID_ANNOUNCEMENTS"


def blocked(gateway: Gateway, alarm_id: str) -> bool:
    """Whether a gateway holds something for an alarm."""
    return any(row[0] == alarm_id for row in gateway._frame.database.read_now(list_blocked))
