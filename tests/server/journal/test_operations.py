"""Operations across restarts, hang-ups and revocations: what is on the disk when somebody hears of it."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import Connection

from mpc.errors import FoursealError
from server.clock import system_clock
from server.custody import store
from server.journal import Intent, Result
from tests.server.journal.journals import (
    ALICE,
    BOB,
    KEY,
    WAIT_SECONDS,
    Answers,
    Journal,
    journal_on,
    outside,
    refuse,
    request,
)
from wire.catalogue import ServiceError

OTHER_KEY = "key-" + "b" * 26


async def test_result_is_on_the_disk_before_the_answer(journal: Journal, path: Path) -> None:
    """Nobody hears of an answer before its record is committed, nor before what has to follow the commit."""
    seen: list[tuple[str, object, bool]] = []

    def look(step: str) -> None:
        seen.append((step, outside(path, "outcome, answer, result_sha256"), task.done()))

    def act(_: str) -> Result:
        return Result(release=b"answer", apply=lambda _: look("apply"), afterwards=lambda: look("afterwards"))

    task = asyncio.create_task(journal.ask(request(), act))
    assert await task == b"answer"
    recorded = [("done", b"answer", sha256(b"answer").digest())]
    assert seen == [("apply", [("pending", None, None)], False), ("afterwards", recorded, False)]


async def test_a_repeat_gets_the_first_answer(journal: Journal, path: Path) -> None:
    """The act is done once, whoever asks again, and also after a restart."""
    act = Answers()
    assert [await journal.ask(request(), act) for _ in range(3)] == [b"answer 1"] * 3
    journal.close()
    with journal_on(path, journal.rules) as restarted:
        assert await restarted.ask(request(), act) == b"answer 1"
    assert act.done == 1
    assert outside(path) == [("done",)]


async def test_request_ids_of_two_callers_do_not_meet(journal: Journal, path: Path) -> None:
    """The same request_id of another caller is another operation."""
    act = Answers()
    assert await journal.ask(request(), act) == b"answer 1"
    assert await journal.ask(request(caller=BOB), act) == b"answer 2"
    assert await journal.ask(request(), act) == b"answer 1"
    assert outside(path, "agent_id") == [("alice",), ("bob",)]


async def test_a_pending_operation_is_done_by_its_repeat(journal: Journal, path: Path) -> None:
    """After a crash between intent and result a repeat acts from the intent that was recorded, and counts once."""
    with pytest.raises(ConnectionAbortedError):
        await journal.ask(request(), Answers(fault=refuse))
    assert outside(path) == [("pending",)]
    journal.close()
    act = Answers()
    with journal_on(path, journal.rules) as restarted:
        assert await restarted.ask(request(), act, key_id=OTHER_KEY) == b"answer 1"  # a generation brings a new id
        assert await restarted.ask(request(), act) == b"answer 1"
    assert act.key_ids == [KEY]
    assert outside(path, "outcome, key_id") == [("done", KEY)]
    assert journal.rules.asked == [("request-00000000", False), ("request-00000000", True)]


async def test_the_policy_judges_the_repeat_of_a_pending_operation(journal: Journal, path: Path) -> None:
    """What was begun before a key was disabled is not done after it; nor is it forgotten."""
    with pytest.raises(ConnectionAbortedError):
        await journal.ask(request(), Answers(fault=refuse))
    journal.rules.refused[request().request_id] = ServiceError("KEY_DISABLED", key_id=KEY)
    act = Answers()
    with pytest.raises(ServiceError) as refused:
        await journal.ask(request(), act)
    assert refused.value.reason == "KEY_DISABLED"
    assert (act.done, outside(path)) == (0, [("pending",)])
    journal.rules.refused.clear()
    assert await journal.ask(request(), act) == b"answer 1"


async def test_an_unknown_caller_hears_nothing(journal: Journal, path: Path) -> None:
    """A caller that was revoked gets neither a new answer nor one it could have had before."""
    act = Answers()
    assert await journal.ask(request(1), act) == b"answer 1"
    journal.rules.unknown.add(ALICE)
    for number in (1, 2):
        with pytest.raises(ServiceError) as refused:
            await journal.ask(request(number), act)
        assert refused.value.reason == "CALLER_UNKNOWN"
    assert (act.done, outside(path, number=2)) == (1, [])


async def test_an_answer_that_is_not_kept_is_made_again(journal: Journal, path: Path) -> None:
    """A partial decryption stays out of the journal: a repeat makes it again, if the policy still agrees."""
    act = Answers(keep=False)
    assert await journal.ask(request(), act) == b"answer 1"
    before = outside(path, "*")
    assert await journal.ask(request(), act) == b"answer 2"
    assert outside(path, "*") == before
    assert outside(path, "answer, result_sha256") == [(None, sha256(b"answer 1").digest())]
    assert b"answer 1" not in b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))
    assert [known for _, known in journal.rules.asked] == [False, True]


async def test_result_and_changes_are_one(journal: Journal, path: Path) -> None:
    """When what an operation changes cannot be written, its result is not recorded either; its neighbours are."""

    def fail(connection: Connection) -> None:
        _mark("half")(connection)
        refuse()

    def act(key_id: str) -> Result:
        return Result(release=key_id.encode(), apply=fail if key_id == OTHER_KEY else _mark("whole"))

    outcomes = await asyncio.gather(
        journal.ask(request(1), act), journal.ask(request(2), act, key_id=OTHER_KEY), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [bytes, ConnectionAbortedError]
    assert [outside(path, number=number) for number in (1, 2)] == [[("done",)], [("pending",)]]
    assert _marks(path) == ["whole"]


async def test_an_operation_goes_on_when_its_caller_hangs_up(journal: Journal, path: Path) -> None:
    """Nothing is left half done, and who comes back gets the answer."""
    entered, release = threading.Event(), threading.Event()

    def wait() -> None:
        entered.set()
        assert release.wait(WAIT_SECONDS)

    act = Answers(fault=wait)
    task = asyncio.create_task(journal.ask(request(), act))
    assert await asyncio.to_thread(entered.wait, WAIT_SECONDS)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    release.set()
    await journal.flights.wait_idle()
    assert outside(path, "outcome, answer") == [("done", b"answer 1")]
    assert await journal.ask(request(), act) == b"answer 1"
    assert act.done == 1


async def test_a_certificate_renewed_while_an_operation_is_under_way(journal: Journal, path: Path) -> None:
    """The repeat with the new one is a flight of its own; whoever comes second gets the answer of the first."""
    entered, release = threading.Event(), threading.Event()

    def wait() -> None:
        entered.set()
        assert release.wait(WAIT_SECONDS)

    slow = asyncio.create_task(journal.ask(request(), Answers(fault=wait)))
    assert await asyncio.to_thread(entered.wait, WAIT_SECONDS)
    renewed = request(caller=replace(ALICE, certificate_sha256=b"n" * 32))
    answer = await journal.ask(renewed, Answers())
    release.set()
    assert await slow == answer
    assert outside(path, "outcome, answer") == [("done", answer)]


@pytest.mark.parametrize("way", ["kept", "not kept", "refused", "changes", "fails"])
async def test_two_processes_with_one_request(journal: Journal, path: Path, way: str) -> None:
    """Both act before either has recorded its result: one is first, and both answer with what that one recorded."""
    begun, both, done = threading.Event(), threading.Barrier(2), threading.Event()

    def act(_: str, name: bytes) -> Result:
        begun.set()
        both.wait(WAIT_SECONDS)
        if way == "refused":
            return Result(refusal=ServiceError("FIELD_INVALID", field=name.decode(), problem="wrong"))
        if way == "fails" and name == b"second":  # what it needs was used up by the first
            assert done.wait(WAIT_SECONDS)
            refuse()
        release = b"the same" if way == "not kept" else name  # a partial decryption depends on nothing but the intent
        return Result(release, keep=way != "not kept", apply=_mark("once") if way == "changes" else None)

    with journal_on(path) as other:
        first = asyncio.create_task(journal.ask(request(), lambda key_id: act(key_id, b"first")))
        assert await asyncio.to_thread(begun.wait, WAIT_SECONDS)
        second = asyncio.create_task(other.ask(request(), lambda key_id: act(key_id, b"second")))
        if way == "fails":
            await first
            done.set()
        outcomes = await asyncio.gather(first, second, return_exceptions=True)
    assert len({str(outcome) for outcome in outcomes}) == 1
    if way == "refused":
        assert all(isinstance(outcome, FoursealError) for outcome in outcomes)
        assert outside(path, "reason") == [("FIELD_INVALID",)]
    else:
        answer = outcomes[0]
        assert isinstance(answer, bytes)
        assert outside(path) == [("done",)]
        assert outside(path, "result_sha256") == [(sha256(answer).digest(),)]
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM log_entries").fetchone() == (1,)


async def test_a_request_that_does_not_hold_is_not_recorded(journal: Journal, path: Path) -> None:
    """What preparation finds wrong never reaches the database, and blocks nothing."""

    def prepare() -> tuple[Intent, Answers]:
        raise ServiceError("FIELD_INVALID", field="digest", problem="missing")

    with pytest.raises(ServiceError) as refused:
        await journal.runner.run(request(), prepare)
    assert (refused.value.reason, outside(path)) == ("FIELD_INVALID", [])
    assert await journal.ask(request(body=b"corrected"), Answers()) == b"answer 1"


def test_records_show_no_answer() -> None:
    """Neither a signature nor the client's partial gets into a log by way of ``repr``."""
    secret = b"never to be seen"
    intent = replace(Intent(request(), KEY), client_partial=secret)
    for shown in (repr(Result(release=secret)), repr(intent)):
        assert secret.decode() not in shown


def _mark(note: str) -> Callable[[Connection], None]:
    """A change of a table beside the journal."""
    return lambda connection: store.insert_share(connection, note, b"sealed", system_clock())


def _marks(path: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute("SELECT key_id FROM sealed_shares ORDER BY key_id")]
