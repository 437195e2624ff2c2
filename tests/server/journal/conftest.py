"""Fixtures of the journal's tests: a database file, and a journal on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from server.root.home import Home
from tests.server.harness import database_path
from tests.server.journal.journals import Journal, journal_on


@pytest.fixture
def path(home: Home) -> Path:
    """The database file."""
    return database_path(home)


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    """A journal on it."""
    with journal_on(path) as opened:
        yield opened
