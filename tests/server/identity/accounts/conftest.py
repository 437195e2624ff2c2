"""Fixtures: a server whose clock can be moved, and people who have registered there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.root.application import Server
from server.root.home import Home
from tests.server.harness import Client, MovableClock, enrolled, make_home, running_server
from tests.server.identity.accounts.people import Person


@pytest.fixture
def clock() -> MovableClock:
    """The server's clock, and everybody's."""
    return MovableClock()


@pytest.fixture
def messages(tmp_path: Path) -> Path:
    """Where text messages are written to."""
    return tmp_path / "messages"


@pytest.fixture
def account_home(tmp_path: Path, messages: Path) -> Home:
    """A server's folder, with text messages to a file."""
    return make_home(tmp_path / "accounts", sms_provider="file", sms_file=str(messages))


@pytest.fixture
async def account_server(account_home: Home, clock: MovableClock) -> AsyncIterator[Server]:
    """A server in this process, over real TLS."""
    async with running_server(account_home, clock=clock) as running:
        yield running


@pytest.fixture
async def laptop(account_home: Home, account_server: Server) -> AsyncIterator[Client]:
    """Alice's agent."""
    async with await enrolled(account_home, account_server, "laptop") as client:
        yield client


@pytest.fixture
async def thief(account_home: Home, account_server: Server) -> AsyncIterator[Client]:
    """Another agent, who is up to something."""
    async with await enrolled(account_home, account_server, "thief") as client:
        yield client


@pytest.fixture
async def alice(laptop: Client, clock: MovableClock) -> Person:
    """Alice has registered, and is not logged in."""
    person = Person("alice", laptop, clock)
    await person.register()
    return person


@pytest.fixture
async def logged_in(alice: Person) -> Person:
    """Alice is logged in."""
    await alice.log_in()
    return alice


@pytest.fixture
async def mallory(thief: Client, clock: MovableClock) -> Person:
    """Mallory has an account, and is logged in."""
    person = Person("mallory", thief, clock)
    await person.register()
    await person.log_in()
    return person
