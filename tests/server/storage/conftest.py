"""Fixtures of the storage tests: a migrated database with a table to play with, and a log that is kept."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from structlog.testing import LogCapture

from server.storage import Database
from server.storage.migrate import upgrade
from server.storage.sqlite import SqliteBackend
from tests.server.storage.outside import execute


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with this program's schema and the table ``notes``, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "template.db"
    backend = SqliteBackend(path)
    backend.create()
    upgrade(backend)
    execute(path, "CREATE TABLE notes (text BLOB NOT NULL UNIQUE)")
    execute(path, "PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@pytest.fixture
def path(migrated: Path, tmp_path: Path) -> Path:
    """The database file of one test."""
    return Path(shutil.copy(migrated, tmp_path / "fourseal.db"))


@pytest.fixture
def backend(path: Path) -> SqliteBackend:
    """The database, not opened yet."""
    return SqliteBackend(path)


@pytest.fixture
def logged() -> LogCapture:
    """What the database logs."""
    return LogCapture()


@pytest.fixture
def log(logged: LogCapture) -> structlog.stdlib.BoundLogger:
    """The log that ``logged`` keeps."""
    log: structlog.stdlib.BoundLogger = structlog.wrap_logger(None, processors=[logged])
    return log


@pytest.fixture
def database(backend: SqliteBackend, log: structlog.stdlib.BoundLogger) -> Iterator[Database]:
    """The database, open."""
    opened = Database(backend, log)
    yield opened
    opened.close()
