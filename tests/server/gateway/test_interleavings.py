"""Blocks, releases, letters, new streams and crashes of gateways at any time: nothing is lost or out of order.

``FOURSEAL_INTERLEAVINGS`` says how many runs there are; each has its number as its seed.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Final

import grpc
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contract.announcements.announcement import SignedAnnouncement
from contract.announcements.contents import Block, Content, Unblock
from tests.server.gateway.watched import Author, Case, Net, open_net, order_of
from tests.server.guard.people import Signer
from tests.server.harness import query
from wire.status import RemoteError
from wire.streams import is_break

pytestmark = pytest.mark.asyncio(loop_scope="module")

RUNS: Final = int(os.environ.get("FOURSEAL_INTERLEAVINGS", "4"))
OF_A_TEST: Final = 20
AT_A_TIME: Final = 4
LETTERS: Final = 6
ALARMS: Final = 3
KEPT: Final = "SELECT envelope_id FROM gateway_notices WHERE recipient = ? AND state <> 'released'"
one_at_a_time = asyncio.Lock()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def net(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Net]:
    """All that runs, for all runs; the guard gives no order by itself. Streams often stop for want of room."""
    folder = tmp_path_factory.mktemp("interleavings")
    async with open_net(folder, gateway_held_notices_per_mailbox=4) as opened:
        yield opened


class Director:
    """Gives orders to Bob's gateway as the guard does, by its key.

    Args:
        case: whose traffic.
    """

    def __init__(self, case: Case) -> None:
        self._case = case
        self.alarms: list[Block] = []

    async def block(self) -> None:
        """Block by a new alarm: Alice's key, and one that nobody has used."""
        case, to = self._case, self._case.bob.name
        letter = case.alice.letter(to)
        alice = case.alice.signer
        other = Signer(alice.account, Ed25519PrivateKey.generate(), alice.certificate, alice.clock)
        announcements = [
            SignedAnnouncement.from_der(replace(case.alice, signer=each).announce(letter, to))
            for each in (alice, other)
        ]
        block = Block((announcements[0], announcements[1]))
        self.alarms.append(block)
        await self._give(block, block)

    async def release(self, block: Block) -> None:
        """End an alarm: Mallory is an impostor, and the key that nobody has used."""
        case = self._case
        keys = {each.announcement.key for each in block.announcements} - {case.alice.key}
        await self._give(block, Unblock((case.alice.key,), tuple(sorted({*keys, case.mallory.key}))))

    async def _give(self, block: Block, content: Content) -> None:
        """Give an order; where the gateway crashed before it had acknowledged it, again, under a new number."""
        net, claim = self._case.net, block.announcements[0].announcement.claim
        while True:
            async with one_at_a_time:  # orders come one after the other
                if await net.give(order_of(net.server, "127.0.0.4", block.alarm_id, claim, content, net.clock())):
                    return
            await asyncio.sleep(0.01)  # another one starts


class Bob:
    """Reads, acknowledges some, and now and then begins a new stream where he was.

    Args:
        case: whose mailbox.
        chance: of this run.
    """

    def __init__(self, case: Case, chance: random.Random) -> None:
        self._case = case
        self._chance = chance
        self._position = 0
        self.got: list[str] = []
        self._more = asyncio.Condition()

    async def read(self) -> None:
        """Until it is cancelled."""
        while True:
            with contextlib.suppress(TimeoutError, grpc.aio.AioRpcError, RemoteError):
                async with (
                    asyncio.timeout(self._chance.uniform(0.02, 0.2)),
                    contextlib.aclosing(self._case.bob.watching(self._position)) as notices,
                ):
                    async for notice in notices:
                        await self._deal(notice.envelope_id, notice.position)
            await asyncio.sleep(0.01)  # his gateway may start just now

    async def _deal(self, envelope_id: str, position: int) -> None:
        if position and envelope_id not in self.got:
            self.got.append(envelope_id)
            self._position = max(self._position, position)
            async with self._more:
                self._more.notify_all()
            if self._chance.random() < 0.5:
                await self._case.bob.acknowledge(envelope_id)

    async def has(self, envelope_id: str) -> None:
        """Wait until something came."""
        async with asyncio.timeout(60), self._more:
            await self._more.wait_for(lambda: envelope_id in self.got)


