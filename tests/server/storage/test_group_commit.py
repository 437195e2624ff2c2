"""Group commit: many units in one transaction, each on its own, and nobody hears before the commit."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import IntegrityError
from structlog.stdlib import BoundLogger
from structlog.testing import LogCapture

from mpc.errors import FoursealError
from server.storage import Database, GroupWork, Handover, current_caller
from server.storage.sqlite import SqliteBackend
from tests.server.storage.outside import HeldWriter, add, execute, file_size_limit, notes, queue
from wire.catalogue import ServiceError


async def test_a_result_is_heard_after_its_commit(database: Database, path: Path) -> None:
    """What a unit returned is there for everybody at once, and only then."""
    seen_inside: list[list[str]] = []

    def unit(connection: Connection) -> str:
        add("one")(connection)
        seen_inside.append(notes(path))
        return "result"

    assert await database.write(unit) == "result"
    assert seen_inside == [[]]
    assert notes(path) == ["one"]


async def test_a_group_is_one_transaction(database: Database, path: Path) -> None:
    """What was queued together is committed together: nobody outside sees a part of it, nobody inside is told."""
    tasks: list[asyncio.Task[Any]] = []
    seen: list[tuple[list[str], list[str], list[bool]]] = []

    def look(connection: Connection) -> None:
        inside = [row.text for row in connection.execute(text("SELECT text FROM notes ORDER BY rowid"))]
        seen.append((inside, notes(path), [task.done() for task in tasks]))

    async with HeldWriter(database):
        tasks = await queue(database, add("one"), add("two"), look)
    await asyncio.gather(*tasks)
    assert seen == [(["one", "two"], [], [False, False, False])]
    assert notes(path) == ["one", "two"]


async def test_a_group_makes_one_commit(database: Database, path: Path) -> None:
    """A hundred units that wait together cost one commit."""
    commits = []
    event.listen(database._writer._engine, "commit", lambda _: commits.append(notes(path)))
    async with HeldWriter(database):
        tasks = await queue(database, *(add(str(number)) for number in range(100)))
    await asyncio.gather(*tasks)
    assert commits == [[], []]  # the one that held the writer, and the hundred
    assert len(notes(path)) == 100


async def test_callers_take_turns_in_groups_that_are_bounded(database: Database, path: Path) -> None:
    """Who comes with one unit is in the next group, however many another has waiting, and those in order."""
    groups: list[int] = []
    event.listen(database._writer._engine, "commit", lambda _: groups.append(len(notes(path))))

    async def as_caller(caller: str, *units: Callable[[Connection], object]) -> list[asyncio.Task[Any]]:
        current_caller.set(caller)
        return await queue(database, *units)

    async with HeldWriter(database):
        many = await asyncio.create_task(as_caller("mallory", *(add(str(number)) for number in range(300))))
        (one,) = await asyncio.create_task(as_caller("bob", add("one")))
    await asyncio.gather(*many, one)
    assert notes(path) == ["0", "one", *map(str, range(1, 300))]
    assert groups == [0, 0, 128, 256]  # what stood there before each commit, that of the holder among them


async def test_all_hear_after_the_commit_of_the_group(database: Database, path: Path) -> None:
    """Whoever is told first finds the work of the whole group already committed."""
    found: dict[str, list[str]] = {}
    told_all = threading.Event()

    def listen(note: str) -> None:
        def then(outcome: object) -> None:
            assert outcome == [[note]]
            found[note] = notes(path)
            if note == "b":
                told_all.set()

        database.post_grouped(add_many, [note], then)

    def add_many(connection: Connection, items: Sequence[str]) -> list[list[str] | FoursealError]:
        return [[str(add(item)(connection))] for item in items]

    async with HeldWriter(database):
        listen("a")
        listen("b")
        assert notes(path) == []
    assert await asyncio.to_thread(told_all.wait, 30)
    assert found == {"a": ["a", "b"], "b": ["a", "b"]}


async def test_one_fails_alone(database: Database, path: Path) -> None:
    """A unit that raises is rolled back with all that it did; its neighbours are committed."""

    def fail(connection: Connection) -> None:
        add("half")(connection)
        raise ServiceError("KEY_DISABLED", key_id="key-a")

    async with HeldWriter(database):
        tasks = await queue(database, add("before"), fail, add("after"))
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert outcomes[0] == "before"
    assert outcomes[2] == "after"
    assert isinstance(outcomes[1], ServiceError)
    assert outcomes[1].reason == "KEY_DISABLED"
    assert notes(path) == ["before", "after"]


async def test_a_broken_constraint_concerns_its_unit_alone(database: Database, path: Path) -> None:
    """The database refuses one statement: its unit hears of it as it is, and the group goes on."""
    async with HeldWriter(database):
        tasks = await queue(database, add("same"), add("same"), add("other"))
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [str, IntegrityError, str]
    assert notes(path) == ["same", "other"]


async def test_a_failing_commit_fails_all(database: Database, path: Path, logged: LogCapture) -> None:
    """When the commit of a group fails, nobody in it is told of success, and nothing of it is kept."""
    execute(path, "CREATE TABLE children (parent INTEGER REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED)")
    execute(path, "CREATE TABLE parents (id INTEGER PRIMARY KEY)")

    def orphan(connection: Connection) -> None:
        connection.execute(text("INSERT INTO children (parent) VALUES (1)"))  # is found out at the commit

    async with HeldWriter(database):
        tasks = await queue(database, add("one"), orphan, add("two"))
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [IntegrityError] * 3
    assert notes(path) == []
    assert [entry["event"] for entry in logged.entries] == ["storage_error"]
    assert await database.write(add("three")) == "three"
    assert notes(path) == ["three"]


async def test_a_full_disk_at_the_commit_fails_all(database: Database, path: Path, logged: LogCapture) -> None:
    """Nothing more fits on the disk: the whole group is told so, and all is well when there is room again."""
    await database.write(add("before"))
    with file_size_limit(4096):
        async with HeldWriter(database):
            tasks = await queue(database, add("one"), add("two"))
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [getattr(outcome, "reason", outcome) for outcome in outcomes] == ["STORAGE_UNAVAILABLE"] * 2
    assert notes(path) == ["before"]
    assert [(entry["event"], entry["units"]) for entry in logged.entries] == [("storage_unavailable", 2)]
    assert await database.write(add("after")) == "after"
    assert notes(path) == ["before", "after"]


async def test_grouped_work_is_done_once_for_all(database: Database, path: Path) -> None:
    """Work of one kind is called once with all its items, in their order, and each gets its own result."""
    calls: list[list[str]] = []

    def work(connection: Connection, items: Sequence[str]) -> list[str | FoursealError]:
        calls.append(list(items))
        for item in items:
            add(item)(connection)
        return [ServiceError("OVERLOADED") if item == "b" else item.upper() for item in items]

    async with HeldWriter(database):
        outcomes = [_post(database, work, item) for item in "abc"]
    results = await asyncio.gather(*outcomes, return_exceptions=True)
    assert calls == [["a", "b", "c"]]
    assert [getattr(result, "reason", result) for result in results] == ["A", "OVERLOADED", "C"]
    assert notes(path) == ["a", "b", "c"]


async def test_grouped_work_falls_back_to_one_by_one(database: Database, path: Path) -> None:
    """When work fails for a group as a whole, all of it is undone, and each item is tried alone."""
    calls: list[list[str]] = []

    def work(connection: Connection, items: Sequence[str]) -> list[str | FoursealError]:
        calls.append(list(items))
        for item in items:
            add(item)(connection)
            if item == "bad":
                raise ValueError(item)
        return list(items)

    async with HeldWriter(database):
        outcomes = [_post(database, work, item) for item in ("a", "bad", "c")]
    results = await asyncio.gather(*outcomes, return_exceptions=True)
    assert calls == [["a", "bad", "c"], ["a"], ["bad"], ["c"]]
    assert results[0] == "a"
    assert isinstance(results[1], ValueError)
    assert results[2] == "c"
    assert notes(path) == ["a", "c"]


async def test_different_work_is_grouped_apart(database: Database) -> None:
    """Items are given to the work they were posted for."""
    calls: list[tuple[str, list[str]]] = []

    def first(_: Connection, items: Sequence[str]) -> list[str | FoursealError]:
        calls.append(("first", list(items)))
        return list(items)

    def second(_: Connection, items: Sequence[str]) -> list[str | FoursealError]:
        calls.append(("second", list(items)))
        return list(items)

    async with HeldWriter(database):
        outcomes = [
            _post(database, work, item) for work, item in ((first, "a"), (second, "b"), (first, "c"), (second, "d"))
        ]
    assert await asyncio.gather(*outcomes) == ["a", "b", "c", "d"]
    assert calls == [("first", ["a", "c"]), ("second", ["b", "d"])]


async def test_the_writer_waits_for_company_only_while_it_is_coming(database: Database) -> None:
    """``group_while`` is asked before a commit; it never holds a commit up for good."""
    answers = iter([True, True, False])
    asked: list[bool] = []

    def more_is_coming() -> bool:
        asked.append(next(answers, False))
        return asked[-1]

    database.group_while(more_is_coming)
    assert await database.write(add("one")) == "one"
    assert asked[:3] == [True, True, False]
    database.group_while(lambda: True)
    assert await database.write(add("two")) == "two"


async def test_more_than_a_group_holds(database: Database, path: Path) -> None:
    """Work beyond the size of one group is done in further ones; none is lost, the order is kept."""
    async with HeldWriter(database):
        tasks = await queue(database, *(add(str(number)) for number in range(2500)))
    assert await asyncio.gather(*tasks) == [str(number) for number in range(2500)]
    assert notes(path) == [str(number) for number in range(2500)]


async def test_a_cancelled_caller_changes_nothing_for_others(database: Database, path: Path) -> None:
    """A caller that hangs up while its unit waits: the unit is done all the same, the others hear of theirs."""
    async with HeldWriter(database):
        tasks = await queue(database, add("one"), add("two"), add("three"))
        tasks[1].cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert outcomes[0] == "one"
    assert isinstance(outcomes[1], asyncio.CancelledError)
    assert outcomes[2] == "three"
    assert notes(path) == ["one", "two", "three"]


async def test_a_caller_whose_loop_is_gone(database: Database, path: Path) -> None:
    """An event loop that was closed meanwhile does not stop the writer."""

    async def leave() -> None:
        (task,) = await queue(database, add("left behind"))
        task.cancel()

    async with HeldWriter(database):
        await asyncio.to_thread(asyncio.run, leave())
    assert await database.write(add("after")) == "after"
    assert notes(path) == ["left behind", "after"]


async def test_close_writes_what_is_queued(database: Database, path: Path) -> None:
    """Closing refuses new work, and finishes what was accepted."""
    async with HeldWriter(database):
        tasks = await queue(database, add("one"), add("two"))
        closing = asyncio.create_task(asyncio.to_thread(database.close))
    await closing
    assert await asyncio.gather(*tasks) == ["one", "two"]
    assert notes(path) == ["one", "two"]
    with pytest.raises(ServiceError) as refused:
        await database.write(add("three"))
    assert refused.value.reason == "STORAGE_UNAVAILABLE"
    with pytest.raises(ServiceError):
        database.write_now(add("three"))
    with pytest.raises(ServiceError):
        database.post_grouped(lambda _, items: list(items), ["three"], lambda _: None)
    assert notes(path) == ["one", "two"]


async def test_two_processes_write_one_after_the_other(
    database: Database, path: Path, monkeypatch: pytest.MonkeyPatch, log: BoundLogger
) -> None:
    """However long one takes, the other waits: it does not give up as for other programs. Who comes meanwhile joins."""
    monkeypatch.setattr("server.storage.sqlite._BUSY_TIMEOUT_SECONDS", 0.0)
    other = Database(SqliteBackend(path), log)

    def join(connection: Connection) -> str | bytes:
        assert notes(path) == []  # "one" is not committed yet
        return add("two")(connection)

    try:
        async with HeldWriter(database):
            tasks = await queue(other, add("one"))
            await asyncio.wait(tasks, timeout=0.2)  # time to give up in
            tasks += await queue(other, join)
            assert not any(task.done() for task in tasks)
        assert await asyncio.gather(*tasks) == ["one", "two"]
    finally:
        other.close()


def test_write_now_raises_what_the_unit_raised(database: Database) -> None:
    """The blocking form has the same answers."""

    def fail(_: Connection) -> None:
        raise ServiceError("OVERLOADED")

    assert database.write_now(add("one")) == "one"
    with pytest.raises(ServiceError) as refused:
        database.write_now(fail)
    assert refused.value.reason == "OVERLOADED"


def _post(database: Database, work: GroupWork[str, Any], item: str) -> asyncio.Future[Any]:
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    handover = Handover()
    database.post_grouped(work, [item], lambda outcomes: handover.hand_over(future, outcomes[0]))
    return future
