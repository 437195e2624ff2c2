"""A damaged file, bit by bit and page by page: found or harmless, and never an error that nobody translates."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from server.errors import OperatorError
from server.storage import Database
from server.storage.sqlite import SqliteBackend
from tests.server.storage.outside import add, execute
from wire.catalogue import ServiceError

PAGE_BYTES = 4096
HEADER_BYTES = 100
ROWS = 40


@pytest.fixture(scope="module")
def filled(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of many pages, all of them in the file itself."""
    path = Path(shutil.copy(migrated, tmp_path_factory.mktemp("filled") / "filled.db"))
    for number in range(ROWS):
        execute(path, "INSERT INTO notes (text) VALUES (?)", b"%04d" % number + secrets.token_bytes(996))
    execute(path, "PRAGMA wal_checkpoint(TRUNCATE)")
    return path


def use(path: Path, log: structlog.stdlib.BoundLogger) -> list[bytes] | str:
    """Open, read all, write; what was read, or the name of the refusal."""
    try:
        database = Database(SqliteBackend(path), log)
    except OperatorError:
        return "OPERATOR"
    try:
        found = database.read_now(_all_notes)
        database.write_now(add(b"after"))
    except ServiceError as error:
        return error.reason
    finally:
        database.close()
    return found


def damage_of(path: Path, log: structlog.stdlib.BoundLogger) -> list[str]:
    """What the database says of itself, asked as ``doctor`` asks."""
    backend = SqliteBackend(path)
    try:
        database = Database(backend, log)
    except OperatorError as error:
        return [str(error)]
    try:
        return database.read_now(backend.damage)
    except ServiceError as error:
        return [error.reason]
    finally:
        database.close()


def test_a_sound_file(filled: Path, tmp_path: Path, log: structlog.stdlib.BoundLogger) -> None:
    """The copy that the other tests damage serves, and has nothing to say against itself."""
    path = Path(shutil.copy(filled, tmp_path / "copy.db"))
    assert damage_of(path, log) == []
    assert len(use(path, log)) == ROWS


@given(position=st.integers(0, 8 * HEADER_BYTES - 1))
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_flipped_bit_of_the_header(
    filled: Path, tmp_path: Path, log: structlog.stdlib.BoundLogger, position: int
) -> None:
    """A header that is not what it was either does not matter, or the file is refused in our words."""
    found = use(_flipped(filled, tmp_path, position), log)
    assert found in ("OPERATOR", "STORAGE_UNAVAILABLE") or len(found) == ROWS


@given(st.data())
@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_flipped_bit_anywhere(
    filled: Path, tmp_path: Path, log: structlog.stdlib.BoundLogger, data: st.DataObject
) -> None:
    """Wherever a bit flips, the answer is a result or a refusal: no other error gets out."""
    position = data.draw(st.integers(0, 8 * filled.stat().st_size - 1))
    found = use(_flipped(filled, tmp_path, position), log)
    assert isinstance(found, list) or found in ("OPERATOR", "STORAGE_UNAVAILABLE")


def test_a_page_that_is_none(filled: Path, tmp_path: Path, log: structlog.stdlib.BoundLogger) -> None:
    """Every page whose kind was overwritten is found by the check that ``doctor`` makes."""
    root_pages = [row[0] for row in execute(filled, "SELECT rootpage FROM sqlite_master WHERE rootpage > 1")]
    assert len(root_pages) > 10
    for page in root_pages:
        path = Path(shutil.copy(filled, tmp_path / "copy.db"))
        _overwrite(path, (page - 1) * PAGE_BYTES, b"\xff")
        assert damage_of(path, log), f"page {page}"


def test_a_damaged_schema_that_is_no_text(filled: Path, tmp_path: Path, log: structlog.stdlib.BoundLogger) -> None:
    """SQLite's own message then quotes bytes that are no UTF-8: a refusal all the same."""
    path = Path(shutil.copy(filled, tmp_path / "copy.db"))
    _overwrite(path, path.read_bytes().index(b"TABLE notes"), b"\xe9")
    assert use(path, log) == "OPERATOR"


@pytest.mark.parametrize("pages", [0, 1, 3])
def test_a_truncated_file(filled: Path, tmp_path: Path, log: structlog.stdlib.BoundLogger, pages: int) -> None:
    """A file that lost its end is refused at the start, or where the end is wanted; its rest is not taken for all."""
    path = Path(shutil.copy(filled, tmp_path / "copy.db"))
    with path.open("r+b") as file:
        file.truncate(pages * PAGE_BYTES)
    assert use(path, log) in ("OPERATOR", "STORAGE_UNAVAILABLE")


def test_a_file_that_is_damaged_under_a_running_server(
    filled: Path, tmp_path: Path, log: structlog.stdlib.BoundLogger
) -> None:
    """Pages that are overwritten while the server runs are not served."""
    path = Path(shutil.copy(filled, tmp_path / "copy.db"))
    database = Database(SqliteBackend(path), log)
    try:
        _overwrite(path, PAGE_BYTES, b"\xff" * (path.stat().st_size - PAGE_BYTES))
        with pytest.raises(ServiceError) as refused:
            database.read_now(_all_notes)
        assert refused.value.reason == "STORAGE_UNAVAILABLE"
    finally:
        database.close()


def test_another_file_in_its_place(filled: Path, tmp_path: Path, log: structlog.stdlib.BoundLogger) -> None:
    """A file that is moved over the database is not read and not written, though it is a good one."""
    path = Path(shutil.copy(filled, tmp_path / "copy.db"))
    other = Path(shutil.copy(filled, tmp_path / "other.db"))
    database = Database(SqliteBackend(path), log)
    try:
        database.write_now(add(b"acknowledged"))
        other.replace(path)
        for attempt in (database.read_now, database.write_now):
            with pytest.raises(ServiceError) as refused:
                attempt(_all_notes)
            assert refused.value.reason == "STORAGE_UNAVAILABLE"
    finally:
        database.close()


def _all_notes(connection: Connection) -> list[bytes]:
    return [row.text for row in connection.execute(text("SELECT text FROM notes ORDER BY rowid"))]


def _flipped(filled: Path, folder: Path, position: int) -> Path:
    path = Path(shutil.copy(filled, Path(tempfile.mkdtemp(dir=folder)) / "copy.db"))
    byte = path.read_bytes()[position // 8]
    _overwrite(path, position // 8, bytes([byte ^ 1 << position % 8]))
    return path


def _overwrite(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)
