"""A media server, a gateway before it, and members of a session who know the gateway alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from server.root.home import Home
from server.root.media import MediaServer
from server.storage import Database
from server.storage.migrate import upgrade
from server.storage.sqlite import SqliteBackend
from tests.server.gateway.gateway import make_gateway_home, running_gateway
from tests.server.harness import silent_log
from tests.server.relay.media import Member, make_media_home, members, running_media


@pytest.fixture
def media_home(tmp_path: Path) -> Home:
    """A media server's folder, set up and not started."""
    return make_media_home(tmp_path / "media")


@pytest.fixture
async def media(media_home: Home) -> AsyncIterator[MediaServer]:
    """A media server, over real TLS."""
    async with running_media(media_home) as server:
        yield server


@pytest.fixture
async def gateway_home(tmp_path: Path, media_home: Home, media: MediaServer) -> AsyncIterator[Home]:
    """The folder of a gateway that serves before it."""
    del media  # it serves
    home = make_gateway_home(tmp_path / "gateway", media_home)
    async with running_gateway(home):
        yield home


@pytest.fixture
async def people(gateway_home: Home) -> AsyncIterator[list[Member]]:
    """Alice, Bob and Carol in one session, behind the gateway."""
    async with members(gateway_home, "alice", "bob", "carol") as made:
        yield made


@pytest.fixture
def own_database(tmp_path: Path) -> Iterator[Database]:
    """The database of a gateway that does not run."""
    backend = SqliteBackend(tmp_path / "gateway.db")
    backend.create()
    upgrade(backend)
    opened = Database(backend, silent_log())
    yield opened
    opened.close()
