"""A server, agents and a key that last for a module, for tests that leave them as they were.

A module takes them by naming them: ``home, server = lasting.home, lasting.server``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from server.root.application import Server
from server.root.home import Home
from tests.server.harness import Client, ClientKey, enrolled, make_home, running_server

_of_a_module = pytest_asyncio.fixture(scope="module", loop_scope="module")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A server's folder, set up and not started."""
    return make_home(tmp_path_factory.mktemp("lasting") / "server")


@_of_a_module
async def server(home: Home) -> AsyncIterator[Server]:
    """A server in this process, over real TLS."""
    async with running_server(home) as running:
        yield running


@_of_a_module
async def alice(home: Home, server: Server) -> AsyncIterator[Client]:
    """An enrolled agent."""
    async with await enrolled(home, server, "alice") as client:
        yield client


@_of_a_module
async def mallory(home: Home, server: Server) -> AsyncIterator[Client]:
    """Another enrolled agent, who is up to something."""
    async with await enrolled(home, server, "mallory") as client:
        yield client


@_of_a_module
async def key(alice: Client) -> ClientKey:
    """A joint signing key of Alice's."""
    return await alice.generate()
