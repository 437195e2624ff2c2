"""The log in the database: staged with what it records, committed with it, proven by few rows."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event

from contract.log_entry import EntryKind, LogEntry
from mpc.errors import FoursealError
from server.clock import system_clock
from server.config import load_settings
from server.errors import OperatorError
from server.journal import Intent, Request, Result, run_at_once
from server.journal.log import LogReader, stage
from server.root.ground import Ground, open_ground
from server.root.home import Home
from server.storage.backend import backend_of
from server.storage.migrate import downgrade
from tests.server.harness import database_path, silent_log
from tests.server.journal.journals import ALICE, KEY
from tests.server.storage.outside import HeldWriter, execute, queue
from transparency.checkpoint import verify_checkpoint
from transparency.note import Note
from transparency.verification import verify_consistency
from wire.catalogue import ServiceError


@pytest.fixture
def ground(home: Home) -> Iterator[Ground]:
    """An open database with its log."""
    with open_ground(home, load_settings(home.folder), silent_log()) as opened:
        yield opened


@pytest.fixture
def path(home: Home) -> Path:
    """The database file."""
    return database_path(home)


def stage_body(body: bytes) -> Any:  # noqa: ANN401  # a unit of work
    """A unit that stages one entry and returns its index."""
    return lambda connection: stage(connection, EntryKind.PERMISSION, body, system_clock()).index


def entries(path: Path) -> list[tuple[int, bytes]]:
    """Index and body of all that is in the log."""
    rows = execute(path, "SELECT log_index, entry FROM log_entries ORDER BY log_index")
    return [(index, LogEntry.from_der(entry).body) for index, entry in rows]


def check_all(ground: Ground, path: Path) -> int:
    """Prove every entry, and that every checkpoint is a state of the log; returns the log's size."""
    reader, key = LogReader(ground.log_key.verifier), ground.log_key.verifier
    rows = execute(path, "SELECT note FROM log_checkpoints ORDER BY size")
    checkpoints = [verify_checkpoint(Note.from_bytes(note), key) for (note,) in rows]
    leaves = execute(path, "SELECT log_index, entry FROM log_entries ORDER BY log_index")
    size = checkpoints[-1].size if checkpoints else 0
    assert [index for index, _ in leaves] == list(range(size))
    for index, leaf in leaves:
        receipt = ground.database.read_now(partial(reader.receipt, index=index))
        assert receipt.verify(leaf, key) == checkpoints[-1]
    for old in checkpoints:
        for new in checkpoints:
            if old.size <= new.size:
                proof = ground.database.read_now(partial(reader.consistency, old_size=old.size, new_size=new.size))
                verify_consistency(old.size, new.size, old.root, new.root, proof)
    return size


async def test_every_committed_entry_is_covered(ground: Ground, path: Path) -> None:
    """Entry by entry: each has the next index, and is proven by a checkpoint that was committed with it."""
    for number in range(20):
        assert await ground.database.write(stage_body(b"%d" % number)) == number
        assert check_all(ground, path) == number + 1
    assert entries(path) == [(number, b"%d" % number) for number in range(20)]


async def test_a_group_has_one_checkpoint(ground: Ground, path: Path) -> None:
    """What is committed together is signed once."""
    async with HeldWriter(ground.database):
        tasks = await queue(ground.database, *(stage_body(b"%d" % number) for number in range(100)))
    assert await asyncio.gather(*tasks) == list(range(100))
    assert execute(path, "SELECT size FROM log_checkpoints") == [(100,)]
    assert check_all(ground, path) == 100


async def test_receipts_without_the_database(ground: Ground, path: Path) -> None:
    """From what a commit made and the edge before it every entry of a group is proven, at whatever size."""
    key, size = ground.log_key.verifier, 0
    for count in (1, 2, 3, 7, 8, 1, 30):
        size += count
        units = [lambda connection: stage(connection, EntryKind.PERMISSION, b"x", system_clock()) for _ in range(count)]
        async with HeldWriter(ground.database):
            tasks = await queue(ground.database, *units)
        for entry in await asyncio.gather(*tasks):
            receipt = entry.receipt()
            assert receipt.verify(entry.der, key).size == size
            reader = LogReader(key)
            assert ground.database.read_now(partial(reader.receipt, index=entry.index)).proof == receipt.proof
    assert check_all(ground, path) == 52


