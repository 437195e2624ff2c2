"""When SQLite's locks are taken: a writer's with its transaction, a reader's never."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import text

from server.storage.sqlite import SqliteBackend
from tests.server.storage.outside import execute


def test_a_writer_holds_the_lock_from_its_first_moment(backend: SqliteBackend, path: Path) -> None:
    """Before its first statement: what it reads then is what it writes upon."""
    engine = backend.open_writer()
    with engine.connect() as connection, connection.begin():
        assert locked(path)
    assert not locked(path)
    engine.dispose()


def test_a_reader_sees_one_moment_and_locks_nobody_out(backend: SqliteBackend, path: Path) -> None:
    """All of its statements are of the moment of the first."""
    engine = backend.open_readers(1)
    with engine.connect() as connection:
        count = text("SELECT count(*) FROM notes")
        before = connection.execute(count).scalar_one()
        assert not locked(path)
        execute(path, "INSERT INTO notes (text) VALUES ('meanwhile')")
        assert connection.execute(count).scalar_one() == before
    with engine.connect() as connection:
        assert connection.execute(count).scalar_one() == before + 1
    engine.dispose()


def locked(path: Path) -> bool:
    """Whether nobody else may write now."""
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as other:
        try:
            other.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        other.execute("ROLLBACK")
        return False
