"""Peer mode against gateways that lie, are dead, or are none; beside the guard; and killed in the midst of it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from fourseal.v1 import gateway_service_pb2 as pb
from fourseal.v1.gateway_service_pb2_grpc import GatewayServiceStub

from contract.announcements.contents import Check, Content, Decision, Feedback, Side
from contract.announcements.control import ControlMessage, Issuer, IssuerRole, SignedControl
from contract.announcements.history import Channel, Entry, HistoryFact, Identity
from contract.announcements.judgement import Judgement, Rule
from contract.certificate_parts import fingerprint
from server.clock import system_clock
from server.gateway.peer import working
from server.root.gateway import Gateway
from tests.server.gateway.gateway import GatewayProcess, make_gateway_home
from tests.server.gateway.peers import PeerCase, PeerNet, open_peer_net
from tests.server.gateway.watched import WAIT_SECONDS, reading, until
from tests.server.guard.people import YEAR
from tests.server.harness import call, key_pem, query, running_server
from tests.server.relay.media import authority, identity_of
from wire import tls
from wire.limits import channel_options
from wire.status import RemoteError

if TYPE_CHECKING:  # these exist for the type checker only
    from fourseal.v1.gateway_service_pb2_grpc import GatewayServiceAsyncStub

numbers = itertools.count(1)
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def net(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PeerNet]:
    """Three gateways."""
    async with open_peer_net(tmp_path_factory.mktemp("peer")) as net:
        yield net


@dataclass
class Liar:
    """Somebody with a gateway's certificate, who says what a test wants."""

    net: PeerNet
    case: PeerCase
    name: str = "127.0.0.9"
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    certificate: x509.Certificate = field(init=False)

    def __post_init__(self) -> None:
        self.certificate = authority().issue_for_gateway(self.key.public_key(), [self.name], system_clock(), YEAR)

    def say(self, content: Content, recipient: str, **changed: object) -> ControlMessage:
        """A message about the case."""
        message = ControlMessage(
            issuer=Issuer(IssuerRole.GATEWAY, self.name, fingerprint(self.certificate)),
            recipient=recipient,
            alarm=self.case.alarm_id,
            claim=self.case.announced[-1].announcement.claim,
            number=next(numbers),
            time=self.net.clock().replace(microsecond=0),
            content=content,
        )
        return replace(message, **changed)  # type: ignore[arg-type]  # as they come

    def sign(self, message: ControlMessage) -> bytes:
        """It, signed."""
        return SignedControl.sign(message, self.key).to_der()

    def answer(self, side: Side, *facts: HistoryFact) -> pb.SignedByGateway:
        """A feedback of the liar's to itself."""
        control = self.sign(self.say(Feedback(side, facts), self.name))
        return pb.SignedByGateway(control_der=control, certificate_der=self.certificate.public_bytes(Encoding.DER))

    def channel(self, gateway: Gateway, *, agent: bool = False) -> grpc.aio.Channel:
        """A line to a gateway; as an agent, if wanted."""
        pems = key_pem(self.key), self.certificate.public_bytes(Encoding.PEM)
        if agent:
            identity = identity_of("somebody")
            pems = identity.key_pem, identity.certificate_pem
        credentials = tls.channel_credentials(authority().certificate_pem, *pems)
        return grpc.aio.secure_channel(gateway.serving.server, credentials, channel_options())

    async def check(self, gateway: Gateway, control_der: bytes, *, agent: bool = False) -> pb.SignedByGateway:
        """Ask a gateway for its history."""
        async with self.channel(gateway, agent=agent) as channel:
            stub: GatewayServiceAsyncStub = GatewayServiceStub(channel)
            request = pb.CheckHistoryRequest(control_der=control_der, proof=self.case.proof)
            return (await call(stub.CheckHistory, request)).feedback

    async def tell(self, gateway: Gateway, decision: Decision, feedbacks: Sequence[pb.SignedByGateway]) -> None:
        """Tell a gateway of a decision."""
        recipient = gateway.serving.server.rpartition(":")[0]
        async with self.channel(gateway) as channel:
            stub: GatewayServiceAsyncStub = GatewayServiceStub(channel)
            control = self.sign(self.say(decision, recipient))
            request = pb.TellDecisionRequest(control_der=control, proof=self.case.proof, feedbacks=feedbacks)
            await call(stub.TellDecision, request)


