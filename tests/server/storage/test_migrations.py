"""The schema: migrated up it is the one that the code describes, down it is gone, and a foreign one is refused."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Dialect
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

import server.root.application  # brings every table into the metadata
import server.root.gateway  # but the tables of gateways
import server.transactions.executors.ledger  # noqa: F401  # and those of executors
from server.clock import system_clock
from server.config import load_settings
from server.errors import OperatorError
from server.root.ground import open_ground
from server.root.home import Home
from server.storage import Database, metadata
from server.storage.backend import Backend, backend_of
from server.storage.migrate import downgrade, migration_config, upgrade
from server.storage.revision import REVISIONS, SchemaState, schema_state
from server.storage.tables import from_microseconds
from tests.server.harness import database_path, silent_log


@pytest.fixture
def backend(tmp_path: Path) -> Backend:
    """An empty database."""
    made = backend_of(f"sqlite:///{tmp_path / 'new.db'}")
    made.create()
    return made


def tables(backend: Backend) -> set[str]:
    """Names of the tables that are there."""
    engine = backend.open_readers(1)
    with engine.connect() as connection:
        query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        rows = connection.exec_driver_sql(query).all()
    engine.dispose()
    return {row[0] for row in rows}


def test_migrated_schema_is_that_of_the_code(backend: Backend) -> None:
    """Tables, columns, types, indexes and constraints are the same, whichever way they are made."""
    upgrade(backend)
    engine = backend.open_writer()
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "render_as_batch": True})
        assert compare_metadata(context, metadata) == []
        made = {row[0] for row in connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE sql LIKE '%CHECK%'")}
    engine.dispose()
    names = [str(each.name) for table in metadata.tables.values() for each in table.constraints]
    checks = [name for name in names if name.startswith("ck_")]
    assert checks
    for check in checks:
        assert any(check in sql for sql in made)


def test_up_down_and_up_again(backend: Backend) -> None:
    """Down leaves no table behind; up again makes them all."""
    upgrade(backend)
    full = tables(backend)
    assert set(metadata.tables) <= full
    downgrade(backend, "base")
    assert tables(backend) == {"alembic_version"}
    assert schema_state(backend) is SchemaState.EMPTY
    upgrade(backend)
    assert tables(backend) == full
    assert schema_state(backend) is SchemaState.CURRENT


def test_numbers_of_authors_are_kept(tmp_path: Path, backend: Backend) -> None:
    """What an older program remembered of a session under way refuses a replay for as long as a session may last."""
    upgrade(backend)
    downgrade(backend, "0004")
    with closing(sqlite3.connect(tmp_path / "new.db")) as connection, connection:
        connection.execute("INSERT INTO relay_authors VALUES ('session', 'alice', 7, 0, 0)")
    upgrade(backend)
    with closing(sqlite3.connect(tmp_path / "new.db")) as connection:
        ((number, expire_time),) = connection.execute("SELECT last_sequence, expire_time FROM relay_authors")
    assert number == 7
    assert from_microseconds(expire_time) > system_clock() + timedelta(days=365)


def test_schema_can_be_made_in_postgresql() -> None:
    """Nothing of the tables is SQLite's own."""
    dialect: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy gives it no types
    for table in metadata.sorted_tables:
        statements: list[CreateTable | CreateIndex] = [CreateTable(table), *map(CreateIndex, table.indexes)]
        for made in statements:
            assert str(made.compile(dialect=dialect)).strip().startswith("CREATE")
    assert "BIGSERIAL" in str(CreateTable(metadata.tables["operations"]).compile(dialect=dialect))


def test_code_knows_every_migration() -> None:
    """The list that a fast start uses is the chain of migrations."""
    scripts = ScriptDirectory.from_config(migration_config())
    assert tuple(script.revision for script in reversed(list(scripts.walk_revisions()))) == REVISIONS


def test_newer_schema_is_refused(home: Home) -> None:
    """An older program does not touch what a newer one wrote, and says what to do."""
    with closing(sqlite3.connect(database_path(home))) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(OperatorError, match="newer version") as refused:
        open_ground(home, load_settings(home.folder), silent_log())
    assert "backup" in refused.value.action


def test_database_without_schema_is_refused(backend: Backend) -> None:
    """An empty file is no database of ours."""
    with pytest.raises(OperatorError, match="empty"):
        Database(backend, silent_log())


def test_missing_database_is_refused_and_not_made(tmp_path: Path) -> None:
    """A wrong path does not become a new, empty database."""
    path = tmp_path / "missing.db"
    with pytest.raises(OperatorError, match="cannot be opened"):
        Database(backend_of(f"sqlite:///{path}"), silent_log())
    assert not path.exists()


def test_file_that_is_no_database(tmp_path: Path) -> None:
    """Neither does any other file."""
    path = tmp_path / "letter.txt"
    path.write_bytes(b"Dear Sir or Madam, " * 500)
    with pytest.raises(OperatorError, match="cannot be opened"):
        Database(backend_of(f"sqlite:///{path}"), silent_log())


@pytest.mark.parametrize("url", ["", "nonsense", "sqlite://", "sqlite:///:memory:", "postgresql://x/y", "mysql://x"])
def test_database_url_that_cannot_be_used(url: str) -> None:
    """What is not supported is said at once."""
    with pytest.raises(OperatorError, match="URL"):
        backend_of(url)
