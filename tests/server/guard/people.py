"""Gateways, signers and somebody who signs as one of them, before a guard that runs in this process."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Self

import grpc
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from fourseal.v1 import guard_service_pb2 as pb
from fourseal.v1.guard_service_pb2_grpc import GuardServiceStub

from contract.announcements.announcement import Announcement, SignedAnnouncement
from contract.announcements.claim import Claim
from contract.announcements.contents import Block, Content, Feedback, Side
from contract.announcements.control import (
    MAX_AGE,
    ControlMessage,
    Issuer,
    IssuerRole,
    Kind,
    LastSeen,
    SignedControl,
    require_fresh,
)
from contract.announcements.history import Channel, HistoryFact, Identity
from contract.announcements.key_change import ChangeByOldKey, KeyChange
from contract.announcements.keys import fingerprint_of, write_signer_key
from contract.certificate_parts import fingerprint
from contract.guard_certificate import read_guard_certificate
from contract.signer_keys import SignerPrivateKey
from mpc.four_prime_rsa import Purpose
from server.clock import system_clock
from server.guard import AlarmView, find_alarm_view
from server.identity import Authority, IssuedCertificate, RevocationReason
from server.identity.store.certificates import add_certificate, revoke_all
from server.root.application import Server
from server.root.home import Home
from tests.server.harness import CALL_SECONDS, Client, MovableClock, call, key_pem
from tests.server.trusteeship.people import authority_of
from wire import tls

if TYPE_CHECKING:  # these exist for the type checker only
    from fourseal.v1.guard_service_pb2_grpc import GuardServiceAsyncStub

SOURCE: Final = "192.0.2.7"
SESSION: Final = "session-" + "a" * 26
YEAR: Final = timedelta(days=365)
numbers = itertools.count(1)


@dataclass(frozen=True)
class Signer:
    """An account with a certified key."""

    account: str
    key: SignerPrivateKey
    certificate: bytes
    clock: MovableClock

    @property
    def fingerprint(self) -> bytes:
        """Of the key."""
        return fingerprint_of(write_signer_key(self.key.public_key()))

    def taking_the_place_of(self, old: Signer, time: datetime | None = None) -> ChangeByOldKey:
        """That the key took another's place, now or then, signed by that one."""
        when = (time or self.clock()).replace(microsecond=0)
        changed = KeyChange(self.account, old.fingerprint, self.fingerprint, self.certificate, when)
        return ChangeByOldKey.sign(changed, old.key)

    def announce(
        self,
        destination: str,
        *,
        after: timedelta = timedelta(0),
        source: str = SOURCE,
        change: Signer | None = None,
        earlier: tuple[ChangeByOldKey, ...] = (),
    ) -> SignedAnnouncement:
        """Announce the key now, or ``after`` that by this signer's clock; by ``change`` it took that one's place."""
        time = (self.clock() + after).replace(microsecond=0)
        proof = None if change is None else self.taking_the_place_of(change, time)
        public_key = write_signer_key(self.key.public_key())
        claim = Claim(source, self.account, destination)
        announcement = Announcement(claim, self.certificate, public_key, SESSION, b"\x05" * 32, time, proof, earlier)
        return SignedAnnouncement.sign(announcement, self.key)


def certify(server: Server, clock: MovableClock, account: str, key: SignerPrivateKey | None = None) -> Signer:
    """Have a key certified for an account; that supersedes the one before, as it does for whoever is logged in."""
    made, now = key or Ed25519PrivateKey.generate(), clock()
    issued = authority_of(server).issue_signer_certificate(account, account, Purpose.SIGN, made.public_key(), now, YEAR)
    key_sha256 = fingerprint_of(write_signer_key(made.public_key()))
    der = issued.public_bytes(Encoding.DER)
    row = IssuedCertificate(
        fingerprint=fingerprint(issued),
        account=account,
        purpose=Purpose.SIGN,
        serial_number=issued.serial_number,
        key_sha256=key_sha256,
        is_half=False,
        certificate=der,
        create_time=now,
        expire_time=now + YEAR,
    )
    database = server._ground.database
    database.write_now(lambda each: revoke_all(each, account, now, RevocationReason.SUPERSEDED))
    database.write_now(lambda each: add_certificate(each, row))
    return Signer(account, made, row.fingerprint, clock)