def fact(case: PeerCase, key: bytes, minutes: int, agent: str = "whoever") -> HistoryFact:
    """That a key was seen so many minutes ago."""
    time = (case.net.clock() - timedelta(minutes=minutes)).replace(microsecond=0)
    return HistoryFact(Identity(key, Channel(agent, b"\x07" * 32, "192.0.2.9")), time, time, 1)


async def both_posted(case: PeerCase, bob: object) -> None:
    """Both announce, and Bob hears of both."""
    await case.post(case.alice)
    await case.post(case.mallory)
    await bob.take(2)  # type: ignore[attr-defined]


async def test_gateway_that_has_seen_the_impostor_before(net: PeerNet) -> None:
    """Bob's own gateway knows better: then they contradict each other, and everything stays held."""
    async with net.case() as case, reading(case.bob, after=1) as bob:
        await both_posted(case, bob)
        entry = Entry(case.alice.signer.account, case.bob.name, fact(case, case.mallory.key, 5))
        net.of_mallory._watch.histories._histories[Side.SENDER].put(entry)
        await case.ask()
        await case.until("undetermined")
        assert await case.state() == ("undetermined", "contradicted")
        await case.alice.post(case.bob.name)
        await case.until_kept("held")
        assert not [row for row in net.refused(net.of_mallory) if row.alarm_id == case.alarm_id]


async def test_gateway_that_says_who_is_an_impostor(net: PeerNet) -> None:
    """Its bare word refuses nobody: neither by answers of its own alone, nor by others' that say otherwise."""
    async with net.case() as case, reading(case.bob, after=1) as bob:
        await both_posted(case, bob)
        liar = Liar(net, case)
        alice, mallory = case.alice.key, case.mallory.key
        lie = Decision(Judgement(Rule.ONE_HAS_HISTORY, (mallory,), (alice,)), ())
        old = fact(case, mallory, 3)
        seen = liar.answer(Side.RECEIVER, old)
        for gateway in (net.of_alice, net.of_mallory):
            for feedbacks in ([], [seen], [seen, liar.answer(Side.SENDER, old)]):
                await liar.tell(gateway, lie, feedbacks)
            others = await liar.check(net.of_alice, liar.sign(liar.say(Check(), "127.0.0.3")))
            await liar.tell(gateway, lie, [seen, others])
        by_person = Decision(Judgement(Rule.DECIDED_BY_PERSON, (mallory,), (alice,), "bob"), ())
        await liar.tell(net.of_alice, by_person, [seen])
        assert not [row for row in net.refused(net.of_alice) if row.alarm_id == case.alarm_id]
        sent = await case.alice.post(case.bob.name)
        assert await bob.next() == sent


async def test_messages_that_are_not_followed(net: PeerNet) -> None:
    """Of an agent, of another gateway, to another, of before, about something else, of another kind, badly signed."""
    async with net.case() as case, reading(case.bob, after=1) as bob:
        await both_posted(case, bob)
        liar, gateway, to = Liar(net, case), net.of_alice, "127.0.0.3"
        good = liar.say(Check(), to)
        answered = await liar.check(gateway, liar.sign(good))
        assert answered.certificate_der
        other = liar.say(Check(), to)
        named = replace(other.issuer, name="127.0.0.5")
        claim = replace(other.claim, source="192.0.2.99")
        decision = Decision(Judgement(Rule.NONE_HAS_HISTORY), ())
        for control, reason in (
            (liar.sign(replace(other, issuer=named)), "CONTROL_OF_OTHER_ISSUER"),
            (liar.sign(replace(other, recipient="127.0.0.4")), "CONTROL_OF_OTHER_RECIPIENT"),
            (b"no message", "CONTROL_MALFORMED"),
            (liar.sign(replace(other, content=decision)), "CONTROL_MALFORMED"),
            (liar.sign(replace(other, claim=claim)), "CONTROL_MALFORMED"),
            (liar.sign(replace(other, time=other.time - timedelta(minutes=10))), "CONTROL_TIME_WRONG"),
            (SignedControl.sign(other, ec.generate_private_key(ec.SECP256R1())).to_der(), "SIGNATURE_INVALID"),
        ):
            with pytest.raises(RemoteError) as refused:
                await liar.check(gateway, control)
            assert refused.value.reason == reason
        with pytest.raises(RemoteError) as refused:
            await liar.check(gateway, liar.sign(other), agent=True)
        assert refused.value.reason == "CALLER_UNKNOWN"
        await liar.check(gateway, liar.sign(other))
        with pytest.raises(RemoteError) as refused:
            await liar.check(gateway, liar.sign(good))
        assert refused.value.reason == "CONTROL_REPLAYED"


