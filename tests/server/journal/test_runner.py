"""The mechanism of idempotency by itself: what is done once, what is done again, and what is remembered."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection

from mpc.errors import FaultDetected, FoursealError, PeerMisbehaved
from server.clock import system_clock
from server.config import load_settings
from server.journal import Act, Caller, Flights, Intent, OperationRunner, Request, Result, run_at_once
from server.root.ground import Ground, open_ground
from server.root.home import Home
from server.storage import Threads
from tests.server.harness import operation_rows, query, silent_log
from wire.catalogue import ServiceError

ALICE = Caller("alice", bytes(32))
DIGEST = bytes(range(32))
REQUEST = Request(ALICE, "r" * 16, "Do", b"body")


class Rules:
    """An operation that counts how often it was admitted and acted, and does what a test tells it."""

    def __init__(self) -> None:
        self.admitted: list[bool] = []
        self.key_ids: list[str] = []
        self.refusal: FoursealError | None = None
        self.results: list[Result | Exception] = []
        self.acting = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def admit(
        self, connection: Connection, intents: Sequence[Intent], repeated: Sequence[bool]
    ) -> list[FoursealError | None]:
        """See ``Policy``."""
        assert connection.in_transaction()
        self.admitted += repeated
        return [self.refusal] * len(intents)

    def prepare(self, request: Request = REQUEST, key_id: str = "key-one") -> tuple[Intent, Act]:
        """See ``Prepare``."""
        return Intent(request, key_id, "algorithm", DIGEST, b"salt", b"partial"), self.act

    def act(self, key_id: str) -> Result:
        """See ``Act``."""
        self.key_ids.append(key_id)
        self.acting.set()
        assert self.go_on.wait(30)
        result = self.results.pop(0) if self.results else Result(release=b"answer")
        if isinstance(result, Exception):
            raise result
        return result


def admit_all(_: Connection, callers: Sequence[Caller]) -> list[FoursealError | None]:
    """Everybody but Mallory may call."""
    return [ServiceError("CALLER_UNKNOWN") if caller.agent_id == "mallory" else None for caller in callers]


@pytest.fixture
def rules() -> Rules:
    """Rules that admit everything."""
    return Rules()


@pytest.fixture
def ground(home: Home) -> Iterator[Ground]:
    """An open database."""
    with open_ground(home, load_settings(home.folder), silent_log()) as opened:
        yield opened


@pytest.fixture
def runner(ground: Ground, rules: Rules) -> Iterator[OperationRunner]:
    """A runner of those rules; made again, it is as after a restart."""
    workers = Threads(2, "test")
    yield new_runner(ground, rules, workers)
    rules.go_on.set()
    workers.close()


def new_runner(ground: Ground, rules: Rules, workers: Threads) -> OperationRunner:
    """A runner without any memory of its own."""
    flights = Flights(capacity=4, capacity_of_caller=3)
    return OperationRunner(ground.database, flights, workers, admit_all, rules, system_clock)


async def run(runner: OperationRunner, rules: Rules, request: Request = REQUEST, key_id: str = "key-one") -> bytes:
    """Run the operation."""
    return await runner.run(request, lambda: rules.prepare(request, key_id))


async def test_done_once(home: Home, runner: OperationRunner, rules: Rules) -> None:
    """A repeat is answered from the journal: no act, no policy."""
    assert [await run(runner, rules) for _ in range(3)] == [b"answer"] * 3
    assert (rules.admitted, rules.key_ids) == ([False], ["key-one"])
    assert operation_rows(home) == [("alice", "Do", "done", None, "r" * 16, "key-one")]


async def test_intent_is_on_the_disk_before_the_act(home: Home, runner: OperationRunner, rules: Rules) -> None:
    """While the act runs, the journal says what is being done, in full."""
    rules.go_on.clear()
    running = asyncio.ensure_future(run(runner, rules))
    assert await asyncio.to_thread(rules.acting.wait, 30)
    columns = "outcome, algorithm, digest, salt, client_partial, result_time, answer"
    assert query(home, f"SELECT {columns} FROM operations") == [  # noqa: S608  # no outside value
        ("pending", "algorithm", DIGEST, b"salt", b"partial", None, None)
    ]
    rules.go_on.set()
    assert await running == b"answer"


async def test_act_that_failed_is_tried_again_by_a_repeat(home: Home, runner: OperationRunner, rules: Rules) -> None:
    """A pending operation goes on with the key of its intent, and is not admitted as a new one."""
    rules.results = [FaultDetected("partial"), RuntimeError("a bug"), Result(release=b"at last")]
    with pytest.raises(FaultDetected):
        await run(runner, rules)
    with pytest.raises(RuntimeError, match="a bug"):
        await run(runner, rules)
    assert [row[2] for row in operation_rows(home)] == ["pending"]
    assert await run(runner, rules, key_id="key-two") == b"at last"
    assert (rules.admitted, rules.key_ids) == ([False, True, True], ["key-one"] * 3)


async def test_policy_refuses_before_anything_is_recorded(home: Home, runner: OperationRunner, rules: Rules) -> None:
    """A refusal of the policy leaves no record, and may be otherwise the next time."""
    rules.refusal = ServiceError("KEY_DISABLED", key_id="key-one")
    with pytest.raises(ServiceError, match="disabled"):
        await run(runner, rules)
    assert operation_rows(home) == []
    assert rules.key_ids == []
    rules.refusal = None
    assert await run(runner, rules) == b"answer"


async def test_unknown_caller_hears_nothing_of_earlier_operations(runner: OperationRunner, rules: Rules) -> None:
    """The caller is checked first, also for a finished operation."""
    mallory = replace(REQUEST, caller=Caller("mallory", bytes(32)))
    with pytest.raises(ServiceError) as refused:
        await run(runner, rules, mallory)
    assert refused.value.reason == "CALLER_UNKNOWN"
    assert rules.admitted == []


@pytest.mark.parametrize("change", [{"body_sha256": b"other"}, {"method": "Undo"}])
@pytest.mark.parametrize("finished", [True, False])
async def test_other_request_under_the_same_id(
    runner: OperationRunner, rules: Rules, change: dict[str, Any], *, finished: bool
) -> None:
    """Another body or method is refused: while the first is under way, and when it was finished or interrupted."""
    rules.results = [Result(release=b"answer") if finished else FaultDetected("x")]
    await asyncio.gather(run(runner, rules), return_exceptions=True)
    other = replace(REQUEST, **change)
    with pytest.raises(ServiceError) as refused:
        await run(runner, rules, other)
    assert refused.value.reason == "REQUEST_ID_REUSED"


async def test_refusal_of_the_act_is_remembered(home: Home, runner: OperationRunner, rules: Rules) -> None:
    """A final refusal is heard again by every repeat, with its reason and culprit."""
    rules.results = [Result(refusal=PeerMisbehaved("COMMITMENT_NOT_OPENED", "not the one", culprit="client"))]
    for _ in range(3):
        with pytest.raises(FoursealError, match="not the one") as refused:
            await run(runner, rules)
        assert (refused.value.reason, refused.value.metadata) == ("COMMITMENT_NOT_OPENED", {"culprit": "client"})
    assert rules.key_ids == ["key-one"]
    assert operation_rows(home)[0][2:4] == ("refused", "COMMITMENT_NOT_OPENED")


async def test_answer_that_is_not_kept_is_computed_again(home: Home, runner: OperationRunner, rules: Rules) -> None:
    """The record of a finished operation is not written a second time."""
    rules.results = [Result(release=b"same", keep=False), Result(release=b"same", keep=False)]
    assert await run(runner, rules) == b"same"
    before = query(home, "SELECT * FROM operations")
    assert await run(runner, rules) == b"same"
    assert query(home, "SELECT * FROM operations") == before
    assert rules.admitted == [False, True]


async def test_change_and_result_are_one_transaction(home: Home, runner: OperationRunner, rules: Rules) -> None:
    """When the change that belongs to a result fails, neither is kept."""

    def fail(connection: Connection) -> None:
        connection.exec_driver_sql("DELETE FROM custody_probes")
        raise ServiceError("KEY_ABORTED", key_id="key-one", cause="X")

    rules.results = [Result(apply=fail)]
    with pytest.raises(ServiceError, match="aborted"):
        await run(runner, rules)
    assert [row[2] for row in operation_rows(home)] == ["pending"]
    assert query(home, "SELECT count(*) FROM custody_probes") == [(1,)]


async def test_what_comes_afterwards_is_done_before_the_answer(
    home: Home, runner: OperationRunner, rules: Rules
) -> None:
    """It sees the committed result."""
    seen: list[str] = []
    rules.results = [Result(release=b"answer", afterwards=lambda: seen.extend(row[2] for row in operation_rows(home)))]
    assert await run(runner, rules) == b"answer"
    assert seen == ["done"]


async def test_repeats_at_the_same_time_join(runner: OperationRunner, rules: Rules) -> None:
    """One act for all of them; who hangs up does not end it for the others."""
    rules.go_on.clear()
    running = [asyncio.ensure_future(run(runner, rules)) for _ in range(10)]
    assert await asyncio.to_thread(rules.acting.wait, 30)
    running[0].cancel()
    with pytest.raises(ServiceError) as refused:
        await run(runner, rules, replace(REQUEST, body_sha256=b"other"))
    assert refused.value.reason == "REQUEST_ID_REUSED"
    rules.go_on.set()
    assert await asyncio.gather(*running[1:]) == [b"answer"] * 9
    assert rules.key_ids == ["key-one"]


async def test_bounds_of_operations_under_way(runner: OperationRunner, rules: Rules) -> None:
    """Three of one caller, four of all; a repeat of one under way is none more."""
    rules.go_on.clear()
    callers = [ALICE, ALICE, ALICE, Caller("bob", bytes(32))]
    requests = [Request(caller, f"request-{index:08}", "Do", b"") for index, caller in enumerate(callers)]
    running = [asyncio.ensure_future(run(runner, rules, request)) for request in requests]
    await asyncio.sleep(0)
    for caller in (ALICE, Caller("bob", bytes(32)), Caller("carol", bytes(32))):
        with pytest.raises(ServiceError) as refused:
            await run(runner, rules, Request(caller, "one-too-many-here", "Do", b""))
        assert refused.value.reason == "OVERLOADED"
    running.append(asyncio.ensure_future(run(runner, rules, requests[0])))
    rules.go_on.set()
    assert await asyncio.gather(*running) == [b"answer"] * 5
    await run(runner, rules, Request(ALICE, "and-now-there-is-room", "Do", b""))


async def test_change_at_once(home: Home, ground: Ground) -> None:
    """A change of the database alone is recorded with it; a repeat changes nothing; a failed one leaves nothing."""
    intent, done = Intent(REQUEST, "key-one"), list[int]()

    def change(connection: Connection) -> Result:
        assert connection.in_transaction()
        done.append(1)
        return Result(release=b"changed")

    def fail(_: Connection) -> Result:
        raise ServiceError("KEY_STATE_WRONG", key_id="key-one", state="x")

    with pytest.raises(ServiceError, match="another state"):
        await run_at_once(ground.database, admit_all, system_clock, intent, fail)
    assert operation_rows(home) == []
    for _ in range(2):
        assert await run_at_once(ground.database, admit_all, system_clock, intent, change) == b"changed"
    assert done == [1]
    mallory = Intent(replace(REQUEST, caller=Caller("mallory", b"")), "key-one")
    with pytest.raises(ServiceError, match="no agent"):
        await run_at_once(ground.database, admit_all, system_clock, mallory, change)
    other = Intent(replace(REQUEST, body_sha256=b"other"), "key-one")
    with pytest.raises(ServiceError, match="used before"):
        await run_at_once(ground.database, admit_all, system_clock, other, change)
