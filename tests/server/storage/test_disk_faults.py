"""Faults of a real disk under a real database: refused while they last, and well again where that can be."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, Table, Text, insert, select

from server.errors import OperatorError
from server.root.home import Home
from server.storage import Database
from server.storage.backend import backend_of
from tests.server.harness import IMPORT_ROOTS, database_path, silent_log
from wire.catalogue import ServiceError

letters = Table(
    "letters", MetaData(), Column("number", Integer, primary_key=True), Column("text", Text, nullable=False)
)


def adder(number: int, text: str = "x") -> Callable[[Connection], int]:
    """A unit of work."""

    def add(connection: Connection) -> int:
        connection.execute(insert(letters), {"number": number, "text": text})
        return number

    return add


def list_letters(connection: Connection) -> list[int]:
    """A query."""
    return [row.number for row in connection.execute(select(letters.c.number).order_by(letters.c.number))]


@pytest.fixture
def database(home: Home) -> Iterator[Database]:
    """The database of a home folder, with a table to write to."""
    opened = Database(backend_of(f"sqlite:///{database_path(home)}"), silent_log())
    opened.write_now(letters.create)
    yield opened
    opened.close()


async def test_commit_is_synchronous(database: Database) -> None:
    """SQLite is told to wait for the disk at every commit, and to overwrite what is deleted."""
    settings = {name: await database.write(_pragma(name)) for name in ("synchronous", "secure_delete", "journal_mode")}
    assert settings == {"synchronous": 2, "secure_delete": 1, "journal_mode": "wal"}


def _pragma(name: str) -> Callable[[Connection], object]:
    return lambda connection: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()


async def test_readers_cannot_write(database: Database) -> None:
    """A query that writes is stopped by the database."""
    with pytest.raises(ServiceError) as refused:
        await database.read(adder(1))
    assert refused.value.reason == "STORAGE_UNAVAILABLE"


async def test_closed_database_refuses(home: Home) -> None:
    """After close nothing is taken any more, and nothing hangs."""
    database = Database(backend_of(f"sqlite:///{database_path(home)}"), silent_log())
    database.close()
    with pytest.raises(ServiceError, match="cannot be read or written"):
        await database.write(lambda _: None)


async def test_database_locked_by_another(home: Home, database: Database) -> None:
    """A lock that stays is a refusal after the busy timeout, not a hang; then all is well."""
    outside = sqlite3.connect(database_path(home), isolation_level=None)
    outside.execute("BEGIN IMMEDIATE")
    with pytest.raises(ServiceError) as refused:
        await database.write(adder(1))
    assert refused.value.reason == "STORAGE_UNAVAILABLE"
    outside.execute("ROLLBACK")
    outside.close()
    await database.write(adder(1))


async def test_deleted_database_is_noticed(home: Home, database: Database) -> None:
    """A deleted file would go on taking writes that nobody can read: refused, also when a file comes back."""
    path = database_path(home)
    kept = path.with_name("kept")
    shutil.copy(path, kept)
    path.unlink()
    for use in (database.write, database.read):
        with pytest.raises(ServiceError) as refused:
            await use(lambda _: None)
        assert refused.value.reason == "STORAGE_UNAVAILABLE"
    assert not path.exists()
    shutil.copy(kept, path)
    with pytest.raises(ServiceError):
        await database.write(adder(1))


async def test_damaged_database_is_refused(home: Home, database: Database) -> None:
    """Pages that are no pages any more are not served."""
    await database.write(_many_letters)
    database.close()
    path = database_path(home)
    with path.open("r+b") as file:
        file.seek(4096 * 2)
        file.write(os.urandom(path.stat().st_size - 4096 * 3))
    with pytest.raises((OperatorError, ServiceError)):  # noqa: PT012  # either at the start or at the first reading
        reopened = Database(backend_of(f"sqlite:///{path}"), silent_log())
        try:
            await reopened.read(
                lambda connection: connection.exec_driver_sql("SELECT sum(length(text)) FROM letters").all()
            )
        finally:
            reopened.close()


def test_read_only_database(home: Home) -> None:
    """A database that cannot be written is refused, by start and by write, and stays as it is."""
    path = database_path(home)
    before = path.read_bytes()
    script = (
        "import os, sys; from server.storage import Database; from server.storage.backend import backend_of;"
        "from tests.server.harness import silent_log;"
        "os.getuid() or os.setuid(65534);"  # root may write anything
        "Database(backend_of('sqlite:///' + sys.argv[1]), silent_log()).write_now("
        "lambda connection: connection.exec_driver_sql('DELETE FROM operations'))"
    )
    for folder in (path.parent, *path.parent.parents[:2]):
        folder.chmod(0o755)
    path.chmod(0o444)
    path.parent.chmod(0o555)
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(IMPORT_ROOTS)},
    )
    path.parent.chmod(0o755)
    assert done.returncode == 1
    assert "readonly" in done.stderr or "STORAGE_UNAVAILABLE" in done.stderr or "cannot be opened" in done.stderr
    assert path.read_bytes() == before


def _many_letters(connection: Connection) -> None:
    connection.execute(insert(letters), [{"number": number, "text": "z" * 500} for number in range(2000)])