async def test_gateway_that_is_dead(tmp_path: Path) -> None:
    """Where its answer does not matter, judged without it; where it could, undetermined."""
    async with open_peer_net(tmp_path, gateway_answer_seconds=1) as net:
        await net.of_mallory.stop()
        net.gateways["127.0.0.5"] = net.of_alice  # by which Mallory sends
        async with net.case() as case, reading(case.bob, after=1) as bob:
            await both_posted(case, bob)
            await case.ask()
            await case.until("released")
            assert await case.state() == ("released", "one-has-history")
        async with net.case() as case, reading(case.bob, after=1) as bob:
            await both_posted(case, bob)
            await net.of_alice.stop()
            await case.ask()
            await case.until("undetermined")
            assert await case.state() == ("undetermined", "contradicted")


async def test_gateway_that_is_silent(net: PeerNet, monkeypatch: pytest.MonkeyPatch) -> None:
    """An alarm does not wait until a call about another one ends: it is judged without it in time."""
    monkeypatch.setattr(working, "_ASK_SECONDS", 0.1)
    async with net.case() as case, reading(case.bob, after=1) as bob:
        await both_posted(case, bob)
        assert net.of_bob._peer_mode is not None
        async with net.of_bob._peer_mode.worker._turns["127.0.0.5"], asyncio.timeout(WAIT_SECONDS):
            await case.ask()
            net.clock.move(timedelta(seconds=10))
            await case.until("released", "undetermined")  # the third may have been too slow, too


async def test_beside_the_guard(tmp_path: Path) -> None:
    """It deals with what it hears of; what was decided while it was away it is told of, when it is back."""
    async with open_peer_net(tmp_path, guard=True) as net:
        async with net.case() as case, reading(case.bob, after=1) as bob:
            await case.post(case.alice)
            await bob.take(1)
            await case.post(case.mallory)
            alarm = await case.ask()
            assert alarm.of_guard
            await case.until("released")
            assert (await case.look()).of_guard
            with pytest.raises(RemoteError) as refused:
                await case.decide([case.alice.key], [case.mallory.key])
            assert refused.value.reason == "ALARM_OF_GUARD"
        home, port = net.server._home, net.server.serving.server.rpartition(":")[2]
        async with net.case() as case, reading(case.bob, after=1) as bob:
            certificates = [net.certificate(each.signer.certificate) for each in (case.alice, case.mallory)]
            await net.server.stop()
            await both_posted(case, bob)
            proof = pb.ConflictProof(block_der=case.block.to_der(), certificates_der=certificates)
            assert not (await case.ask(proof)).of_guard
            await case.until("released")
            text = home.config.read_text().replace('listen = "127.0.0.1:0"', f'listen = "127.0.0.1:{port}"', 1)
            home.config.write_text(text)
            said = "SELECT kind FROM guard_records WHERE alarm_id = ? AND issuer = '127.0.0.4' AND kind <> 'feedback'"
            async with running_server(home, clock=net.clock) as net.server:
                await until(lambda: sorted(query(home, said, case.alarm_id)) == [("decision",), ("warning",)])


async def test_killed_between_block_and_unblock(tmp_path: Path) -> None:
    """It holds what it held, asks on, judges; what is decided then is released in its order."""
    async with open_peer_net(tmp_path) as net:
        peers = [net.of_alice.serving.server, net.of_mallory.serving.server, "127.0.0.9:1"]
        settings = {"gateway_peers": peers, "gateway_answer_seconds": 600}
        home = make_gateway_home(tmp_path / "killed", net.media_home, name="127.0.0.6", **settings)
        process = GatewayProcess(home)
        async with net.case(known=False, bobs=home) as case:
            async with reading(case.bob) as bob:
                await both_posted(case, bob)
                await case.ask()
                held = [await case.alice.post(case.bob.name) for _ in range(2)]
                await until(lambda: query(home, "SELECT count(*) FROM gateway_notices WHERE state = 'held'") == [(2,)])
                process.kill()
            text, port = home.config.read_text(), process.serving.server.rpartition(":")[2]
            home.config.write_text(text.replace(':0"', f':{port}"', 1).replace("= 600", "= 1"))
            again = GatewayProcess(home)
            try:
                await case.until("undetermined")
                async with reading(case.bob, after=2) as bob:
                    await case.decide([case.alice.key], [case.mallory.key])
                    assert await bob.take(2) == held
                assert await case.state() == ("released", "decided-by-person")
            finally:
                again.kill()
