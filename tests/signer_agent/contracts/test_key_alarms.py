"""Peer mode from the receiver's side: real agents, each behind a gateway of its own; and somebody in Alice's login."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fourseal.v1 import relay_service_pb2 as relay_pb

from contract.announcements.announcement import Announcement, SignedAnnouncement
from contract.announcements.claim import Claim
from contract.announcements.contents import Side
from contract.announcements.history import Entry
from contract.announcements.keys import write_signer_key
from mpc.errors import FoursealError
from server.root.application import Server
from server.root.gateway import Gateway
from server.root.home import Home as ServerHome
from signer_agent.client.server_line import ServerLine
from signer_agent.contracts.account import Accounts
from signer_agent.contracts.contacts import Contacts
from signer_agent.contracts.entries import Drawers
from signer_agent.contracts.key_alarm import IMPOSTOR, KeyAlarm, KeyAlarmState
from signer_agent.contracts.key_alarms import KeyAlarms
from signer_agent.contracts.login import LoginLine, Logins
from signer_agent.contracts.messages import BytesSource, Messages
from signer_agent.contracts.relay_line import RelayLine
from signer_agent.contracts.seen_keys import MAX_SEEN, SeenKey, SeenKeys
from signer_agent.contracts.sessions import Sessions
from signer_agent.contracts.signer import Signer
from signer_agent.contracts.signer_keys import KeyChoice, SignerKeyring
from signer_agent.home import Home
from signer_agent.keystore.sealing import Passphrase
from signer_agent.keystore.store import KeyStore
from tests.server.gateway.gateway import make_gateway_home, running_gateway
from tests.server.harness import make_home, make_ticket, running_server
from tests.server.identity.accounts.people import PASSWORD
from tests.signer_agent.cli.commands import document, run
from tests.signer_agent.contracts.company import App, Company, Person
from tests.signer_agent.stores import PASSPHRASE
from wire.client.documents import Fields
from wire.client.enrolment import enrol
from wire.client.ticket import Ticket

_WAIT_SECONDS = 30.0
pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass
class World:
    """Alice, Mallory in her login, Bob; and the gateways that they are behind."""

    folder: Path
    home: ServerHome
    server: Server
    gateways: dict[str, Gateway]
    people: dict[str, Person]
    first: str = ""
    """Session of Alice's with Bob."""
    notice: relay_pb.WatchMailboxResponse = field(default_factory=relay_pb.WatchMailboxResponse)
    """Of Mallory's message."""
    second: str = ""
    """Session of Mallory's with Bob, who took her for Alice."""

    def behind(self, name: str, session_id: str, address: str) -> None:
        """Have somebody reach a session's media server by that address."""
        person = self.people[name]
        fetch_pass = partial(person.signer.relay_pass, session_id)
        person.messages._lines[session_id] = RelayLine(person.line.identity, address, fetch_pass)

    async def hear(self) -> None:
        """Have Bob receive Mallory's message; or, if a test before has, hear of it once more."""
        bob = self.people["bob"]
        if self.second not in await self.notes():
            await bob.received(self.second)
        else:
            await bob.messages._alarms.saw(self.notice, self.second, bob.messages._lines[self.second])

    async def alarm(self, *states: KeyAlarmState) -> KeyAlarm:
        """Bob's alarm, once it stands so."""
        async with asyncio.timeout(_WAIT_SECONDS):
            while True:
                (alarm,) = await self.people["bob"].messages.alarms()
                if alarm.state in states:
                    return alarm

    async def notes(self) -> dict[str, str]:
        """What Bob's mailbox says of the messages, by session."""
        return {each.statement.session_id: each.note for each in await self.people["bob"].messages.messages()}

    def remember(self, side: Side, gateway: str) -> None:
        """Have a gateway remember Alice's key for longer: the test is shorter than clocks may differ."""
        history = self.gateways[gateway]._watch.histories._histories[side]
        fact = history.facts("alice", "bob")[0]
        earlier = replace(fact, first_time=fact.first_time - timedelta(minutes=5))
        history.put(Entry("alice", "bob", earlier))

    async def open_gateways(self, stack: AsyncExitStack, folder: Path) -> dict[str, Gateway]:
        """Three gateways that have seen nothing."""
        gateways = dict[str, Gateway]()
        for name, address in (("alice", "127.0.0.3"), ("mallory", "127.0.0.5"), ("bob", "127.0.0.4")):
            peers = [each.serving.server for each in gateways.values()]
            home = make_gateway_home(folder / f"of-{name}", self.home, name=address, gateway_peers=peers)
            gateways[name] = await stack.enter_async_context(running_gateway(home))
        return gateways


