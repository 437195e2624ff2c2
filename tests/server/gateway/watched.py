"""A guard, a media server and two gateways; people who announce their keys, and somebody in their name."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Final

from contract.announcements.announcement import Announcement, SignedAnnouncement
from contract.announcements.claim import Claim
from contract.announcements.contents import Content
from contract.announcements.control import ControlMessage, SignedControl
from contract.announcements.keys import write_signer_key
from contract.names import new_session_id
from mpc.errors import FoursealError
from server.config import load_settings
from server.gateway.store.notices import NoticeRow, list_kept
from server.guard import decide, find_alarm_view
from server.guard.store.orders import _next_number
from server.root.application import Server
from server.root.gateway import Gateway, start_gateway
from server.root.home import Home
from tests.server.gateway.gateway import make_gateway_home
from tests.server.guard.people import SOURCE, Signer, certify
from tests.server.harness import MovableClock, make_home, query, running_server, silent_log
from tests.server.relay.media import Letter, Member, identity_of, make_media_home, running_media

WAIT_SECONDS: Final = 30.0
numbers = itertools.count(1)


@dataclass
class Author:
    """Somebody who sends as an account, by an agent and a key."""

    member: Member
    signer: Signer
    sequence: itertools.count[int]
    source: str = SOURCE

    @property
    def key(self) -> bytes:
        """Fingerprint of the key."""
        return self.signer.fingerprint

    def letter(self, to: str, *, announced: bool = False) -> Letter:
        """A letter, with an announcement or without."""
        letter = self.member.letter([20], to, sequence=next(self.sequence))
        return replace(letter, announcements=[self.announce(letter, to)]) if announced else letter

    def announce(self, letter: Letter, to: str) -> bytes:
        """The announcement that goes with a letter."""
        signer = self.signer
        announcement = Announcement(
            claim=Claim(self.source, signer.account, to),
            certificate=signer.certificate,
            public_key=write_signer_key(signer.key.public_key()),
            session_id=self.member.session_id,
            document=sha256(letter.header).digest(),
            time=signer.clock().replace(microsecond=0),
        )
        return SignedAnnouncement.sign(announcement, signer.key).to_der()

    async def post(self, to: str, *, announced: bool = False) -> str:
        """Send one; returns its name."""
        letter = self.letter(to, announced=announced)
        await self.member.post(letter.parts())
        return letter.envelope_id


class Reader:
    """Reads a mailbox, on its own, until it is closed.

    Args:
        member: whose.
        after: position from which on.
    """

    def __init__(self, member: Member, after: int = 0) -> None:
        self._member = member
        self._told: asyncio.Queue[str | Exception] = asyncio.Queue()
        self.positions: list[int] = []
        self._task = asyncio.create_task(self._read(after))

    async def _read(self, after: int) -> None:
        try:
            async with contextlib.aclosing(self._member.watching(after)) as notices:
                async for notice in notices:
                    if notice.position:
                        self.positions.append(notice.position)
                        self._told.put_nowait(notice.envelope_id)
        except Exception as error:  # noqa: BLE001  # it is told to the test
            self._told.put_nowait(error)

    async def next(self) -> str:
        """The next envelope."""
        async with asyncio.timeout(WAIT_SECONDS):
            told = await self._told.get()
        if isinstance(told, Exception):
            raise told
        return told

    async def take(self, count: int) -> list[str]:
        """So many."""
        return [await self.next() for _ in range(count)]

    def is_empty(self) -> bool:
        """Whether nothing came that was not taken."""
        return self._told.empty()

    async def close(self) -> None:
        """Read no more."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


@asynccontextmanager
async def reading(member: Member, after: int = 0) -> AsyncIterator[Reader]:
    """Somebody reads."""
    reader = Reader(member, after)
    try:
        yield reader
    finally:
        await reader.close()


