"""How a transaction comes from one state to the next: in one transaction of the database, with an entry in the log.

Whoever takes a step finds the row, has ``judge`` say what becomes of it, keeps that here, and raises the verdict's
refusal after the commit only: a refusal that were raised within would undo what it is about, such as a wrong code.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from contract.log_entry import EntryKind
from contract.transactions.progress import Progress, TransactionState
from contract.transactions.record import TransactionRecord, step_number
from contract.transactions.verification import CLOCK_DIFFERENCE
from mpc.errors import FoursealError
from server.journal.log import stage
from server.transactions.store import transactions as store
from server.transactions.store.transactions import StepRow, TransactionRow
from wire.catalogue import ServiceError


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of an attempt to take a step.

    Args:
        row: the transaction as it is from then on.
        refusal: to be raised after the commit; None if the step was taken, or had been before.
    """

    row: TransactionRow
    refusal: FoursealError | None = None

    def require(self) -> TransactionRow:
        """The transaction, or raise the refusal."""
        if self.refusal is not None:
            raise self.refusal
        return self.row


def begin(connection: Connection, row: TransactionRow, now: datetime) -> None:
    """Keep a new transaction, and its first step."""
    store.add_transaction(connection, row)
    _record(connection, row, 1, row.transaction_der, now)


def advance(
    connection: Connection,
    row: TransactionRow,
    progress: Progress,
    now: datetime,
    *,
    detail: bytes = b"",
    **changed: Any,  # noqa: ANN401  # fields of a row
) -> TransactionRow:
    """Keep how a transaction stands after an event. A new state is a step, and has an entry in the log.

    Args:
        connection: the transaction of the database, which has found ``row``.
        row: as it was.
        progress: how it stands from now on.
        now: the present time.
        detail: of the record of the step.
        changed: what else becomes of the row.
    """
    if progress == row.progress and not changed:
        return row
    stepped = progress.state is not row.state
    after = replace(
        row,
        state=progress.state,
        end=progress.end,
        binding=progress.binding,
        wrong_codes=progress.wrong_codes,
        cause=progress.cause,
        **{"update_time": now if stepped else row.update_time, "due_time": _due(progress, row), **changed},
    )
    store.put_transaction(connection, after)
    if stepped:
        _record(connection, after, step_number(progress.state, row.state), detail, now)
    return after


def find(connection: Connection, transaction_id: str) -> TransactionRow:
    """The transaction of that name.

    Raises:
        ServiceError: TRANSACTION_NOT_FOUND.
    """
    row = store.find_transaction(connection, transaction_id)
    if row is None:
        raise ServiceError("TRANSACTION_NOT_FOUND")
    return row


def due_of(progress: Progress) -> datetime | None:
    """When a transaction that waits expires; None if it is over."""
    return None if progress.state.is_final else progress.end + CLOCK_DIFFERENCE


def _due(progress: Progress, row: TransactionRow) -> datetime | None:
    return row.due_time if progress.state is TransactionState.CONFIRMED else due_of(progress)


def _record(connection: Connection, row: TransactionRow, number: int, detail: bytes, now: datetime) -> None:
    record = TransactionRecord(row.digest, number, row.state, row.cause, row.binding, detail)
    entry = stage(connection, EntryKind.TRANSACTION, record.to_der(), now)
    store.add_step(connection, StepRow(row.transaction_id, number, row.state, now, entry.index))
