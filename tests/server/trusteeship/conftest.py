"""Fixtures: a company with keys in trust, at a server that a module's tests share."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from fourseal.v1 import trusteeship_service_pb2 as pb

from contract.trusteeship.grants import GrantAction
from mpc.engines import Random
from mpc.four_prime_rsa import Purpose
from server.custody import ShareEngine
from server.root.application import Server
from server.root.home import Home
from tests.server.harness import MovableClock, database_path, running_server
from tests.server.trusteeship.people import OwnKey, Trustee, World, arrive, copy_home, prepare


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Everybody, prepared once."""
    return prepare(tmp_path_factory.mktemp("trust") / "server")


@dataclass
class Company:
    """A running server, its people, and the keys of acme."""

    home: Home
    server: Server
    clock: MovableClock
    people: dict[str, Trustee]
    signs: OwnKey
    decrypts: OwnKey

    def __getattr__(self, name: str) -> Trustee:
        """Somebody, by name."""
        return self.people[name]

    async def stay(self) -> None:
        """Have everybody call something, for the clock has moved, and a login that nobody uses ends."""
        for person in self.people.values():
            await person.call(person.trust.ListGrants, pb.ListGrantsRequest(page_size=1))

    async def granted(self, purpose: Purpose = Purpose.SIGN, **changed: object) -> pb.Grant:
        """A grant of Bob's, that two have approved."""
        key = self.signs if purpose is Purpose.SIGN else self.decrypts
        grant = await self.bob.ask(self.bob.asking(key, purpose, **changed))
        await self.alice.order(self.alice.ordering(grant, GrantAction.APPROVE))
        return await self.carol.order(self.carol.ordering(grant, GrantAction.APPROVE))


def change(home: Home, sql: str, *values: object) -> None:
    """Change the database from outside."""
    with closing(sqlite3.connect(database_path(home))) as connection, connection:
        connection.execute(sql, values)


@dataclass
class _Interrupted:
    """An engine before whose next exponentiation something else happens."""

    engine: ShareEngine
    act: Callable[[], None] | None

    def exponentiate(self, operations: Sequence[tuple[Any, int]], random: Random) -> list[int]:
        """What happens, once; then what is asked for."""
        act, self.act = self.act, None
        if act is not None:
            act()
        return self.engine.exponentiate(operations, random)


@contextmanager
def meanwhile(company: Company, act: Callable[[], None]) -> Iterator[None]:
    """Have something happen between the two transactions of the statement that is signed next."""
    statements = company.server._rules.trusteeship.grants._statements
    engine = statements._engine
    statements._engine = _Interrupted(engine, act)  # type: ignore[assignment]  # as far as one is needed
    try:
        yield
    finally:
        statements._engine = engine


@asynccontextmanager
async def open_company(world: World, home: Home) -> AsyncIterator[Company]:
    """A server in a folder where everybody is known."""
    clock = MovableClock()
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(running_server(home, clock=clock))
        people = {name: arrive(world, server, clock, name) for name in world.people}
        for person in people.values():
            await stack.enter_async_context(person.client)
        yield Company(home, server, clock, people, world.keys["sign"], world.keys["decrypt"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def company(world: World, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Company]:
    """Alice, Bob and Carol of acme, and Mallory."""
    async with open_company(world, copy_home(world, tmp_path_factory.mktemp("acme") / "server")) as opened:
        yield opened
