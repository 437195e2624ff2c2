"""Shared by the tests of the agent's side of the protocol."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from signer_agent.client.agent import LocalAgent
from signer_agent.home import Home
from signer_agent.keystore.sealing import Passphrase
from signer_agent.keystore.store import KeyStore
from tests.signer_agent.cheating_server import CheatingServer, cheating_server
from tests.signer_agent.client.scene import Scene, identity_at
from tests.signer_agent.stores import PASSPHRASE


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[CheatingServer, Home, KeyStore]]:
    """A server and an enrolled key store, for all tests."""
    home = Home.find(tmp_path_factory.mktemp("cheated") / "agent")
    store = KeyStore.create(home, Passphrase(PASSPHRASE))
    with cheating_server() as server:
        store.save_identity(identity_at(server))
        yield server, home, store


@pytest.fixture
async def scene(place: tuple[CheatingServer, Home, KeyStore]) -> AsyncIterator[Scene]:
    """An agent with two keys, and a server that is honest until it is told otherwise."""
    server, home, store = place
    server.behaviour.reset()
    agent = LocalAgent(store)
    keys = {}
    for purpose in ("sign", "decrypt"):
        request_id = f"the-key-of-alice-to-{purpose}"
        keys[purpose] = await agent.generate_key(purpose, half_bits=2048, request_id=request_id)
    server.behaviour.seen.clear()
    yield Scene(server, home, store, agent, keys["sign"], keys["decrypt"])
    await agent.close()
