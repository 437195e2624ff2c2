"""What is deleted leaves the disk: the database file and the write-ahead log."""

from __future__ import annotations

import contextlib
import secrets
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from structlog.testing import LogCapture

from server.storage import Database
from tests.server.storage.outside import add, bytes_on_disk, execute, file_size_limit
from wire.catalogue import ServiceError

SIZES = (64, 3000, 100_000)  # within a page, most of a page, and on pages of its own


def delete(note: bytes) -> Callable[[Connection], int]:
    """A unit of work that deletes a note."""

    def unit(connection: Connection) -> int:
        return connection.execute(text("DELETE FROM notes WHERE text = :note"), {"note": note}).rowcount

    return unit


def pieces(note: bytes) -> list[bytes]:
    """Parts of a note that are short enough to lie within one page."""
    return [note[start : start + 32] for start in range(0, len(note), 512)]


@pytest.mark.parametrize("checkpointed", [True, False])
@pytest.mark.parametrize("size", SIZES)
def test_nothing_of_a_deleted_row_is_left(database: Database, path: Path, size: int, *, checkpointed: bool) -> None:
    """After its erasure not even a part of a row is on the disk, wherever it was before; other rows are."""
    secret, kept = secrets.token_bytes(size), secrets.token_bytes(size)
    database.write_now(add(secret))
    database.write_now(add(kept))
    if checkpointed:
        execute(path, "PRAGMA wal_checkpoint(FULL)")
    assert all(piece in bytes_on_disk(path) for piece in pieces(secret))
    assert database.write_now(delete(secret)) == 1
    database.erase_traces()
    on_disk = bytes_on_disk(path)
    assert not any(piece in on_disk for piece in pieces(secret))
    assert all(piece in on_disk for piece in pieces(kept))


def test_a_reader_in_the_way_defers_the_erasure(database: Database, path: Path, logged: LogCapture) -> None:
    """Who reads an old snapshot keeps its pages alive; that is told, and the next erasure takes them too."""
    secret = secrets.token_bytes(64)
    database.write_now(add(secret))
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM notes").fetchone() == (1,)
        assert database.write_now(delete(secret)) == 1
        database.erase_traces()
        assert secret in bytes_on_disk(path)
        assert [entry["event"] for entry in logged.entries] == ["erasure_deferred"]
    database.erase_traces()
    assert secret not in bytes_on_disk(path)


def test_a_full_disk_keeps_the_log_from_being_emptied(database: Database, path: Path) -> None:
    """An erasure that the disk does not allow is refused like any other work, and can be repeated."""
    secret = secrets.token_bytes(64)
    database.write_now(add(secret))
    database.write_now(add(secrets.token_bytes(100_000)))
    assert database.write_now(delete(secret)) == 1
    with file_size_limit(path.stat().st_size), pytest.raises(ServiceError) as refused:
        database.erase_traces()
    assert refused.value.reason == "STORAGE_UNAVAILABLE"
    database.erase_traces()
    assert secret not in bytes_on_disk(path)
