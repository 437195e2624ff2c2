"""Orders that are not done at once: put off, impossible, broken, left by a crash; and what nobody confirms in time."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from fourseal.v1 import transaction_service_pb2 as pb

from server.transactions.execution import LEASE, Execution
from tests.server.harness import query, running_server, silent_log
from tests.server.transactions.book import BOOKS
from tests.server.transactions.conftest import make_bank_home, open_bank
from tests.server.transactions.people import Bank
from tests.server.trusteeship.people import reason_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

MINUTE = timedelta(minutes=1)


async def confirmed(bank: Bank, text: str) -> pb.TransactionStatus:
    """A transaction that was confirmed, and how it stands then."""
    name, binding, code = await bank.signed(text=text)
    return await bank.terminal.confirm(name, binding, code)


async def resume(bank: Bank) -> int:
    """Have what is due tried again, and wait for it."""
    rules = bank.server._rules.transactions.execution
    count = await rules.resume()
    await rules.wait_idle()
    return count


async def test_what_is_impossible_fails(bank: Bank) -> None:
    """Nothing of it was done, the cause is told, and it is not tried again."""
    status = await confirmed(bank, "impossible")
    assert (status.state, status.cause, status.execution) == (pb.TRANSACTION_STATE_FAILED, "NO_MONEY", "")
    bank.clock.move(2 * LEASE)
    assert await resume(bank) == 0
    assert bank.executions(status.transaction_id) == 0


async def test_what_is_put_off_is_tried_when_it_is_time(bank: Bank) -> None:
    """Not before; and then until it is done."""
    bank.book.attempts.clear()
    status = await confirmed(bank, "later")
    assert status.state == pb.TRANSACTION_STATE_CONFIRMED
    assert await resume(bank) == 0
    for state in (pb.TRANSACTION_STATE_CONFIRMED, pb.TRANSACTION_STATE_EXECUTED):
        bank.clock.move(MINUTE)
        assert await resume(bank) == 1
        assert (await bank.terminal.get(status.transaction_id)).state == state
    assert bank.book.attempts == [0, 1, 2]
    assert bank.executions(status.transaction_id) == 1
    bank.clock.move(2 * LEASE)
    assert await resume(bank) == 0


@pytest.mark.parametrize(("text", "mended"), [("break", True), ("half done", False)])
async def test_an_executor_that_is_broken_loses_nothing(bank: Bank, text: str, mended: bool) -> None:  # noqa: FBT001
    """What it raises, or an outcome that is none, leaves the order, and undoes what it had begun."""
    status = await confirmed(bank, text)
    assert status.state == pb.TRANSACTION_STATE_CONFIRMED
    assert bank.executions(status.transaction_id) == 0
    bank.clock.move(LEASE + timedelta(seconds=1))
    assert await resume(bank) == 1
    assert bank.executions(status.transaction_id) == mended
    if not mended:  # an order of every second from now on, for the others
        bank.server._ground.database.write_now(
            lambda connection: connection.exec_driver_sql(
                "UPDATE transactions SET due_time = NULL WHERE transaction_id = ?", (status.transaction_id,)
            )
        )


async def test_what_takes_long_is_not_waited_for(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller hears that it is confirmed; nobody takes it up meanwhile; it goes on without the caller."""
    monkeypatch.setattr("server.transactions.confirmations.WAIT", timedelta(0))
    bank.book.attempts.clear()
    status = await confirmed(bank, "wait")
    assert status.state == pb.TRANSACTION_STATE_CONFIRMED
    bank.clock.move(LEASE + timedelta(seconds=1))
    assert await bank.server._rules.transactions.execution.resume() == 0  # it is at it
    assert await reason_of(bank.terminal.refuse(status.transaction_id)) == "TRANSACTION_STATE_WRONG"
    bank.book.gate.set()
    await bank.server._rules.transactions.execution.wait_idle()
    assert (await bank.terminal.get(status.transaction_id)).state == pb.TRANSACTION_STATE_EXECUTED
    assert (bank.book.attempts, bank.executions(status.transaction_id)) == ([0], 1)