@dataclass(frozen=True)
class Case:
    """Somebody who sends to somebody, and another who got into that login."""

    genuine: Signer
    forged: Signer
    destination: str
    begun: datetime
    """When the genuine one sent first."""

    @property
    def keys(self) -> list[bytes]:
        """Both."""
        return sorted((self.genuine.fingerprint, self.forged.fingerprint))

    @property
    def alarm_id(self) -> str:
        """Of the conflict between both."""
        return Claim(SOURCE, self.genuine.account, self.destination).alarm_id(*self.keys)

    def fact(self, signer: Signer, agent: str, since: datetime | None = None) -> HistoryFact:
        """That a signer sent by an agent, from some time on, or else from when the genuine one did first."""
        channel = Channel(agent, b"\x07" * 32, f"198.51.100.{len(agent)}")
        time = (since or self.begun).replace(microsecond=0)
        return HistoryFact(Identity(signer.fingerprint, channel), time, time, 3)


def begin_case(server: Server, clock: MovableClock) -> Case:
    """Other accounts than any test had before. The genuine one was there for half an hour."""
    number = next(numbers)
    account, destination = f"alice-{number}", f"bob-{number}"
    genuine, begun = certify(server, clock, account), clock()
    clock.move(timedelta(minutes=30))
    return Case(genuine, certify(server, clock, account), destination, begun)


class TestGateway:
    """A gateway that does as it is told, by a test.

    Args:
        authority: certifies it.
        clock: the time.
        name: of the gateway.
        media_server: it is one, and no gateway.
    """

    __test__ = False

    def __init__(self, authority: Authority, clock: MovableClock, name: str, *, media_server: bool = False) -> None:
        self.name = name
        self.clock = clock
        self.key = ec.generate_private_key(ec.SECP256R1())
        issue = authority.issue_for_media_server if media_server else authority.issue_for_gateway
        self.certificate = issue(self.key.public_key(), [name], system_clock(), YEAR)  # gRPC has the machine's clock
        self._authority = authority
        self.stub: GuardServiceAsyncStub
        self.number = 0
        self.last: LastSeen | None = None
        self._stream: grpc.aio.UnaryStreamCall[pb.WatchControlRequest, pb.WatchControlResponse] | None = None

    @asynccontextmanager
    async def at(self, address: str) -> AsyncIterator[Self]:
        """Connected to a guard."""
        own = key_pem(self.key), self.certificate.public_bytes(Encoding.PEM)
        credentials = tls.channel_credentials(self._authority.certificate_pem, *own)
        async with grpc.aio.secure_channel(address, credentials, [("grpc.use_local_subchannel_pool", 1)]) as channel:
            self.stub = GuardServiceStub(channel)
            yield self

    @property
    def issuer(self) -> Issuer:
        """As it signs."""
        return Issuer(IssuerRole.GATEWAY, self.name, fingerprint(self.certificate))

    def watch(self) -> Self:
        """Begin to watch; anew, if it did."""
        self._stream = self.stub.WatchControl(pb.WatchControlRequest(), timeout=CALL_SECONDS)
        return self

    async def report(self, *announcements: SignedAnnouncement, agent: str = "agent") -> list[tuple[str, str]]:
        """Tell of announcements; reason and alarm of each."""
        reported = [pb.ReportedAnnouncement(announcement_der=each.to_der(), agent=agent) for each in announcements]
        request = pb.ReportAnnouncementsRequest(announcements=reported)
        answer = await call(self.stub.ReportAnnouncements, request)
        return [(each.reason, each.alarm_id) for each in answer.results]

    async def all_told(self) -> None:
        """Read until there is nothing more."""
        while (message := await self.read()) is not None:
            await self.acknowledge(message)

    async def read(self) -> ControlMessage | None:
        """The next message, checked as a gateway has to; None: all was told. One that is too old comes anew."""
        assert self._stream is not None
        answer = await self._stream.read()
        assert isinstance(answer, pb.WatchControlResponse)
        if answer.all_told:
            return None
        signed = SignedControl.from_der(answer.control_der)
        if signed.message.time < self.clock() - MAX_AGE:
            return await self.read()
        shown = await call(self.stub.GetGuard, pb.GetGuardRequest())
        known = [
            read_guard_certificate(each, self._authority.certificate, self._authority.arc, self.clock())
            for each in shown.certificates_der
        ]
        (guard,) = (each for each in known if each.issuer == signed.message.issuer)
        signed.check(guard.public_key)
        assert require_fresh(signed.message, self.name, self.last, self.clock())
        self.last = LastSeen(signed.message.number, signed.message.digest)
        return signed.message

    async def next(self, content: type[Content], alarm_id: str) -> ControlMessage:
        """The next message of a kind about an alarm; what comes before is acknowledged."""
        while True:
            message = await self.read()
            if message is None:
                continue
            if isinstance(message.content, content) and message.alarm == alarm_id:
                return message
            await self.acknowledge(message)

    async def acknowledge(self, message: ControlMessage, *, delivers: bool = False) -> None:
        """Say that it was done."""
        delivered = [message.alarm] if delivers else []
        request = pb.AcknowledgeControlRequest(numbers=[message.number], delivered_alarm_ids=delivered)
        await call(self.stub.AcknowledgeControl, request)

    async def tell_held(self, *held: tuple[str, int]) -> None:
        """Tell how many notices it holds, by alarm."""
        told = [pb.HeldTraffic(alarm_id=alarm_id, notices=notices) for alarm_id, notices in held]
        await call(self.stub.ReportHeldTraffic, pb.ReportHeldTrafficRequest(held=told))

    def say(self, about: ControlMessage, content: Content, **changed: object) -> SignedControl:
        """A message to the guard, signed; ``changed``: fields, or the ``key`` that signs."""
        self.number += 1
        key = changed.pop("key", self.key)
        fields: dict[str, object] = {
            "issuer": self.issuer,
            "recipient": "guard",
            "alarm": about.alarm,
            "claim": about.claim,
            "number": self.number,
            "time": self.clock().replace(microsecond=0),
            "content": content,
        }
        return SignedControl.sign(ControlMessage(**(fields | changed)), key)  # type: ignore[arg-type]  # as they come

    async def send(self, signed: SignedControl) -> None:
        """Bring a message to the guard."""
        await call(self.stub.SendControl, pb.SendControlRequest(control_der=signed.to_der()))

    async def hold(self, alarm_id: str, *, delivers: bool = False) -> ControlMessage:
        """Be told to block, and do it."""
        message = await self.next(Block, alarm_id)
        await self.acknowledge(message, delivers=delivers)
        return message

    async def answer(
        self,
        check: ControlMessage,
        sent: Sequence[HistoryFact] = (),
        received: Sequence[HistoryFact] | None = None,
    ) -> None:
        """Answer a check, and acknowledge it."""
        await self.send(self.say(check, Feedback.of(Side.SENDER, sent)))
        if received is not None:
            await self.send(self.say(check, Feedback.of(Side.RECEIVER, received)))
        await self.acknowledge(check)


