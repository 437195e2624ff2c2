"""What units of work leave to be done at the end of their transaction, once for all of them together.

A unit stages items; the work that ``Database.before_commit`` was given gets all of them, in order, after the last unit
and before the commit. What a unit staged that is rolled back goes with it. All units of a transaction run one after the
other, so a unit may look at what is staged so far.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection

BeforeCommit = Callable[[Connection, list[Any]], None]
"""Does what was staged. What it raises fails the whole transaction: it must refuse no single unit's work."""

_STAGED = "fourseal.staged"


def open_staging(connection: Connection) -> list[Any]:
    """Begin anew, with nothing staged; for the writer, at the begin of a transaction."""
    opened: list[Any] = []
    connection.info[_STAGED] = opened
    return opened


def close_staging(connection: Connection) -> None:
    """After the transaction: nothing can be staged any more."""
    connection.info.pop(_STAGED, None)


def staged_in(connection: Connection) -> list[Any]:
    """What is staged in this transaction; to stage an item, append it.

    Raises:
        RuntimeError: this is no transaction of the writer, and nobody would do what is staged.
    """
    staged: list[Any] | None = connection.info.get(_STAGED)
    if staged is None:
        raise RuntimeError("there is no transaction of the writer to stage anything in")
    return staged