async def test_what_is_rolled_back_takes_its_entries_along(ground: Ground, path: Path) -> None:
    """A unit that raises leaves no entry, and the next one gets the index: none is missing and none is there twice."""

    def fail(connection: Connection) -> None:
        stage_body(b"of a failure")(connection)
        stage_body(b"another")(connection)
        raise ServiceError("KEY_DISABLED", key_id=KEY)

    async with HeldWriter(ground.database):
        tasks = await queue(ground.database, fail, stage_body(b"one"), fail, stage_body(b"two"), fail)
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [outcome for outcome in outcomes if isinstance(outcome, int)] == [0, 1]
    assert entries(path) == [(0, b"one"), (1, b"two")]
    assert check_all(ground, path) == 2


async def test_work_of_a_group_is_tried_again_without_its_entries(ground: Ground, path: Path) -> None:
    """Grouped work that raised as a whole is done one by one: what it had staged the first time is gone."""
    outcomes: dict[bytes, Any] = {}
    loop = asyncio.get_running_loop()
    told = asyncio.Event()

    def work(connection: Connection, bodies: Sequence[bytes]) -> list[int | FoursealError]:
        indexes: list[int | FoursealError] = [stage_body(body)(connection) for body in bodies]
        if b"bad" in bodies:
            raise ServiceError("KEY_DISABLED", key_id=KEY)
        return indexes

    def listen(body: bytes) -> None:
        def then(answers: Sequence[object]) -> None:
            (outcomes[body],) = answers
            if len(outcomes) == 3:
                loop.call_soon_threadsafe(told.set)

        ground.database.post_grouped(work, [body], then)

    async with HeldWriter(ground.database):
        for body in (b"first", b"bad", b"last"):
            listen(body)
    await asyncio.wait_for(told.wait(), 30)
    assert (outcomes[b"first"], outcomes[b"last"]) == (0, 1)
    assert isinstance(outcomes[b"bad"], ServiceError)
    assert entries(path) == [(0, b"first"), (1, b"last")]
    assert check_all(ground, path) == 2


async def test_what_stages_nothing_makes_no_checkpoint(ground: Ground, path: Path) -> None:
    """Other work does not touch the log."""
    await ground.database.write(lambda _: None)
    assert execute(path, "SELECT count(*) FROM log_checkpoints") == [(0,)]


async def test_without_the_log_nothing_is_committed(ground: Ground, path: Path) -> None:
    """If the log cannot take an entry, what the entry records is not committed either."""

    def fail(_connection: Connection, _staged: object) -> None:
        raise ServiceError("SHARE_DAMAGED")

    ground.database.before_commit(fail)
    intent = Intent(Request(ALICE, "r" * 16, "Do", bytes(32)), KEY)
    with pytest.raises(ServiceError):
        await run_at_once(ground.database, lambda _, callers: [None] * len(callers), system_clock, intent, _done)
    assert execute(path, "SELECT count(*) FROM operations") == [(0,)]
    assert entries(path) == []


def _done(_: Connection) -> Result:
    return Result(release=b"done")


def test_nothing_is_staged_outside_the_writer(ground: Ground) -> None:
    """Where nobody would do it, nothing can be left to be done."""
    with pytest.raises(RuntimeError, match="transaction of the writer"):
        ground.database.read_now(stage_body(b"lost"))


async def test_places_that_the_log_has_not(ground: Ground) -> None:
    """What is asked for and not there is said so."""
    reader = LogReader(ground.log_key.verifier)

    def refusal(query: Any) -> str:  # noqa: ANN401
        with pytest.raises(ServiceError) as refused:
            ground.database.read_now(query)
        return refused.value.reason

    assert refusal(reader.newest) == "CHECKPOINT_NOT_FOUND"
    assert ground.database.read_now(lambda connection: reader.consistency(connection, 0, 0)) == ()
    await ground.database.write(stage_body(b"one"))
    assert [refusal(lambda connection, i=i: reader.receipt(connection, i)) for i in (-1, 1, 1 << 62)] == [
        "LOG_INDEX_UNKNOWN"
    ] * 3
    assert refusal(lambda connection: reader.entry(connection, 1)) == "LOG_INDEX_UNKNOWN"
    for old, new in ((-1, 1), (1, 0), (0, 2), (2, 2)):
        query = lambda connection, old=old, new=new: reader.consistency(connection, old, new)  # noqa: E731
        assert refusal(query) == "LOG_SIZE_UNKNOWN"


def test_a_proof_costs_no_more_in_a_long_log(ground: Ground, path: Path) -> None:
    """Steps of the database's machine, which count every row that is looked at: 30 times the entries, no scan."""
    reader = LogReader(ground.log_key.verifier)
    few = _fill(ground, 1_000)
    work_of_few = _work(path, reader, few)
    many = _fill(ground, 30_000)
    work_of_many = _work(path, reader, many)
    assert many == 30_000
    assert all(more < 3 * less for less, more in zip(work_of_few, work_of_many, strict=True)), (
        work_of_few,
        work_of_many,
    )


