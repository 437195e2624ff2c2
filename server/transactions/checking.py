"""Compares transactions with the log: each entry with its step, and each row with what its entries say."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from contract.log_entry import EntryKind, LogEntry
from contract.transactions.progress import TransactionState
from contract.transactions.record import TransactionRecord
from contract.transactions.transaction import transaction_id
from mpc.errors import FoursealError
from server.journal.log import Entries, Finding
from server.transactions.store import transactions as store
from server.transactions.store.transactions import StepRow, TransactionRow


class TransactionCheck:
    """See ``server.journal.log.EntryCheck``."""

    def __init__(self) -> None:
        self._transactions = 0
        self._steps = 0

    def check(self, connection: Connection, entries: Entries) -> Iterator[Finding]:
        """Every step in the log has its row, which says the same; so does the row of its transaction."""
        for index, entry in entries:
            if entry.kind is not EntryKind.TRANSACTION:
                continue
            self._steps += 1
            try:
                record = TransactionRecord.from_der(entry.body)
            except FoursealError as error:
                yield Finding(f"entry {index}", f"its body cannot be read: {error}")
                continue
            self._transactions += record.state is TransactionState.PROPOSED
            name = transaction_id(record.transaction)
            row = store.find_transaction(connection, name)
            steps = {step.number: step for step in store.list_steps(connection, name)}
            if row is None or record.number not in steps:
                yield Finding(f"entry {index}", "the row of its transaction, or of that step, was deleted")
            elif not fits_step(steps[record.number], index, entry, record) or not fits_row(row, record):
                yield Finding(f"step {record.number} of {name}", f"its row is not what entry {index} says")

    def finish(self, connection: Connection) -> Iterator[Finding]:
        """There are no rows without an entry, and every transaction stands as its last step says."""
        for what, there, by_log in zip(
            ("transactions", "steps"), store.count_rows(connection), (self._transactions, self._steps), strict=True
        ):
            if there != by_log:
                yield Finding(what, f"there are {there} rows, and by the log {by_log}")
        for row in store.all_transactions(connection):
            steps = store.list_steps(connection, row.transaction_id)
            if not stands_as_its_steps(row, steps):
                yield Finding(row.transaction_id, f"it is {row.state}, and its steps do not say so")


def fits_step(step: StepRow, index: int, entry: LogEntry, record: TransactionRecord) -> bool:
    """Whether a step's row says what its entry does."""
    return (step.log_index, step.state, step.number, step.time.replace(microsecond=0)) == (
        index,
        record.state,
        record.number,
        entry.time,
    )


def fits_row(row: TransactionRow, record: TransactionRecord) -> bool:
    """Whether a transaction's row says what a record of it does."""
    match record.state:
        case TransactionState.PROPOSED:
            return row.transaction_der == record.detail
        case TransactionState.SIGNED:
            return (row.binding, row.binding_der) == (record.binding, record.detail)
        case TransactionState.CONFIRMED:
            return row.binding == record.binding
        case _:
            return (row.state, row.cause, row.execution) == (record.state, record.cause, record.detail.decode())


def stands_as_its_steps(row: TransactionRow, steps: list[StepRow]) -> bool:
    """Whether steps are numbered without a gap, and the last is how the transaction stands."""
    numbers = [step.number for step in steps]
    return bool(steps) and numbers == list(range(1, len(steps) + 1)) and steps[-1].state is row.state
