"""What a signature costs does not grow with sessions, members or statements: every look-up is by an index."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing

from sqlalchemy.dialects import sqlite

from server.root.home import Home
from server.sessions.store import sessions, statements
from tests.server.harness import database_path


def test_look_ups_of_a_signature_scan_nothing(session_home: Home) -> None:
    """SQLite's own plan of each statement."""
    queries = (
        sessions._find_session,
        sessions._find_rules,
        sessions._find_members,
        statements._find_numbers,
        statements._advance,
        statements._find_statement,
        statements._find_answer,
    )
    with closing(sqlite3.connect(database_path(session_home))) as connection:
        for query in queries:
            sql = re.sub(r"\(__\[POSTCOMPILE_\w+\]\)", "(?, ?)", str(query.compile(dialect=sqlite.dialect())))
            plan = connection.execute(f"EXPLAIN QUERY PLAN {sql}", [None] * sql.count("?")).fetchall()
            steps = [row[-1] for row in plan]
            assert steps
            assert not [step for step in steps if step.startswith("SCAN")], steps