def test_growing_costs_no_more_in_a_long_log(ground: Ground) -> None:
    """The statements of a commit, and their rows, do not depend on the log's length."""
    counts = []
    for size in (1_000, 20_000):
        _fill(ground, size)
        statements: list[str] = []

        def count(*args: Any, statements: list[str] = statements) -> None:  # noqa: ANN401
            statements.append(args[2])

        engine = ground.database._writer._engine
        event.listen(engine, "before_cursor_execute", count)
        ground.database.write_now(stage_body(b"one more"))
        event.remove(engine, "before_cursor_execute", count)
        counts.append(len(statements))
    assert counts[0] <= 12
    assert counts[1] <= counts[0] + 1  # nodes are complete or not


def _fill(ground: Ground, size: int) -> int:
    """Let the log grow to a size by its own appender."""

    def unit(connection: Connection) -> int:
        index = stage(connection, EntryKind.PERMISSION, b"first", now).index
        for _ in range(min(size - index - 1, 20_000)):
            index = stage(connection, EntryKind.PERMISSION, b"body", now).index
        return index + 1

    now, reached = system_clock(), 0
    while reached < size:
        reached = ground.database.write_now(unit)
    return reached


def _work(path: Path, reader: LogReader, size: int) -> list[int]:
    """Steps that SQLite takes for receipts and consistency proofs."""
    from sqlalchemy import create_engine  # noqa: PLC0415

    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(path)
        connection.set_progress_handler(step, 1)
        return connection

    engine = create_engine("sqlite://", creator=connect)
    found = []
    with contextlib.closing(engine.connect()) as connection:
        for query in (
            lambda: reader.receipt(connection, 0),
            lambda: reader.receipt(connection, size // 2 + 3),
            lambda: reader.receipt(connection, size - 1),
            lambda: reader.consistency(connection, 1, size),
            lambda: reader.consistency(connection, size - 7, size),
            lambda: reader.newest(connection),
        ):
            query()  # the first time, statements are prepared
            steps = 0
            query()
            found.append(steps)
    engine.dispose()
    return found


async def test_an_operation_and_its_entry_are_one(ground: Ground, path: Path) -> None:
    """The entry says what the journal says, and a refused operation has one too."""
    intent = Intent(Request(ALICE, "r" * 16, "Do", bytes(32), "carol"), KEY, digest=b"d" * 32)
    await run_at_once(ground.database, lambda _, callers: [None] * len(callers), system_clock, intent, _done)
    assert execute(path, "SELECT log_index FROM operations") == [(0,)]
    ((_, body),) = entries(path)
    for part in (b"alice", b"r" * 16, b"Do", b"carol", KEY.encode(), b"d" * 32):
        assert part in body
    assert check_all(ground, path) == 1


def test_an_upgraded_database_gets_a_log(home: Home, path: Path) -> None:
    """A database from before the log begins one at the next start, and keeps its key from then on."""
    downgrade(backend_of(f"sqlite:///{path}"), "0004")
    keys = []
    for _ in range(2):
        with open_ground(home, load_settings(home.folder), silent_log()) as opened:
            keys.append(opened.log_key.verifier.to_text())
            opened.database.write_now(stage_body(b"one"))
    assert keys[0] == keys[1]
    assert len(entries(path)) == 2


def test_the_origin_never_changes(home: Home) -> None:
    """Who sets another origin is told, before anything is signed under it."""
    settings = load_settings(home.folder)
    with open_ground(home, settings, silent_log()) as opened:
        origin = opened.log_key.verifier.name
    with open_ground(home, settings.model_copy(update={"log_origin": origin}), silent_log()):
        pass
    with pytest.raises(OperatorError, match="log_origin"):
        open_ground(home, settings.model_copy(update={"log_origin": "example.com/other"}), silent_log())


@pytest.mark.parametrize("column", ["sealed_key", "public_key", "origin"])
def test_a_key_that_was_exchanged_does_not_open(home: Home, path: Path, column: str) -> None:
    """The private key is sealed for its origin and public half: whoever changes any of them stops the server."""
    changed = "'other'" if column == "origin" else "zeroblob(32)"
    execute(path, f"UPDATE logs SET {column} = {changed}")  # noqa: S608
    with pytest.raises(OperatorError, match="log's private key"):
        open_ground(home, load_settings(home.folder), silent_log())


def test_times_are_whole_seconds(ground: Ground, path: Path) -> None:
    """An entry's time is the clock's, cut."""
    before = system_clock().replace(microsecond=0)
    ground.database.write_now(stage_body(b"one"))
    ((der,),) = execute(path, "SELECT entry FROM log_entries")
    assert before <= LogEntry.from_der(der).time <= before + timedelta(seconds=30)
