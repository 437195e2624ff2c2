"""Which schema a database has, and whether this program can work with it. Fast: needs no migration tool."""

from __future__ import annotations

from enum import Enum

from sqlalchemy import column, inspect, select, table
from sqlalchemy.exc import DBAPIError

from server.errors import OperatorError
from server.storage.backend import Backend, cause_of
from server.storage.sqlite import DatabaseGone

REVISIONS = (
    *("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010"),
    *("0011", "0012", "0013", "0014", "0015", "0016", "0017", "0018", "0019", "0020", "0021", "0022", "0023"),
    *("0024", "0025", "0026", "0027", "0028", "0029", "0030", "0031", "0032", "0033", "0034", "0035", "0036"),
)
"""All schemas there ever were, oldest first; the last is this program's."""

_version_table = table("alembic_version", column("version_num"))


class SchemaState(Enum):
    """How a database's schema stands to this program."""

    EMPTY = "empty"
    OLDER = "older"
    CURRENT = "current"
    NEWER = "newer"


def schema_state(backend: Backend) -> SchemaState:
    """Look at a database's schema.

    Raises:
        OperatorError: the database cannot be opened.
    """
    engine = backend.open_readers(1)
    try:
        backend.check_present()
        with engine.connect() as connection:
            if not inspect(connection).has_table(_version_table.name):
                return SchemaState.EMPTY
            found = connection.execute(select(_version_table.c.version_num)).scalar_one_or_none()
    except (DBAPIError, DatabaseGone) as error:
        raise OperatorError(
            f"the database cannot be opened: {cause_of(error)}",
            "Check the file, its owner and the free space, or run fourseal-server init for a new one.",
        ) from error
    finally:
        engine.dispose()
    if found is None:
        return SchemaState.EMPTY
    if found == REVISIONS[-1]:
        return SchemaState.CURRENT
    return SchemaState.OLDER if found in REVISIONS else SchemaState.NEWER


def check_revision(backend: Backend) -> None:
    """Refuse a database whose schema is not exactly this program's.

    Raises:
        OperatorError: it is empty, older, or newer than the program knows.
    """
    state = schema_state(backend)
    if state is SchemaState.EMPTY:
        raise OperatorError("the database is empty", "Run fourseal-server init.")
    if state is SchemaState.OLDER:
        raise OperatorError("the database has an older schema", "Run fourseal-server init to bring it up to date.")
    if state is SchemaState.NEWER:
        raise OperatorError(
            "the database was written by a newer version of Fourseal, which this one does not understand",
            "Install that version again, or restore the backup that was made before the upgrade.",
        )
