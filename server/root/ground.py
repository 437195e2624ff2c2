"""The lower floors, opened for a home folder: what the server and the operator's commands both need."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import structlog

from server.clock import Clock, system_clock
from server.config import Settings
from server.custody import Custody
from server.errors import OperatorError
from server.root.home import Home
from server.storage import Database
from server.storage.backend import Backend, backend_of
from server.storage.revision import SchemaState, schema_state


@dataclass(frozen=True, slots=True)
class Ground:
    """An open database, and custody over it. Use as a context manager."""

    backend: Backend
    database: Database
    custody: Custody
    clock: Clock

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.database.close()


def open_ground(
    home: Home, settings: Settings, log: structlog.stdlib.BoundLogger, clock: Clock = system_clock
) -> Ground:
    """Open database and custody. A database of an older version is brought up to date first.

    Raises:
        OperatorError: no database, or a newer one's; no master key, or another one's.
    """
    backend = backend_of(home.database_url(settings))
    database = open_database(backend, log)
    try:
        custody = Custody(database, home.master_key(settings), secrets.token_bytes, capacity=settings.opened_shares)
        database.read_now(custody.check)
    except OperatorError:
        database.close()
        raise
    return Ground(backend, database, custody, clock)


def open_database(backend: Backend, log: structlog.stdlib.BoundLogger) -> Database:
    """Open a database. One of an older version is brought up to date first.

    Raises:
        OperatorError: no database, or a newer one's.
    """
    if schema_state(backend) is SchemaState.OLDER:
        upgrade_schema(backend)
        log.info("schema_upgraded")
    return Database(backend, log)


def upgrade_schema(backend: Backend) -> None:
    """Bring the database's schema up to this program's."""
    from server.storage.migrate import upgrade  # noqa: PLC0415  # slow to import, and hardly ever needed

    upgrade(backend)
