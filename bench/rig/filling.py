"""A log that has grown, by its own appender and in large commits."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import Final

from sqlalchemy import Connection

from contract.log_entry import EntryKind
from server.clock import system_clock
from server.journal.log import LogReader, StagedEntry, stage
from server.root.ground import Ground

_BODY_BYTES: Final = 200  # of an operation
_AT_A_TIME: Final = 5_000  # a server that runs meanwhile waits no longer than 2 s for its turn to write

Beside = Callable[[Connection, Sequence[StagedEntry]], None]
"""Writes what goes with new entries, in their transaction."""


def fill(ground: Ground, size: int, beside: Beside = lambda _, __: None) -> None:
    """Let the log grow to that size, if it is smaller. Its server may run meanwhile."""
    body = secrets.token_bytes(_BODY_BYTES)
    reached = ground.database.read_now(LogReader(ground.log_key.verifier).size)
    for begin in range(reached, size, _AT_A_TIME):
        _append(ground, body, min(_AT_A_TIME, size - begin), beside)


def _append(ground: Ground, body: bytes, count: int, beside: Beside) -> None:
    """One commit with so many entries."""
    now = system_clock()

    def unit(connection: Connection) -> None:
        beside(connection, [stage(connection, EntryKind.EVIDENCE, body, now) for _ in range(count)])

    ground.database.write_now(unit)
