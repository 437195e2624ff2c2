"""The lower floors, opened for a home folder: what the server and the operator's commands both need."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Self

import structlog

from server.clock import Clock, system_clock
from server.config import Settings
from server.custody import Custody
from server.errors import OperatorError
from server.journal.log import LogAppender, LogKey, open_log_key
from server.root.holder import open_holder
from server.root.home import Home
from server.storage import Database
from server.storage.backend import Backend, backend_of
from server.storage.revision import SchemaState, schema_state


@dataclass(frozen=True, slots=True)
class Ground:
    """An open database, custody over it, and its log. Use as a context manager."""

    backend: Backend
    database: Database
    custody: Custody
    log_key: LogKey
    clock: Clock

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the threads, and close the database."""
        self.custody.shares.holder.close()
        self.database.close()


def open_ground(
    home: Home, settings: Settings, log: structlog.stdlib.BoundLogger, clock: Clock = system_clock
) -> Ground:
    """Open database, custody and log. A database of an older version is brought up to date first.

    Raises:
        OperatorError: no database, or a newer one's; no master key, or another one's; another log's origin.
    """
    backend = backend_of(home.database_url(settings))
    database = open_database(backend, log)
    try:
        custody = Custody(
            database,
            home.master_key(settings),
            secrets.token_bytes,
            capacity=settings.opened_shares,
            open_holder=partial(open_holder, home, settings, database, log, clock),
        )
        database.read_now(custody.check)
        log_key = open_log(database, custody, settings, clock)
    except OperatorError:
        database.close()
        raise
    return Ground(backend, database, custody, log_key, clock)


def open_log(database: Database, custody: Custody, settings: Settings, clock: Clock) -> LogKey:
    """Open the log of a database, begun if there is none, and let it take entries from now on.

    Raises:
        OperatorError: its key does not open, or it has another origin than the settings say.
    """
    key = open_log_key(database, custody.sealer, settings.log_origin, secrets.token_bytes, clock())
    database.before_commit(LogAppender(key, secrets.token_bytes))
    return key


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