@dataclass
class Case:
    """Alice, who has sent to Bob before or not; Mallory, who got into her login; Carol, who sends to Bob as well."""

    net: Net
    alice: Author
    mallory: Author
    carol: Member
    bob: Member

    @property
    def keys(self) -> list[bytes]:
        """Alice's and Mallory's."""
        return sorted((self.alice.key, self.mallory.key))

    @property
    def alarm_id(self) -> str:
        """Of the two."""
        return Claim(SOURCE, self.alice.signer.account, self.bob.name).alarm_id(*self.keys)

    @property
    def state(self) -> str:
        """How the guard has the alarm; empty: not at all."""
        view = self.net.server._ground.database.read_now(lambda each: find_alarm_view(each, self.alarm_id))
        return "" if view is None else view.row.alarm.state.value

    def told_held(self) -> dict[str, int]:
        """How many notices are held, as the guard has heard, by gateway."""
        view = self.net.server._ground.database.read_now(lambda each: find_alarm_view(each, self.alarm_id))
        return {} if view is None else view.held

    async def until(self, *states: str) -> None:
        """Wait until the alarm stands so."""
        await until(lambda: self.state in states)

    async def decide(self, genuine: Sequence[bytes], impostors: Sequence[bytes]) -> None:
        """Decide as the operator."""
        server = self.net.server
        unit = server._ground.database.write
        terms, now = server._rules.guard.terms, self.net.clock()
        await unit(lambda each: decide(each, terms, self.alarm_id, genuine, impostors, now))
        server._rules.guard.outbox.wake()

    async def carols(self) -> str:
        """A letter of Carol's to Bob."""
        letter = self.carol.letter([20], self.bob.name)
        await self.carol.post(letter.parts())
        return letter.envelope_id

    def kept(self, gateway: Gateway | None = None) -> list[NoticeRow]:
        """What the receiver's gateway has of it."""
        database = (gateway or self.net.of_bob)._frame.database
        return [row for row in database.read_now(list_kept) if row.recipient == self.bob.name]

    async def until_bob_is_here(self) -> None:
        """Wait until his gateway knows that it serves him."""
        await until(lambda: self.net.of_bob._watch.served.has(self.bob.name))

    async def until_kept(self, count: int, state: str) -> None:
        """Wait until the receiver's gateway has so many."""
        await until(lambda: [row.state.value for row in self.kept()].count(state) == count)


