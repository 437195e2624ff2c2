"""A server that keeps many contract sessions: copies of a real one, under other ids.

Each copy has every row that the session has in the tables of sessions. Certificates, roots and moduli are cut to
``KEPT_BYTES``: they are never looked for, and whole ones would take 15 GB a million. So no copy can be used; they are
what the one session is found among.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection, insert, select

from contract.names import new_session_id
from server.root.ground import Ground
from server.sessions.store.tables import (
    contract_sessions,
    session_joinings,
    session_members,
    session_numbers,
    session_revisions,
    session_statements,
)

COPIES_AT_A_TIME: Final = 5_000  # a server that runs meanwhile waits no longer than 2 s for its turn to write
KEPT_BYTES: Final = 64
_TABLES: Final = (  # sessions first: the others refer to them
    contract_sessions,
    session_members,
    session_joinings,
    session_revisions,
    session_numbers,
    session_statements,
)


def store_copies(ground: Ground, session_id: str, count: int, step: Callable[[], None]) -> None:
    """Store so many copies of a session. Its server may run meanwhile.

    Args:
        ground: of the server.
        session_id: the session.
        count: how many copies.
        step: called after each transaction, of ``COPIES_AT_A_TIME`` copies.
    """
    original = ground.database.read_now(partial(_rows, session_id))
    session_ids = sorted(new_session_id(secrets.token_bytes) for _ in range(count))  # rising ones are written soon
    for start in range(0, count, COPIES_AT_A_TIME):
        ground.database.write_now(partial(_store, original, session_ids[start : start + COPIES_AT_A_TIME]))
        step()


def _rows(session_id: str, connection: Connection) -> list[list[dict[str, Any]]]:
    """The session's rows, by table."""
    return [
        [_cut(row._asdict()) for row in connection.execute(select(table).where(table.c.session_id == session_id))]
        for table in _TABLES
    ]


def _cut(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value[:KEPT_BYTES] if isinstance(value, bytes) else value for name, value in row.items()}


def _store(original: list[list[dict[str, Any]]], session_ids: Sequence[str], connection: Connection) -> None:
    for table, rows in zip(_TABLES, original, strict=True):
        copies = [row | {"session_id": session_id} for session_id in session_ids for row in rows]
        if copies:
            connection.execute(insert(table), copies)
