"""Fixtures: a server where everybody is known, and a session of Alice, Bob and Carol in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from server.root.application import Server
from server.root.home import Home
from tests.server.harness import MovableClock, running_server
from tests.server.sessions.people import JOINT, SEPARATE, Session, Signer, World, arrive, copy_home, prepare


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Everybody, prepared once."""
    return prepare(tmp_path_factory.mktemp("world") / "server", (*JOINT, *SEPARATE))


@pytest.fixture
def clock(world: World) -> MovableClock:
    """Everybody's clock, as far as it went in the preparation."""
    clock = MovableClock()
    clock.move(world.offset)
    return clock


@pytest.fixture
def session_home(world: World, tmp_path: Path) -> Home:
    """A server's folder where everybody is known."""
    return copy_home(world, tmp_path / "sessions")


@pytest.fixture
async def session_server(session_home: Home, clock: MovableClock) -> AsyncIterator[Server]:
    """A server there, in this process."""
    async with running_server(session_home, clock=clock) as running:
        yield running


@pytest.fixture
async def people(world: World, session_server: Server, clock: MovableClock) -> AsyncIterator[dict[str, Signer]]:
    """Everybody, by name."""
    async with AsyncExitStack() as stack:
        made = {name: arrive(world, session_server.serving, clock, name) for name in world.people}
        for person in made.values():
            await stack.enter_async_context(person.client)
        yield made


@pytest.fixture
def alice(people: dict[str, Signer]) -> Signer:
    """Creates sessions."""
    return people["alice"]


@pytest.fixture
def bob(people: dict[str, Signer]) -> Signer:
    """Joins them."""
    return people["bob"]


@pytest.fixture
def carol(people: dict[str, Signer]) -> Signer:
    """Joins them too."""
    return people["carol"]


@pytest.fixture
def mallory(people: dict[str, Signer]) -> Signer:
    """Has an account and keys, and is up to something."""
    return people["mallory"]


@pytest.fixture
async def session(alice: Signer, bob: Signer) -> Session:
    """A session of Alice and Bob; Carol is invited."""
    made = await alice.create("bob", "carol")
    await bob.join(made.session_id)
    return await alice.get(made.session_id)
