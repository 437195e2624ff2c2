"""Fixtures: Alice, Bob, Carol and Mallory at a server that a module's tests share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import pytest
import pytest_asyncio
from sqlalchemy import Connection

from server.identity import RevocationReason, find_certificate, revoke_single_certificate
from server.root.application import Server
from server.root.home import Home
from tests.server.drafting.people import Drafter, arrive
from tests.server.harness import MovableClock, running_server
from tests.server.trusteeship.people import World, copy_home, prepare


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Everybody, prepared once."""
    return prepare(tmp_path_factory.mktemp("drafting") / "server")


@dataclass
class Table:
    """A running server and those who negotiate there."""

    home: Home
    server: Server
    clock: MovableClock
    alice: Drafter
    bob: Drafter
    carol: Drafter
    mallory: Drafter


@asynccontextmanager
async def open_table(world: World, home: Home) -> AsyncIterator[Table]:
    """A server in a folder where everybody is known."""
    clock = MovableClock()
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(running_server(home, clock=clock))
        people = [arrive(world, server, clock, name) for name in ("alice", "bob", "carol", "mallory")]
        for person in people:
            await stack.enter_async_context(person.client)
        yield Table(home, server, clock, *people)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def table(world: World, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Table]:
    """Everybody at one server."""
    async with open_table(world, copy_home(world, tmp_path_factory.mktemp("table") / "server")) as opened:
        yield opened


def revoke(table: Table, certificate: bytes) -> None:
    """Revoke a certificate."""
    database = table.server._ground.database

    def unit(connection: Connection) -> None:
        issued = find_certificate(connection, certificate)
        assert issued is not None
        revoke_single_certificate(connection, issued, table.clock(), RevocationReason.KEY_COMPROMISE, None)

    database.write_now(unit)
