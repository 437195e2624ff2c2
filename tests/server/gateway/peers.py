"""Gateways that know no guard, or one that is away; and Bob's agent, which asks his gateway to block."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from fourseal.v1 import gateway_service_pb2 as pb
from fourseal.v1.gateway_service_pb2_grpc import GatewayServiceStub
from fourseal.v1.guard_service_pb2 import AlarmState
from google.protobuf.message import Message

from contract.announcements.announcement import SignedAnnouncement
from contract.announcements.contents import Block
from contract.names import new_session_id
from server.gateway.store.alarms import RefusedRow, list_refused
from server.gateway.store.notices import list_kept
from server.identity.store.certificates import find_certificate
from server.root.application import Server
from server.root.gateway import Gateway
from server.root.home import Home
from tests.server.gateway.gateway import make_gateway_home, running_gateway
from tests.server.gateway.watched import Author, reading, until
from tests.server.guard.people import certify
from tests.server.harness import MovableClock, call, make_home, running_server
from tests.server.relay.media import Member, identity_of, make_media_home, running_media
from wire.peer import RELAY_KEY

if TYPE_CHECKING:  # these exist for the type checker only
    from fourseal.v1.gateway_service_pb2_grpc import GatewayServiceAsyncStub

NAMES: Final = ("127.0.0.3", "127.0.0.5", "127.0.0.4")
"""Alice's gateway, Mallory's, Bob's."""
_numbers = itertools.count(1)
_Response = TypeVar("_Response", bound=Message)


@dataclass
class PeerCase:
    """Alice, who has sent to Bob before or not; Mallory, who got into her login, behind another gateway; and Bob."""

    net: PeerNet
    alice: Author
    mallory: Author
    bob: Member
    announced: list[SignedAnnouncement] = field(default_factory=list)

    async def post(self, author: Author) -> str:
        """Post a letter to Bob, which announces the key."""
        letter = author.letter(self.bob.name, announced=True)
        self.announced.append(SignedAnnouncement.from_der(letter.announcements[0]))
        await author.member.post(letter.parts())
        return letter.envelope_id

    @property
    def proof(self) -> pb.ConflictProof:
        """What shows that the two keys conflict that were announced last."""
        one, other = self.announced[-2:]
        return self.net.proof(one, other)

    @property
    def block(self) -> Block:
        """Both announcements."""
        one, other = self.announced[-2:]
        return Block((one, other))

    @property
    def alarm_id(self) -> str:
        """Of the two."""
        return self.block.alarm_id

    async def ask(self, proof: pb.ConflictProof | None = None, *, of: Member | None = None) -> pb.GatewayAlarm:
        """Ask Bob's gateway to block."""
        member = of or self.bob
        stub: GatewayServiceAsyncStub = GatewayServiceStub(member.channel)
        answer = await call(with_pass(stub.AskBlock, member), pb.AskBlockRequest(proof=proof or self.proof))
        return answer.alarm

    async def look(self) -> pb.GatewayAlarm:
        """How the alarm stands."""
        stub: GatewayServiceAsyncStub = GatewayServiceStub(self.bob.channel)
        answer = await call(with_pass(stub.GetAlarm, self.bob), pb.GetAlarmRequest(alarm_id=self.alarm_id))
        return answer.alarm

    async def state(self) -> tuple[str, str]:
        """How it stands, and by which rule."""
        status = (await self.look()).status
        return AlarmState.Name(status.state).removeprefix("ALARM_STATE_").lower(), status.rule

    async def until(self, *states: str) -> None:
        """Wait until it stands so."""
        while (await self.state())[0] not in states:
            pass

    async def decide(self, genuine: Sequence[bytes], impostors: Sequence[bytes]) -> pb.GatewayAlarm:
        """Decide as Bob."""
        stub: GatewayServiceAsyncStub = GatewayServiceStub(self.bob.channel)
        request = pb.DecideAlarmRequest(alarm_id=self.alarm_id, genuine=genuine, impostors=impostors)
        answer = await call(with_pass(stub.DecideAlarm, self.bob), request)
        return answer.alarm

    def kept(self) -> list[str]:
        """States of what Bob's gateway has of it."""
        database = self.net.of_bob._frame.database
        return [row.state.value for row in database.read_now(list_kept) if row.recipient == self.bob.name]

    async def until_kept(self, *states: str) -> None:
        """Wait until Bob's gateway has these."""
        await until(lambda: sorted(self.kept()) == sorted(states))


