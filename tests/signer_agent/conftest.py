"""Shared by the tests of the signer agent."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from signer_agent.home import Home
from signer_agent.keystore.sealing import Passphrase
from signer_agent.keystore.store import KeyStore
from tests import cheap
from tests.signer_agent.real import RealServer
from tests.signer_agent.stores import PASSPHRASE


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Key stores cost little in these tests, but for programs that are started as users start them.

    pytest calls this for the tests of every folder, those of the benchmark too.
    """
    here, folders = Path(__file__).parent, {"cli", "daemon", "log"}
    if here not in item.path.parents or item.get_closest_marker("full_cost") or item.path.parent.name in folders:
        return (yield)
    with cheap.cheap_stores():
        return (yield)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A place for an agent, not made yet."""
    return Home.find(tmp_path / "agent")


@pytest.fixture
def store(home: Home) -> KeyStore:
    """An empty key store."""
    return KeyStore.create(home, Passphrase(PASSPHRASE))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    """A real server, as a process of its own."""
    with RealServer(tmp_path_factory.mktemp("server") / "home") as running:
        yield running
