"""Fixtures of the server's tests: a home folder, a server in this process, an enrolled client, a joint key."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.root.application import Server
from server.root.home import Home
from tests.server.harness import Client, ClientKey, enrolled, make_home, running_server


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A server's folder, set up and not started."""
    return make_home(tmp_path / "server")


@pytest.fixture
async def server(home: Home) -> AsyncIterator[Server]:
    """A server in this process, over real TLS."""
    async with running_server(home) as running:
        yield running


@pytest.fixture
async def alice(home: Home, server: Server) -> AsyncIterator[Client]:
    """An enrolled agent."""
    async with await enrolled(home, server, "alice") as client:
        yield client


@pytest.fixture
async def mallory(home: Home, server: Server) -> AsyncIterator[Client]:
    """Another enrolled agent, who is up to something."""
    async with await enrolled(home, server, "mallory") as client:
        yield client


@pytest.fixture
async def key(alice: Client) -> ClientKey:
    """A joint signing key of Alice's."""
    return await alice.generate()
