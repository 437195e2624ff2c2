"""What a call costs does not grow with contracts: every look-up is by an index."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from sqlalchemy import Connection, create_engine, event

from server.clock import system_clock
from server.drafting.guard import read_own
from server.drafting.store import archive
from server.drafting.store import contracts as store
from server.root.home import Home
from server.storage import PageCursor
from tests.server.harness import database_path

NAME = "contract-" + "a" * 26


@contextmanager
def recorded(connection: Connection) -> Iterator[list[str]]:
    """The statements that are run meanwhile."""
    seen = list[str]()

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(connection, "before_cursor_execute", note)
    yield seen
    event.remove(connection, "before_cursor_execute", note)


QUERIES: tuple[Callable[[Connection], object], ...] = (
    lambda c: read_own(c, NAME),
    lambda c: store.list_parties(c, [NAME]),
    lambda c: store.list_own(c, "alice", PageCursor(system_clock(), NAME), 10),
    lambda c: store.list_contracts(c, PageCursor(system_clock(), NAME), 10),
    lambda c: store.count_made_since(c, "alice", system_clock()),
    lambda c: store.list_versions(c, NAME),
    lambda c: store.used_bytes(c, NAME),
    lambda c: store.find_last_turn(c, NAME, end=True),
    lambda c: store.find_file(c, NAME, "pdf"),
    lambda c: archive.find_archived(c, NAME),
    lambda c: archive.find_by_serial(c, 1),
    lambda c: archive.list_serials(c, [NAME]),
    lambda c: archive.list_revisions(c, NAME),
)


def test_look_ups_scan_nothing(home: Home) -> None:
    """SQLite's own plan of each statement."""
    engine = create_engine(f"sqlite:///{database_path(home)}")
    with engine.connect() as connection, recorded(connection) as statements:
        for each in QUERIES:
            each(connection)
    engine.dispose()
    assert len(statements) >= len(QUERIES)
    with closing(sqlite3.connect(database_path(home))) as plain:
        for sql in statements:
            plan = plain.execute(f"EXPLAIN QUERY PLAN {sql}", [None] * sql.count("?")).fetchall()
            steps = [row[-1] for row in plan]
            assert not [step for step in steps if step.startswith("SCAN contract")], steps
            assert not [step for step in steps if "TEMP B-TREE" in step], steps
