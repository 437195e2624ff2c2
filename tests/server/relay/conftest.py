"""A media server in this process, and members of a session."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.root.home import Home
from server.root.media import MediaServer
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
async def people(media_home: Home, media: MediaServer) -> AsyncIterator[list[Member]]:
    """Alice, Bob and Carol in one session."""
    del media  # it serves
    async with members(media_home, "alice", "bob", "carol") as made:
        yield made