async def arrive(
    stack: AsyncExitStack, server: Server, home: ServerHome, folder: Path, name: str, app: App | None
) -> tuple[Person, App]:
    """Somebody logs in by an agent of their own, with new keys; without an app, as a new account."""
    agent = folder.name
    store = KeyStore.create(Home.find(folder), Passphrase(PASSPHRASE))
    ticket = await asyncio.to_thread(make_ticket, home, f"agent-of-{agent}", server.serving)
    identity = await enrol(store, Ticket.parse(ticket.to_json().encode(), "ticket", datetime.now(UTC)))
    line = ServerLine(identity, store)
    stack.push_async_callback(line.close)
    with_login = LoginLine(line, Drawers(store))
    logins = Logins(with_login)
    if app is None:
        accounts = Accounts(with_login)
        _, setup = await accounts.register(name, name.title(), PASSWORD)
        app = App(setup.totp_uri)
        await accounts.confirm_factor(name, setup.factor.factor_id, PASSWORD, code=app.code())
    else:
        attempt = await logins.begin(name, PASSWORD)
        await logins.finish(attempt, attempt.second_factors[0].factor_id, code=app.code())
    await SignerKeyring(with_login).make(KeyChoice(bits=2048))
    await logins.prove()
    signer = await Signer.open(store, line)
    messages = await stack.enter_async_context(Messages.of(signer, store))
    return Person(name, Home.find(folder), store, line, signer, messages), app


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """Bob has heard of Alice's key, and nothing of Mallory's, whom he took for Alice with a new key."""
    folder = tmp_path_factory.mktemp("world")
    async with AsyncExitStack() as stack:
        home = make_home(folder / "server")
        server = await stack.enter_async_context(running_server(home))
        world = World(folder, home, server, {}, {})
        world.gateways = await world.open_gateways(stack, folder)
        alice, app = await arrive(stack, server, home, folder / "alice", "alice", None)
        bob, _ = await arrive(stack, server, home, folder / "bob", "bob", None)
        world.people = {"alice": alice, "bob": bob}
        end = (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0)
        world.first = (await Sessions(alice.signer).create("Sale of a house", ["bob"], end)).session_id
        await Sessions(bob.signer).join(world.first)
        for name in ("alice", "bob"):
            world.behind(name, world.first, world.gateways[name].serving.server)
        await alice.messages.send(world.first, BytesSource(b"one"))
        await bob.received_messages(world.first)
        mallory, _ = await arrive(stack, server, home, folder / "mallory", "alice", app)
        world.people["mallory"] = mallory
        world.second = (await Sessions(mallory.signer).create("Sale of a house", ["bob"], end)).session_id
        contacts = Contacts(Drawers(bob.store))
        with pytest.raises(FoursealError) as changed:
            await Sessions(bob.signer).join(world.second)
        assert changed.value.reason == "CONTACT_CHANGED"
        offered = contacts.find("alice").offered
        assert offered is not None
        contacts.accept("alice", offered)
        await Sessions(bob.signer).join(world.second)
        world.behind("mallory", world.second, world.gateways["mallory"].serving.server)
        await mallory.messages.send(world.second, BytesSource(b"two"))
        world.behind("bob", world.second, server.serving.server)
        world.notice = await notice_of(world)
        yield world