@dataclass
class Net:
    """A guard, somebody's agent, and gateways of Alice's, Bob's and Mallory's agents."""

    home: Home
    server: Server
    clock: MovableClock
    agent: Client
    alice: TestGateway
    bob: TestGateway
    mallory: TestGateway

    @property
    def gateways(self) -> list[TestGateway]:
        """All three."""
        return [self.alice, self.bob, self.mallory]

    @staticmethod
    def stub(channel: grpc.aio.Channel) -> GuardServiceAsyncStub:
        """The guard, over another's line."""
        return GuardServiceStub(channel)

    def view(self, case: Case) -> AlarmView:
        """All about the alarm."""
        view = self.server._ground.database.read_now(lambda each: find_alarm_view(each, case.alarm_id))
        assert view is not None
        return view

    def feedbacks(self, case: Case) -> list[tuple[str, Content]]:
        """What gateways have said, and which."""
        kept = [record for record in self.view(case).records if record.kind is Kind.FEEDBACK]
        return [(each.issuer, SignedControl.from_der(each.message).message.content) for each in kept]

    def case(self) -> Case:
        """See ``begin_case``."""
        return begin_case(self.server, self.clock)

    async def pass_time(self, by: timedelta) -> None:
        """Let time pass, and have the guard look at it."""
        self.clock.move(by)
        await self.server._rules.guard.outbox.work()

    def begin_minute(self) -> None:
        """Move to the begin of a minute: what is counted by the minute is counted anew, and for a minute."""
        now = self.clock()
        self.clock.move(timedelta(minutes=1) - (now - now.replace(second=0, microsecond=0)))

    async def raised(self, case: Case) -> None:
        """Both announce: the genuine one, then the other."""
        assert await self.alice.report(case.genuine.announce(case.destination), agent="alice") == [("", "")]
        told = await self.mallory.report(case.forged.announce(case.destination), agent="mallory")
        assert told == [("", case.alarm_id)]

    async def held(self, case: Case) -> None:
        """All hold, and Bob's gateway is the receiver's."""
        await self.raised(case)
        for gateway in self.gateways:
            await gateway.hold(case.alarm_id, delivers=gateway is self.bob)
