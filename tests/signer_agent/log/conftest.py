"""Shared by the tests of the log's watch."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from server.root.application import Server
from server.root.home import Home as ServerHome
from signer_agent.keystore.store import KeyStore
from signer_agent.log.watch import LogWatch
from tests.server.harness import make_home, running_server
from tests.signer_agent.log.logs import copied, enrol_agent, grow, opened, watching


@dataclass
class Scene:
    """A server with a log, a backup of it from when it was shorter, and Alice and Bob, who are enrolled."""

    home: ServerHome
    backup: ServerHome
    alice: KeyStore
    bob: KeyStore
    stack: AsyncExitStack

    async def run(self, home: ServerHome) -> Server:
        """Start a server."""
        return await self.stack.enter_async_context(running_server(home))

    async def watch(self, store: KeyStore, server: Server, silent_after: timedelta | None = None) -> LogWatch:
        """An agent's watch of a server."""
        return await self.stack.enter_async_context(watching(store, server.serving.server, silent_after))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once, to be copied: a server that does not run, with three entries in its log, and two agents."""
    made = tmp_path_factory.mktemp("made")

    async def make() -> None:
        home = make_home(made / "server")
        async with running_server(home) as server:
            for name in ("alice", "bob"):
                await enrol_agent(made, home, server, name)
            await grow(server, 3)

    with ThreadPoolExecutor(1) as executor:
        executor.submit(asyncio.run, make()).result()
    return made


@pytest.fixture
async def scene(folder: Path, tmp_path: Path) -> AsyncIterator[Scene]:
    """Copies of all that, and a second one of the server."""
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    home = ServerHome(tmp_path / "server")
    async with AsyncExitStack() as stack:
        alice, bob = (opened(tmp_path / name) for name in ("alice", "bob"))
        yield Scene(home, copied(home, tmp_path / "backup"), alice, bob, stack)