@pytest.fixture(autouse=True)
def forgotten(world: World) -> None:
    """Bob remembers no alarm."""
    alarms = world.people["bob"].messages._alarms._alarms
    for name in alarms.names():
        alarms.remove(name)


async def test_impostor_is_named(world: World) -> None:
    """Bob's agent asks without anybody telling it to; his mailbox says whose message is not Alice's."""
    bob = world.people["bob"]
    world.behind("bob", world.second, world.gateways["bob"].serving.server)
    world.remember(Side.SENDER, "alice")
    world.remember(Side.RECEIVER, "bob")
    await world.hear()
    alarm = await world.alarm(KeyAlarmState.RELEASED)
    assert (alarm.rule, alarm.by_guard) == ("one-has-history", False)
    assert [each.agent for each in alarm.places if each.key in alarm.impostors][:1] == ["agent-of-mallory"]
    assert await world.notes() == {world.first: "", world.second: IMPOSTOR}
    again = KeyAlarms(bob.signer, KeyStore.open(bob.home, Passphrase(PASSPHRASE)))
    assert await again.all() == [alarm]
    with pytest.raises(FoursealError) as refused:
        await world.people["mallory"].messages.send(world.second, BytesSource(b"three"))
    assert refused.value.reason in {"CHANNEL_BLACK_LISTED", "KEY_BLACK_LISTED"}


async def test_bob_decides(world: World, tmp_path: Path) -> None:
    """Bob is warned, and his agent asks when it can. Nobody has history: all is held until he has asked Alice."""
    bob = world.people["bob"]
    world.behind("bob", world.second, "127.0.0.4:1")
    await bob.messages._alarms.saw(world.notice, world.second, bob.messages._lines[world.second])
    (asking,) = await bob.messages._alarms.all()
    assert asking.state is KeyAlarmState.ASKING
    async with AsyncExitStack() as stack:
        gateways = await world.open_gateways(stack, tmp_path)
        world.behind("bob", world.second, gateways["bob"].serving.server)
        await world.hear()
        alarm = await world.alarm(KeyAlarmState.UNDETERMINED)
        assert alarm.keys == asking.keys
        claimed = "two keys claim to be alice: being checked"
        assert await world.notes() == {world.first: claimed, world.second: claimed}
        alice, mallory = (each.announcement.key for each in alarm.block.announcements)
        with pytest.raises(FoursealError) as refused:
            await bob.messages.decide_alarm(alarm.alarm_id, [alice], [])
        assert refused.value.reason == "ALARM_OF_OTHER_KEYS"
        decided = await bob.messages.decide_alarm(alarm.alarm_id, [alice], [mallory])
        assert (decided.state, decided.rule) == (KeyAlarmState.RELEASED, "decided-by-person")
    assert await world.notes() == {world.first: "", world.second: IMPOSTOR}


async def test_without_a_gateway(world: World) -> None:
    """A media server has no such call: Bob is warned, and nothing is held."""
    world.behind("bob", world.second, world.server.serving.server)
    await world.hear()
    alarm = await world.alarm(KeyAlarmState.UNHELD)
    assert alarm.problem == ""
    claimed = "two keys claim to be alice: nobody checks which is"
    assert await world.notes() == {world.first: claimed, world.second: claimed}


