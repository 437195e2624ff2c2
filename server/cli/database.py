"""The database of a home folder, for commands that read and write a little beside a running server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TypeVar

from sqlalchemy import Connection

from server.config import Settings, load_settings
from server.errors import OperatorError
from server.root.home import Home
from server.root.log import configure_log
from server.storage import Database
from server.storage.backend import backend_of

T = TypeVar("T")


def settings_of(home: Home) -> Settings:
    """The configuration of a home folder that has been set up.

    Raises:
        OperatorError: there is no such folder, or the configuration is wrong.
    """
    if not home.folder.is_dir():
        raise OperatorError(f"there is no folder {home.folder}", f"Run fourseal-server init --home {home.folder}.")
    return load_settings(home.folder)


@contextmanager
def opened(home: Home) -> Iterator[Database]:
    """The database, for a command that goes on for some time. Raises as ``in_database``."""
    with closing(_open(home)) as database:
        yield database


def from_database(home: Home, query: Callable[[Connection], T]) -> T:
    """Run a long query on one snapshot, beside whoever writes. Raises as ``in_database``."""
    with closing(_open(home)) as database:
        return database.read_now(query)


def in_database(home: Home, unit: Callable[[Connection], T]) -> T:
    """Run one unit of work; returns after its commit.

    Raises:
        OperatorError: no database, or one of another version.
        ServiceError: STORAGE_UNAVAILABLE.
    """
    with closing(_open(home)) as database:
        return database.write_now(unit)


def _open(home: Home) -> Database:
    return Database(backend_of(home.database_url(settings_of(home))), configure_log("error"))
