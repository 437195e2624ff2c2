"""What a database must offer to ``Database``, and which one a URL means."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, Engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, IntegrityError, OperationalError

from server.errors import OperatorError
from server.storage.file_lock import FileLock
from server.storage.sqlite import DatabaseGone, SqliteBackend


class Backend(Protocol):
    """A kind of database. The one place where kinds differ."""

    def create(self) -> None:
        """Make the empty database if it is not there."""

    def open_writer(self) -> Engine:
        """An engine whose transactions exclude other writers from their start."""

    def open_lock(self) -> FileLock:
        """The lock that whoever writes must hold: so our processes write one after the other."""

    def open_readers(self, count: int) -> Engine:
        """An engine of at most ``count`` connections that cannot write."""

    def check_present(self) -> None:
        """See that the database is still the one that was opened; raises ``DatabaseGone``."""

    def erase_traces(self, connection: Connection) -> bool:
        """Take deleted rows out of the database's logs too, as far as it keeps any; False: try again later."""

    def damage(self, connection: Connection) -> list[str]:
        """What the database finds wrong with itself; empty if it is sound."""


def backend_of(url: str) -> Backend:
    """The backend that a database URL names.

    Args:
        url: ``sqlite:///`` and the path of a file.

    Raises:
        OperatorError: no such URL, or a kind that is not supported.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise OperatorError("the database URL cannot be read", "Write it like sqlite:////var/lib/x.db.") from None
    if parsed.get_backend_name() != "sqlite" or not parsed.database or parsed.database == ":memory:":
        raise OperatorError(
            f"the database URL names {parsed.get_backend_name()}, which this version cannot use",
            "Use sqlite:/// and the path of a file.",
        )
    return SqliteBackend(Path(parsed.database))


def is_unavailable(error: Exception) -> bool:
    """Whether an error means that the database cannot serve now: full, locked, read-only, damaged, gone.

    All else (a broken constraint, a wrong statement) is a mistake of this program.
    """
    if isinstance(error, DatabaseGone | OperationalError):
        return True
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    return type(error) is DatabaseError and not isinstance(error, IntegrityError)


def cause_of(error: Exception) -> str:
    """What the driver says, for the log: never a statement's parameters."""
    return str(error.orig) if isinstance(error, DBAPIError) else str(error)
