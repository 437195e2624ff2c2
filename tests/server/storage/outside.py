"""The database as somebody else sees it, and ways to hold up the writer and to take the disk away."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, text

from server.storage import Database

_WAIT_SECONDS = 30.0


def execute(path: Path, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """Run one statement by a connection of its own, without any code of the server."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return connection.execute(sql, values).fetchall()


def notes(path: Path) -> list[str]:
    """What is committed."""
    return [row[0] for row in execute(path, "SELECT text FROM notes ORDER BY rowid")]


def add(note: str | bytes) -> Callable[[Connection], str | bytes]:
    """A unit of work that adds a note, and returns it."""

    def unit(connection: Connection) -> str | bytes:
        connection.execute(text("INSERT INTO notes (text) VALUES (:note)"), {"note": note})
        return note

    return unit


def bytes_on_disk(path: Path) -> bytes:
    """The database file, and its logs."""
    return b"".join(part.read_bytes() for part in sorted(path.parent.glob(f"{path.name}*")))


@contextlib.contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """No file of this process can grow beyond ``size`` bytes: for whoever writes, the disk is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


class HeldWriter:
    """While in the context the writer is busy, so that all that is queued meanwhile becomes one group.

    Args:
        database: whose writer.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._entered = threading.Event()
        self._release = threading.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._database.write(self._hold))
        assert await asyncio.to_thread(self._entered.wait, _WAIT_SECONDS)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._release.set()
        await self._task

    def _hold(self, _: Connection) -> None:
        self._entered.set()
        assert self._release.wait(_WAIT_SECONDS)


async def queue(database: Database, *units: Callable[[Connection], Any]) -> list[asyncio.Task[Any]]:
    """Queue units of work in this order, to be awaited later."""
    tasks = [asyncio.create_task(database.write(unit)) for unit in units]
    await asyncio.sleep(0)  # each runs until it has queued its unit
    return tasks
