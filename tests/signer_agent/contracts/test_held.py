"""A real agent behind a real gateway: what it was told of and cannot fetch any more comes later, in its order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contract.announcements.contents import Block, Content, Unblock
from server.clock import system_clock
from server.root.gateway import Gateway
from signer_agent.contracts.messages import BytesSource, Message, NotReceived
from signer_agent.contracts.relay_line import RelayLine
from signer_agent.contracts.sources import TEXT_TYPE
from tests.server.gateway.gateway import NAME, make_gateway_home, running_gateway
from tests.server.gateway.watched import order_of, until
from tests.server.guard.people import Signer
from tests.server.harness import MovableClock, query
from tests.signer_agent.contracts.company import Company, Person, gathered

if TYPE_CHECKING:  # these exist for the type checker only
    from signer_agent.contracts.relay_line import FetchPart

HELD: Final = "SELECT count(*) FROM gateway_notices WHERE state = 'held'"
pytestmark = pytest.mark.asyncio(loop_scope="module")


class SlowLine(RelayLine):
    """A line over which nothing is fetched before it may be."""

    def begin(self) -> None:
        """Let nothing be fetched."""
        self.asked: set[str] = set()
        self.may = asyncio.Event()

    async def fetch(self, envelope_id: str, segment: int) -> AsyncIterator[FetchPart]:
        """As it is."""
        self.asked.add(envelope_id)
        await self.may.wait()
        async for part in super().fetch(envelope_id, segment):
            yield part


class Director:
    """Gives orders to a gateway as the guard does, by its key.

    Args:
        company: at whose server the guard is.
        gateway: is directed.
    """

    def __init__(self, company: Company, gateway: Gateway) -> None:
        self._server = company.server
        self._gateway = gateway
        signers = [Signer("alice", Ed25519PrivateKey.generate(), b"\x07" * 32, MovableClock()) for _ in range(2)]
        one, other = (each.announce("bob") for each in signers)
        self._block = Block((one, other))
        self._keys = sorted((one.announcement.key, other.announcement.key))

    async def block(self) -> None:
        """Hold what Alice sends to Bob: somebody announced two keys in her name."""
        await self._give(self._block)

    async def release(self) -> None:
        """None of those keys was hers."""
        await self._give(Unblock((), tuple(self._keys)))

    async def _give(self, content: Content) -> None:
        block = self._block
        claim = block.announcements[0].announcement.claim
        order = order_of(self._server, NAME, block.alarm_id, claim, content, system_clock())
        await self._gateway._watch.orders.take(order)


@asynccontextmanager
async def behind(gateway: Gateway, person: Person, session_id: str) -> AsyncIterator[SlowLine]:
    """Somebody's line to the gateway; what is fetched waits."""
    identity = await asyncio.to_thread(person.store.identity)
    assert identity is not None
    line = SlowLine(identity, gateway.serving.server, partial(person.signer.relay_pass, session_id))
    line.begin()
    person.messages._lines[session_id] = line
    yield line
    await person.messages._lines.pop(session_id).close()


@asynccontextmanager
async def company_behind(folder: Path) -> AsyncIterator[tuple[Company, Gateway, str, list[SlowLine]]]:
    """All of a session behind one gateway; its name, and everybody's line."""
    async with AsyncExitStack() as stack:
        company = await stack.enter_async_context(gathered(folder))
        guard = {"guard_address": company.server.serving.server}
        home = make_gateway_home(folder / "gateway", company.server._home, **guard)
        gateway = await stack.enter_async_context(running_gateway(home))
        session_id = await company.session()
        lines = [await stack.enter_async_context(behind(gateway, each, session_id)) for each in company.people.values()]
        yield company, gateway, session_id, lines


async def test_whoever_looks_once_is_told_what_is_held(tmp_path: Path) -> None:
    """At once, not after half a minute; nobody is blamed, what others sent comes, and the rest when it is released."""
    async with company_behind(tmp_path) as (company, gateway, session_id, lines):
        for line in lines:
            line.may.set()
        director, bob = Director(company, gateway), company.people["bob"].messages
        await director.block()
        for name in ("alice", "alice", "carol"):
            await company.people[name].messages.send(session_id, BytesSource(b"", TEXT_TYPE), ["bob"])

        async def look() -> list[tuple[str, str]]:
            async with aclosing(bob.receive(session_id, follow=False)) as received:
                return [
                    (each.author, each.error.reason) if isinstance(each, NotReceived) else (each.statement.author, "")
                    async for each in received
                ]

        assert await look() == [("carol", ""), ("alice", "MESSAGE_HELD"), ("alice", "MESSAGE_HELD")]
        await director.release()
        assert await look() == [("alice", ""), ("alice", "")]


async def test_told_and_then_held(tmp_path: Path) -> None:
    """Bob was told of two of Alice's before the block, and gets them after it, before what she sent meanwhile."""
    async with company_behind(tmp_path) as (company, gateway, session_id, lines):
        watching = lines[1]
        bob = company.people["bob"].messages

        async def send(name: str) -> str:
            sent = await company.people[name].messages.send(session_id, BytesSource(b"", TEXT_TYPE), ["bob"])
            return sent.envelope_id

        first, second, carols = await send("alice"), await send("alice"), await send("carol")
        got: list[Message | NotReceived] = []

        async def receive() -> None:
            async with aclosing(bob.receive(session_id, follow=True)) as received:
                async for each in received:
                    got.append(each)  # noqa: PERF401  # it is looked at meanwhile

        receiving = asyncio.create_task(receive())
        await until(lambda: {first, second, carols} <= watching.asked)
        director = Director(company, gateway)
        await director.block()
        watching.may.set()
        third = await send("alice")
        await until(lambda: query(gateway._frame.home, HELD) == [(3,)])
        await until(lambda: len(got) == 2)
        await director.release()
        await until(lambda: len(got) == 5 or receiving.done())
        receiving.cancel()
        await asyncio.gather(receiving, return_exceptions=True)
        refused, *messages = got
        assert isinstance(refused, NotReceived)
        assert (refused.envelope_id, refused.error.reason) == (first, "ENVELOPE_HELD")
        assert [each.envelope_id for each in messages] == [carols, first, second, third]
        assert all(isinstance(each, Message) and each.verdict.verified for each in messages)
        assert not any(each.note for each in messages if isinstance(each, Message))
