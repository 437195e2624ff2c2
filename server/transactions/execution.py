"""Executes what was confirmed: once, whatever crashes.

Whoever confirms a transaction has it leased for a minute, and begins to execute it. What the executor did in the
database, and that the transaction is executed, are one commit. What was left, by a crash or by an executor that says
``Later``, is taken up by whoever finds its time come: ``resume``, each second. The lease only keeps two processes from
trying at once, which costs, and would do no harm: a transaction that is executed already is not executed again, and one
``Order.key`` is one order to executors that work elsewhere.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy import Connection

from contract.transactions.progress import Executed, ExecutionFailed, TransactionState, judge
from contract.transactions.transaction import Transaction
from mpc.errors import MalformedInput
from server.clock import Clock
from server.storage import Database
from server.transactions.executors.interface import Done, Executor, Impossible, Later, Order, Settle
from server.transactions.steps import advance
from server.transactions.store import transactions as store
from server.transactions.store.transactions import TransactionRow
from wire.catalogue import ServiceError

LEASE: Final = timedelta(minutes=1)
"""For which nobody else tries to execute a transaction."""
_AT_ONCE: Final = 64
_RESUME_SECONDS: Final = 1.0
_CONFIRMED: Final = (TransactionState.CONFIRMED,)

Executors = Mapping[str, Executor]
"""Who executes, by kind of transaction."""


class Execution:
    """Has confirmed transactions executed. All methods are called on one event loop.

    Args:
        database: where they are.
        executors: by kind.
        clock: the time.
        log: is told of what cannot be executed for now.
    """

    def __init__(
        self, database: Database, executors: Executors, clock: Clock, log: structlog.stdlib.BoundLogger
    ) -> None:
        self._database = database
        self._executors = executors
        self._clock = clock
        self._log = log
        self._running: dict[str, asyncio.Task[None]] = {}

    async def begin(self, row: TransactionRow, wait: timedelta) -> None:
        """Begin to execute what is leased to this process, and wait for it for some time. It goes on by itself."""
        task = asyncio.create_task(self._execute(row))
        self._running[row.transaction_id] = task
        task.add_done_callback(lambda _: self._running.pop(row.transaction_id, None))
        await asyncio.wait([task], timeout=wait.total_seconds())

    async def resume(self) -> int:
        """Begin to execute what was left and whose time has come. Returns how many transactions.

        Raises:
            ServiceError: STORAGE_UNAVAILABLE.
        """
        now, room = self._clock(), _AT_ONCE - len(self._running)
        if room <= 0 or not await self._database.read(lambda each: store.list_due(each, _CONFIRMED, now, 1)):
            return 0
        claimed = await self._database.write(lambda connection: self._claim(connection, room))
        for row in claimed:
            await self.begin(row, timedelta(0))
        return len(claimed)

    async def keep_resuming(self) -> None:
        """Resume, each second. Until it is cancelled."""
        while True:
            with contextlib.suppress(ServiceError):  # health tells of it, and the next round tries again
                await self.resume()
            await asyncio.sleep(_RESUME_SECONDS)

    async def end_leases(self) -> None:
        """Let everything be tried at once, for nobody else is there: at the start of the only process.

        Raises:
            ServiceError: STORAGE_UNAVAILABLE.
        """
        now = self._clock()
        await self._database.write(lambda each: store.make_all_due(each, TransactionState.CONFIRMED, now))

    async def wait_idle(self) -> None:
        """Return when nothing is being executed."""
        while self._running:
            await asyncio.wait(list(self._running.values()))

    def close(self) -> None:
        """Give up what is being executed: it is taken up after the next start."""
        for task in self._running.values():
            task.cancel()

    def _claim(self, connection: Connection, room: int) -> list[TransactionRow]:
        now, claimed = self._clock(), list[TransactionRow]()
        for row in store.list_due(connection, _CONFIRMED, now, room):
            if row.transaction_id in self._running:  # it takes long: the lease goes on
                store.put_transaction(connection, replace(row, due_time=now + LEASE))
                continue
            leased = replace(row, attempts=row.attempts + 1, due_time=now + LEASE)
            store.put_transaction(connection, leased)
            claimed.append(leased)
        return claimed

    async def _execute(self, row: TransactionRow) -> None:
        try:
            transaction = Transaction.from_der(row.transaction_der)
            executor = self._executors.get(transaction.kind)
            if executor is None:
                self._log.error("executor_missing", transaction_id=row.transaction_id)
                return
            settle = await executor.execute(Order(transaction, row.transaction_id, row.attempts - 1))
            later = await self._database.write(lambda connection: self._settle(connection, row, settle))
        except (ServiceError, MalformedInput) as error:  # the row is damaged, or the outcome is none
            self._log.error("execution_failed", transaction_id=row.transaction_id, cause=str(error))
        except Exception as error:  # noqa: BLE001  # a plug-in may raise anything; the order stays, and is tried again
            kind = type(error).__name__
            self._log.error("executor_broken", transaction_id=row.transaction_id, kind=kind, cause=str(error))
        else:
            if later is not None:
                self._log.warning("execution_postponed", transaction_id=row.transaction_id, cause=later.cause)

    def _settle(self, connection: Connection, held: TransactionRow, settle: Settle) -> Later | None:
        """Record the outcome, unless it was recorded before."""
        row = store.find_transaction(connection, held.transaction_id)
        if row is None or row.state is not TransactionState.CONFIRMED:
            return None
        now, reference = self._clock(), ""
        event: Executed | ExecutionFailed
        match settle(connection):
            case Later() as later:
                if row.attempts == held.attempts:  # else it is leased to somebody else
                    store.put_transaction(connection, replace(row, due_time=now + max(later.after, timedelta(0))))
                return later
            case Impossible(cause):
                event = ExecutionFailed(cause)
            case Done(reference):
                event = Executed()
        verdict = judge(row.progress, event, now)
        advance(
            connection,
            row,
            verdict.progress,
            now,
            detail=reference.encode(),
            execution=reference,
            due_time=None,
        )
        return None