@dataclass
class Net:
    """All that runs."""

    folder: Path
    media_home: Home
    server: Server
    clock: MovableClock
    of_alice: Gateway
    of_bob: Gateway
    _guard: AsyncExitStack = field(default_factory=AsyncExitStack, init=False)
    _crashing: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    _given: set[asyncio.Task[None]] = field(default_factory=set, init=False)

    async def stop_guard(self) -> None:
        """Stop the server with the guard."""
        home, port = self.server._home, self.server.serving.server.rpartition(":")[2]
        await self.server.stop()
        home.config.write_text(
            home.config.read_text().replace('listen = "127.0.0.1:0"', f'listen = "127.0.0.1:{port}"', 1)
        )

    async def start_guard(self) -> None:
        """Start it again, at its address."""
        server = running_server(self.server._home, clock=self.clock)
        self.server = await self._guard.enter_async_context(server)

    async def give(self, control_der: bytes) -> bool:
        """Give an order to Bob's gateway; False: it crashed before it had acknowledged that."""
        async with self._crashing:
            task = asyncio.create_task(self.of_bob._watch.orders.take(control_der))
            self._given.add(task)
        task.add_done_callback(self._given.discard)
        await asyncio.wait([task])
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, FoursealError):
            raise error
        return not task.cancelled() and error is None

    async def crash(self, *, alices: bool) -> None:
        """Alice's gateway or Bob's ends and leaves what it had begun; another one goes on in its place."""
        async with self._crashing:
            gateway = self.of_alice if alices else self.of_bob
            for task in [*gateway._tasks, *(() if alices else self._given)]:
                task.cancel()
            await gateway._frame.listener.stop(None)
            await gateway._watch.line.close()
            await gateway._upstreams.close()
            gateway._frame.database.close()
            home, port = gateway._frame.home, gateway._frame.port
            home.config.write_text(home.config.read_text().replace(':0"', f':{port}"', 1))
            started = await start_gateway(home, load_settings(home.folder), silent_log(), clock=self.clock)
            if alices:
                self.of_alice = started
            else:
                self.of_bob = started

    async def stop(self) -> None:
        """Stop the gateways that serve now, and the guard if it was started again."""
        await self.of_alice.stop()
        await self.of_bob.stop()
        await self._guard.aclose()

    @asynccontextmanager
    async def case(self, *, known: bool = True, bobs: Home | None = None) -> AsyncIterator[Case]:
        """Accounts that no other test has. Known: Alice has sent to Bob half an hour ago."""
        number = next(numbers)
        alice, bob, carol = f"alice-{number}", f"bob-{number}", f"carol-{number}"
        session, sequence = new_session_id(number.to_bytes), itertools.count(1)
        names, of_alice = (alice, bob, carol), self.of_alice._frame.home
        async with AsyncExitStack() as stack:

            async def join(home: Home, name: str, agent: str) -> Member:
                member = Member(home, name, session, names, identity_of(agent))
                return await stack.enter_async_context(member)

            reader = await join(bobs or self.of_bob._frame.home, bob, bob)
            people = [await join(of_alice, name, agent) for name, agent in ((alice, alice), (alice, f"m-{number}"))]
            members = [*people, await join(of_alice, carol, carol), reader]
            self.show(members)
            genuine = Author(people[0], certify(self.server, self.clock, alice), sequence)
            if known:
                envelope_id = await genuine.post(bob, announced=True)
                async with reading(reader) as watching:
                    assert await watching.next() == envelope_id
                self.clock.move(timedelta(minutes=30))
                self.show(members)
            forged = Author(people[1], certify(self.server, self.clock, alice), sequence)
            yield Case(self, genuine, forged, members[2], reader)

    def show(self, members: Sequence[Member]) -> None:
        """Give members passes of now."""
        for member in members:
            member.pass_der = member.make_pass_at(self.clock())


def order_of(server: Server, recipient: str, alarm_id: str, claim: Claim, content: Content, now: datetime) -> bytes:
    """An order to a gateway, signed and numbered as the guard's; DER of SignedControl."""
    database = server._ground.database
    found = database.read_now(server._rules.guard.keys.signer)
    assert found is not None
    issuer, key = found
    number = database.write_now(lambda each: _next_number(each, recipient))
    message = ControlMessage(issuer, recipient, alarm_id, claim, number, now.replace(microsecond=0), content)
    return SignedControl.sign(message, key).to_der()


def make_home_of_gateway(folder: Path, media_home: Home, server: Server, name: str, **settings: object) -> Home:
    """A gateway that knows the guard."""
    return make_gateway_home(folder, media_home, name=name, guard_address=server.serving.server, **settings)


@asynccontextmanager
async def open_net(folder: Path, **settings: object) -> AsyncIterator[Net]:
    """A guard, a media server and two gateways; ``settings`` are those of Bob's."""
    clock = MovableClock()
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(running_server(make_home(folder / "server"), clock=clock))
        media_home = make_media_home(folder / "media")
        await stack.enter_async_context(running_media(media_home, clock=clock))
        gateways = []
        for name, chosen in (("127.0.0.3", {}), ("127.0.0.4", settings)):
            home = make_home_of_gateway(folder / name, media_home, server, name, **chosen)
            gateways.append(await start_gateway(home, load_settings(home.folder), silent_log(), clock=clock))
        net = Net(folder, media_home, server, clock, *gateways)
        stack.push_async_callback(net.stop)
        for gateway in gateways:
            await until(partial(_watches, server, gateway))
        yield net


def _watches(server: Server, gateway: Gateway) -> bool:
    """Whether the guard tells a gateway orders."""
    name = gateway._frame.settings.public_host
    return query(server._home, "SELECT count(*) FROM guard_gateways WHERE name = ?", name) == [(1,)]


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds that other threads or processes bring about."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not holds():  # noqa: ASYNC110  # they have no event for us
            await asyncio.sleep(0.01)