class Run:
    """Everybody sends at some time, while orders come at some time.

    Args:
        case: who they are.
        chance: of this run.
    """

    def __init__(self, case: Case, chance: random.Random) -> None:
        self._case = case
        self._chance = chance
        self._mallory = replace(case.mallory, source="198.51.100.9")  # so the guard sees no conflict
        self._carol = replace(case.alice, member=case.carol, sequence=itertools.count(1))
        self._sending = asyncio.Lock()  # one account has one sequence
        self.alices: list[str] = []
        self.mallorys: list[str] = []
        self.carols: list[str] = []

    async def go(self, director: Director) -> None:
        """Until all was sent and released."""
        await asyncio.gather(
            self._send_alices(), self._send_mallorys(), self._send_carols(), self._direct(director), self._crash()
        )
        self.alices.append(await self._send(self._case.alice, announced=False))

    async def _send_alices(self) -> None:
        for number in range(LETTERS):
            await self._pause()
            async with self._sending:
                self.alices.append(await self._send(self._case.alice, announced=number % 3 == 0))

    async def _send_mallorys(self) -> None:
        for number in range(LETTERS // 2):
            await self._pause()
            async with self._sending:
                self.mallorys.append(await self._send(self._mallory, announced=number == 0))

    async def _send_carols(self) -> None:
        for _ in range(LETTERS // 2):
            await self._pause()
            self.carols.append(await self._send(self._carol, announced=False))

    async def _direct(self, director: Director) -> None:
        waiting = list(director.alarms)
        while waiting or len(director.alarms) < ALARMS:
            await self._pause()
            if len(director.alarms) < ALARMS and self._chance.random() < 0.5:
                await director.block()
                waiting.append(director.alarms[-1])
            elif waiting:
                await director.release(waiting.pop(self._chance.randrange(len(waiting))))

    async def _crash(self) -> None:
        if self._chance.random() < 0.5:
            await asyncio.sleep(self._chance.uniform(0, 0.2))  # the time is what is tried here
            await self._case.net.crash(alices=self._chance.random() < 0.3)

    async def _send(self, author: Author, *, announced: bool) -> str:
        """As an agent does: it goes on where the gateway broke off."""
        letter = author.letter(self._case.bob.name, announced=announced)
        is_broken = False
        while True:
            parts = list(letter.parts())
            try:
                if is_broken:
                    await author.member.go_on(parts)
                await author.member.post(parts)
            except RemoteError as error:
                if not is_break(error):
                    raise
                is_broken = True
                await asyncio.sleep(0.02)
            else:
                return letter.envelope_id

    async def _pause(self) -> None:
        await asyncio.sleep(self._chance.uniform(0, 0.03))  # the time is what is tried here


async def try_once(net: Net, seed: int) -> None:
    """One run."""
    chance = random.Random(seed)  # noqa: S311  # not to be secret, but to come again
    async with net.case(known=False) as case:
        director, bob, run = Director(case), Bob(case, chance), Run(case, chance)
        await director.block()
        reading = asyncio.create_task(bob.read())
        try:
            await run.go(director)
            await bob.has(run.alices[-1])
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        assert [each for each in bob.got if each in run.alices] == run.alices, f"seed {seed}"
        assert [each for each in bob.got if each in run.carols] == run.carols, f"seed {seed}"
        assert not set(bob.got) & set(run.mallorys), f"seed {seed}"
        kept = query(net.of_bob._frame.home, KEPT, case.bob.name)
        assert {envelope_id for (envelope_id,) in kept} <= set(run.mallorys), f"seed {seed}"


@pytest.mark.parametrize("first", range(0, RUNS, OF_A_TEST))
async def test_nothing_is_lost_or_out_of_order(net: Net, first: int) -> None:
    """As the module says; several runs at a time."""
    seeds = iter(range(first, min(first + OF_A_TEST, RUNS)))

    async def some() -> None:
        for seed in seeds:
            await try_once(net, seed)

    await asyncio.gather(*(some() for _ in range(AT_A_TIME)))