async def test_commands(world: World) -> None:
    """What people and programs read of it, and what cannot be decided."""
    world.behind("bob", world.second, world.server.serving.server)
    await world.hear()
    company = Company(world.server, world.people)
    (listed,) = await document(company, "bob", "guard", "alarms")
    kept = {name: listed[name] for name in ("user", "destination", "state", "rule", "problem", "by_guard")}
    assert kept == {
        "user": "alice",
        "destination": "bob",
        "state": "unheld",
        "rule": "",
        "problem": "",
        "by_guard": False,
    }
    inbox = await run(company, "bob", "inbox", world.first)
    assert "Two keys claim to be alice: unheld" in inbox.err
    for keys, reason in (
        (("--genuine", listed["keys"][0][:4], "--impostor", listed["keys"][1][:4]), "ALARM_STATE_WRONG"),
        (("--genuine", "no"), "JUDGEMENT_MALFORMED"),
    ):
        refused = await run(company, "bob", "guard", "decide", listed["alarm_id"], *keys, "--yes", status=1)
        assert reason in refused.err
    unknown = f"alarm-{'0' * 32}"
    assert "ALARM_NOT_FOUND" in (await run(company, "bob", "guard", "decide", unknown, "--yes", status=1)).err


async def test_announcements_that_do_not_hold(world: World) -> None:
    """Raise no alarm: of an uncertified key, of another author, session or recipient, of another time, badly signed."""
    bob = world.people["bob"]
    world.behind("bob", world.second, world.server.serving.server)
    alarms, line = bob.messages._alarms, bob.messages._lines[world.second]
    notice = world.notice
    good = SignedAnnouncement.from_der(notice.posting.announcement_der)
    key = Ed25519PrivateKey.generate()
    uncertified = replace(good.announcement, public_key=write_signer_key(key.public_key()))

    def changed(**fields: object) -> relay_pb.WatchMailboxResponse:
        made = relay_pb.WatchMailboxResponse.FromString(notice.SerializeToString())
        for name, value in fields.items():
            setattr(made, name, value)
        return made

    strange = changed()
    strange.posting.announcement_der = SignedAnnouncement.sign(uncertified, key).to_der()
    unsigned = changed()
    unsigned.posting.announcement_der = replace(good, signature=good.signature[::-1]).to_der()
    late = changed()
    late.posting.post_time.FromDatetime(datetime.now(UTC) + timedelta(hours=1))
    broken = changed()
    broken.posting.announcement_der = b"none"
    for spoilt in (strange, unsigned, late, broken, changed(author="carol"), changed(position=0)):
        await alarms.saw(spoilt, world.second, line)
    await alarms.saw(notice, world.first, line)
    assert await alarms.all() == []
    await alarms.saw(notice, world.second, line)
    assert len(await alarms.all()) == 1


async def notice_of(world: World) -> relay_pb.WatchMailboxResponse:
    """The notice of Mallory's message."""
    line = world.people["bob"].messages._lines[world.second]
    async for notice in line.watch(0):
        if notice.position:
            return notice
    raise AssertionError


def seen(key: Ed25519PrivateKey, time: datetime, source: str = "192.0.2.7") -> SeenKey:
    """An announcement of Alice's by a key."""
    claim, public_key = Claim(source, "alice", "bob"), write_signer_key(key.public_key())
    announcement = Announcement(claim, b"\x01" * 32, public_key, "session-" + "a" * 26, b"\x02" * 32, time)
    return SeenKey(SignedAnnouncement.sign(announcement, key), b"certificate", time)


async def test_who_announces_a_lot_forgets_itself() -> None:
    """Alice's key is remembered however often Mallory announces; until the window is over; also in a file."""
    now = datetime.now(UTC).replace(microsecond=0)
    alice, mallory = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    known = SeenKeys().with_key(seen(alice, now))
    for number in range(1, 3 * MAX_SEEN):
        known = known.with_key(seen(mallory, now + timedelta(seconds=number), f"192.0.2.{number}"))
    assert len(known.keys) == MAX_SEEN
    again = SeenKeys.load(Fields(known.to_public()), known.to_secret_bytes())
    assert again == known
    later = now + timedelta(minutes=5)
    pair = again.conflict(seen(mallory, later), None)
    assert pair is not None
    assert {each.key for each in pair} == {seen(alice, now).key, seen(mallory, now).key}
    assert again.with_key(seen(mallory, later)).conflict(seen(alice, later), None) is not None
    assert len(again.with_key(seen(alice, now + timedelta(minutes=20))).keys) == 1
