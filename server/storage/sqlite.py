"""SQLite, as a database that keeps what it acknowledged.

* WAL with synchronous=FULL: a commit returns after fsync, readers never wait for the writer.
* secure_delete: what is deleted is overwritten with zeros; ``erase_traces`` does the same to the write-ahead log.
* Our own processes write one after the other, by a lock beside the database: SQLite's own would have them ask again and
  again, and give up by chance. That one is left for other programs, which are waited for two seconds.
* A database file that is deleted or replaced under a running server would go on "working" in an unlinked file: all
  that was acknowledged from then on would be lost. So the file's identity is compared before every group.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool, QueuePool

from server.errors import OperatorError
from server.storage.file_lock import FileLock

_BUSY_TIMEOUT_SECONDS = 2.0
_CACHED_STATEMENTS = 256
_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA cell_size_check = ON",
    "PRAGMA temp_store = MEMORY",
)


class ReadingDialect(SQLiteDialect_pysqlite):
    """SQLAlchemy's, for engines that read. It begins transactions by itself.

    An event of the engine's could do that too; but where there is one event, SQLAlchemy looks for all others, with
    every statement, which is a tenth of the time that a statement takes.
    """

    supports_statement_cache = True
    begins = "BEGIN"

    def do_begin(self, dbapi_connection: Any) -> None:  # noqa: ANN401  # SQLAlchemy's signature
        """Begin."""
        dbapi_connection.execute(self.begins)


class WritingDialect(ReadingDialect):
    """For engines that write: their transactions hold the write lock from their start."""

    supports_statement_cache = True
    begins = "BEGIN IMMEDIATE"


registry.register("sqlite.reading", __name__, "ReadingDialect")
registry.register("sqlite.writing", __name__, "WritingDialect")


class DatabaseGone(Exception):
    """The database file is not there any more, or is another one."""


class SqliteBackend:
    """One database file.

    Args:
        path: the file. It must exist, unless ``create`` is called first.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._identity: tuple[int, int] | None = None
        self._lost = False

    def create(self) -> None:
        """Make an empty file that only its owner can open; an existing one stays as it is.

        Raises:
            OperatorError: the folder cannot be written.
        """
        try:
            self._path.touch(mode=0o600, exist_ok=True)
        except OSError as error:
            raise OperatorError(
                f"the database {self._path} cannot be made: {error.strerror}", "Check the folder and its owner."
            ) from error

    def open_writer(self) -> Engine:
        """An engine whose transactions hold the write lock from their start."""
        return create_engine("sqlite+writing://", creator=self._connect, poolclass=NullPool, hide_parameters=True)

    def open_lock(self) -> FileLock:
        """The lock that whoever writes must hold.

        Raises:
            OperatorError: the folder cannot be written.
        """
        path = self._path.with_name(f"{self._path.name}-lock")
        try:
            return FileLock(path)
        except OSError as error:
            raise OperatorError(
                f"{path} cannot be opened: {error.strerror}", "Check the folder and its owner."
            ) from error

    def open_readers(self, count: int) -> Engine:
        """An engine of at most ``count`` connections that cannot write."""
        return create_engine(
            "sqlite+reading://",
            creator=self._connect_reader,
            poolclass=QueuePool,
            pool_size=count,
            max_overflow=0,
            hide_parameters=True,
        )

    def check_present(self) -> None:
        """See that the file is the one that was opened first. Once it was another or none, only a restart helps.

        Raises:
            DatabaseGone: it is not.
        """
        try:
            found = self._path.stat()
        except FileNotFoundError:
            self._lost = self._identity is not None
            raise DatabaseGone("the database file is not there") from None
        except OSError as error:
            raise DatabaseGone(f"the database file cannot be reached: {error.strerror}") from error
        identity = (found.st_dev, found.st_ino)
        if self._identity is None:
            self._identity = identity
        if self._lost or self._identity != identity:
            self._lost = True
            raise DatabaseGone("the database file was replaced under the running server")

    def erase_traces(self, connection: Connection) -> bool:
        """Take what was deleted out of the write-ahead log too. Not inside a transaction.

        secure_delete has put zeros in its place; in the log they stand behind the deleted rows until a checkpoint.

        Returns:
            False if a reader was in the way. It is not waited for: it may be a backup, and others want to write.

        Raises:
            OperationalError: the disk is full or faulty.
        """
        driver_connection = cast(sqlite3.Connection, connection.connection.driver_connection)
        ((patience,),) = driver_connection.execute("PRAGMA busy_timeout")
        driver_connection.execute("PRAGMA busy_timeout = 0")
        try:
            busy, _, _ = driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.Error as error:  # this close to the driver nobody else translates it
            raise OperationalError("PRAGMA wal_checkpoint(TRUNCATE)", None, error) from error
        finally:
            driver_connection.execute(f"PRAGMA busy_timeout = {patience:d}")
        return not busy

    def damage(self, connection: Connection) -> list[str]:
        """What SQLite finds wrong with the file; empty if it is sound."""
        findings = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA quick_check(10)")]
        return [] if findings == ["ok"] else findings

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"file:{quote(str(self._path))}?mode=rw",  # never make a new, empty database in the place of a lost one
            uri=True,
            timeout=_BUSY_TIMEOUT_SECONDS,
            isolation_level=None,  # the dialect says how a transaction starts
            check_same_thread=False,
            cached_statements=_CACHED_STATEMENTS,
        )
        try:
            for pragma in _PRAGMAS:
                connection.execute(pragma)
        except UnicodeDecodeError:  # SQLite's message quotes a schema that is damaged
            connection.close()
            raise sqlite3.DatabaseError("the schema is damaged") from None
        return connection

    def _connect_reader(self) -> sqlite3.Connection:
        connection = self._connect()
        connection.execute("PRAGMA query_only = ON")
        return connection