@dataclass
class PeerNet:
    """All that runs."""

    media_home: Home
    server: Server
    clock: MovableClock
    gateways: dict[str, Gateway]

    @property
    def of_alice(self) -> Gateway:
        """Alice's gateway."""
        return self.gateways[NAMES[0]]

    @property
    def of_mallory(self) -> Gateway:
        """Mallory's."""
        return self.gateways[NAMES[1]]

    @property
    def of_bob(self) -> Gateway:
        """Bob's."""
        return self.gateways[NAMES[2]]

    def refused(self, gateway: Gateway) -> list[RefusedRow]:
        """Whom a gateway refuses."""
        return gateway._frame.database.read_now(list_refused)

    def proof(self, *announced: SignedAnnouncement) -> pb.ConflictProof:
        """What shows that two keys conflict, with their certificates."""
        one, other = announced
        return pb.ConflictProof(
            block_der=Block((one, other)).to_der(),
            certificates_der=[self.certificate(each.announcement.certificate) for each in announced],
        )

    def certificate(self, fingerprint: bytes) -> bytes:
        """A certificate, DER."""
        found = self.server._ground.database.read_now(lambda each: find_certificate(each, fingerprint))
        assert found is not None
        return found.certificate

    @asynccontextmanager
    async def case(self, *, known: bool = True, bobs: Home | None = None) -> AsyncIterator[PeerCase]:
        """Accounts that no other test has. Known: Alice has sent to Bob half an hour ago."""
        number = next(_numbers)
        alice, bob = f"alice-{number}", f"bob-{number}"
        session, sequence = new_session_id(number.to_bytes), itertools.count(1)
        homes = [self.of_alice._frame.home, self.of_mallory._frame.home, bobs or self.of_bob._frame.home]
        agents = [(alice, f"a-{number}"), (alice, f"m-{number}"), (bob, f"b-{number}")]
        async with AsyncExitStack() as stack:
            members = [
                await stack.enter_async_context(Member(home, name, session, (alice, bob), identity_of(agent)))
                for home, (name, agent) in zip(homes, agents, strict=True)
            ]
            genuine = Author(members[0], certify(self.server, self.clock, alice), sequence)
            case = PeerCase(self, genuine, genuine, members[2])
            self.show(members)
            if known:
                envelope_id = await case.post(genuine)
                async with reading(case.bob) as bob_reads:
                    assert await bob_reads.next() == envelope_id
                await case.bob.acknowledge(envelope_id)
                self.clock.move(timedelta(minutes=30))
                self.show(members)
            case.mallory = Author(members[1], certify(self.server, self.clock, alice), sequence)
            yield case

    def show(self, members: Sequence[Member]) -> None:
        """Give members passes of now."""
        for member in members:
            member.pass_der = member.make_pass_at(self.clock())


def with_pass(method: Callable[..., Awaitable[_Response]], member: Member) -> Callable[..., Awaitable[_Response]]:
    """A method of an agent's, with its pass."""

    def called(request: object, *, timeout: float) -> Awaitable[_Response]:  # gRPC's
        return method(request, timeout=timeout, metadata=((RELAY_KEY, member.pass_der),))

    return called


@asynccontextmanager
async def open_peer_net(folder: Path, *, guard: bool = False, **settings: object) -> AsyncIterator[PeerNet]:
    """A media server and three gateways, with a guard or without; ``settings`` are Bob's, which asks the others."""
    clock = MovableClock()
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(running_server(make_home(folder / "server"), clock=clock))
        media_home = make_media_home(folder / "media")
        await stack.enter_async_context(running_media(media_home, clock=clock))
        gateways = dict[str, Gateway]()
        for name in NAMES:
            peers = [gateway.serving.server for gateway in gateways.values()]
            chosen = {"gateway_peers": peers} | settings if name == NAMES[-1] else {}
            if guard:
                chosen["guard_address"] = server.serving.server
            home = make_gateway_home(folder / name, media_home, name=name, **chosen)
            gateways[name] = await stack.enter_async_context(running_gateway(home, clock=clock))
            if guard:
                await until(partial(_knows_guard, gateways[name]))
        yield PeerNet(media_home, server, clock, gateways)


def _knows_guard(gateway: Gateway) -> bool:
    return gateway._watch.line.guard is not None