async def test_two_processes_execute_one_order(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    """Should a lease run out under who is at it: both try, and what is recorded is done once."""
    monkeypatch.setattr("server.transactions.confirmations.WAIT", timedelta(0))
    bank.book.gate.clear()
    status = await confirmed(bank, "wait")
    bank.clock.move(LEASE + timedelta(seconds=1))
    rules = bank.server._rules.transactions
    other = Execution(rules.database, rules.executors, bank.clock, silent_log())
    assert await other.resume() == 1
    bank.book.gate.set()
    await asyncio.gather(other.wait_idle(), rules.execution.wait_idle())
    assert (await bank.terminal.get(status.transaction_id)).state == pb.TRANSACTION_STATE_EXECUTED
    assert bank.executions(status.transaction_id) == 1


async def test_what_nobody_confirms_expires(bank: Bank) -> None:
    """By itself, each once, with an entry in the log; what was confirmed does not."""
    proposed = await bank.terminal.propose(bank.terminal.transaction())
    name, binding, code = await bank.signed()
    late = await confirmed(bank, "later")
    upkeep = bank.server._rules.transactions.upkeep
    before = len(query(bank.home, "SELECT 1 FROM log_entries"))
    bank.clock.move(binding.core.end + 2 * MINUTE - bank.clock())
    assert await upkeep.expire() == 1  # the code ends before the transaction does
    bank.clock.move(timedelta(minutes=13))
    assert await upkeep.expire() == 1
    assert await upkeep.expire() == 0
    for each in (proposed.transaction_id, name):
        assert (await bank.terminal.get(each)).state == pb.TRANSACTION_STATE_EXPIRED
    assert len(query(bank.home, "SELECT 1 FROM log_entries")) == before + 2
    assert await reason_of(bank.terminal.confirm(name, binding, code)) == "TRANSACTION_CLOSED"
    assert (await bank.terminal.get(late.transaction_id)).state == pb.TRANSACTION_STATE_CONFIRMED
    for _ in range(2):
        bank.clock.move(MINUTE)
        await resume(bank)


async def test_expiry_comes_in_parts(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it, however many: others write in between."""
    monkeypatch.setattr("server.transactions.upkeep._AT_A_TIME", 2)
    for _ in range(5):
        await bank.terminal.propose(bank.terminal.transaction())
    bank.clock.move(timedelta(minutes=17))
    assert await bank.server._rules.transactions.upkeep.expire() == 5


async def test_a_round_looks_at_what_is_due_alone(bank: Bank) -> None:
    """By its index, so what was stored before costs nothing."""
    for state in ("confirmed", "proposed"):
        (plan, *_) = query(
            bank.home,
            "EXPLAIN QUERY PLAN SELECT * FROM transactions WHERE due_time <= ? AND state IN (?) ORDER BY due_time",
            0,
            state,
        )
        assert "ix_transactions_due" in plan[-1]


async def test_at_the_start_what_was_left_is_taken_up(tmp_path_factory: pytest.TempPathFactory) -> None:
    """By the only process there is, at once, whatever was leased."""
    home = make_bank_home(tmp_path_factory.mktemp("left") / "server")
    async with open_bank(home) as bank:
        execution = bank.server._rules.transactions.execution
        task = asyncio.create_task(confirmed(bank, "wait"))
        await bank.book.begun.wait()
        execution.close()  # as a crash leaves it
        status = await task
        assert status.state == pb.TRANSACTION_STATE_CONFIRMED
    async with running_server(home, clock=bank.clock) as server:
        BOOKS[-1].gate.set()
        execution = server._rules.transactions.execution
        await execution.resume()
        await execution.wait_idle()
        assert bank.executions(status.transaction_id) == 1
        assert BOOKS[-1].attempts == [1]
