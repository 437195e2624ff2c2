"""The server's lower floors in this process: authority, custody and log over a real database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from server.clock import system_clock
from server.config import load_settings
from server.root.ground import Ground, open_ground
from server.root.home import Home
from server.root.setup import set_up


@contextmanager
def new_ground(folder: Path) -> Iterator[Ground]:
    """Set up a server in a folder that is not there yet, and open its ground."""
    home, log = Home(folder), structlog.get_logger()
    for _ in set_up(home, log, system_clock):
        pass
    with open_ground(home, load_settings(folder), log) as ground:
        yield ground
