"""Transactions and their steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, func, insert, select, tuple_, update

from contract.transactions.progress import Progress, TransactionState
from server.storage import PageCursor, row_values
from server.transactions.store.tables import transaction_steps, transactions

_transaction = transactions.c
_step = transaction_steps.c
_ROWS_AT_A_TIME: Final = 500
_add, _add_step = insert(transactions), insert(transaction_steps)
_find = select(transactions).where(_transaction.transaction_id == bindparam("of_transaction"))
_find_request = select(transactions).where(
    _transaction.signer == bindparam("of_signer"), _transaction.request_id == bindparam("of_request")
)
_steps = select(transaction_steps).where(_step.transaction_id == bindparam("of_transaction")).order_by(_step.number)
_count_open = select(func.count()).where(
    _transaction.due_time.is_not(None), _transaction.terminal == bindparam("of_terminal")
)
_count_open_of_signer = _count_open.where(_transaction.signer == bindparam("of_signer"))
_put = (
    update(transactions)
    .where(_transaction.transaction_id == bindparam("of_transaction"))
    .values(
        {
            name: bindparam(name)
            for name in (
                *("state", "end", "binding", "binding_der", "wrong_codes", "cause"),
                *("execution", "attempts", "update_time", "due_time"),
            )
        }
    )
)


@dataclass(frozen=True, slots=True)
class TransactionRow:
    """A transaction at its back end.

    Args:
        transaction_id: "transaction-" and 32 hexadecimal digits.
        signer: account that shall sign it.
        request_id: that the terminal chose.
        terminal: agent that proposed it.
        transaction_der: DER of Transaction.
        state, end, binding, wrong_codes, cause: see ``Progress``.
        binding_der: DER of SignedBinding; empty before.
        execution: the executor's reference; empty before.
        attempts: how often its execution was begun.
        create_time: when it was registered.
        update_time: when it came to how it stands.
        due_time: when it expires, or may be tried again; None: it is over.
    """

    transaction_id: str
    signer: str
    request_id: str
    terminal: str
    transaction_der: bytes = field(repr=False)
    state: TransactionState
    end: datetime
    binding: bytes
    binding_der: bytes = field(repr=False)
    wrong_codes: int
    cause: str
    execution: str
    attempts: int
    create_time: datetime
    update_time: datetime
    due_time: datetime | None

    @property
    def digest(self) -> bytes:
        """The transaction's, 32 bytes."""
        return sha256(self.transaction_der).digest()

    @property
    def progress(self) -> Progress:
        """How it stands, for ``judge``."""
        return Progress(self.state, self.end, self.binding, self.wrong_codes, self.cause)


@dataclass(frozen=True, slots=True)
class StepRow:
    """A step: the ``number``-th, from 1 on; ``log_index`` is that of its entry."""

    transaction_id: str
    number: int
    state: TransactionState
    time: datetime
    log_index: int


def add_transaction(connection: Connection, row: TransactionRow) -> None:
    """Keep a new transaction."""
    connection.execute(_add, row_values(row))


def put_transaction(connection: Connection, row: TransactionRow) -> None:
    """Keep what has become of one."""
    connection.execute(_put, row_values(row) | {"of_transaction": row.transaction_id})


def find_transaction(connection: Connection, transaction_id: str) -> TransactionRow | None:
    """The transaction of that name."""
    row = connection.execute(_find, {"of_transaction": transaction_id}).one_or_none()
    return None if row is None else _read(row)


def find_by_request(connection: Connection, signer: str, request_id: str) -> TransactionRow | None:
    """The transaction of a signer with that request id."""
    row = connection.execute(_find_request, {"of_signer": signer, "of_request": request_id}).one_or_none()
    return None if row is None else _read(row)


def count_open(connection: Connection, terminal: str, signer: str | None = None) -> int:
    """How many transactions of a terminal are not over; of those that one signer is to sign, if it is named."""
    query = _count_open if signer is None else _count_open_of_signer
    return connection.execute(query, {"of_terminal": terminal, "of_signer": signer}).scalar_one()


def list_transactions(
    connection: Connection, after: PageCursor | None, limit: int, *, signer: str = "", terminal: str = ""
) -> list[TransactionRow]:
    """At most ``limit`` transactions, newest first: of a signer, of a terminal, or all."""
    order = (_transaction.create_time, _transaction.transaction_id)
    query = select(transactions).order_by(*(column.desc() for column in order)).limit(limit)
    if signer:
        query = query.where(_transaction.signer == signer)
    if terminal:
        query = query.where(_transaction.terminal == terminal)
    if after is not None:
        query = query.where(tuple_(*order) < (after.time, after.name))
    return [_read(row) for row in connection.execute(query)]


def list_due(
    connection: Connection, states: Sequence[TransactionState], now: datetime, limit: int
) -> list[TransactionRow]:
    """At most ``limit`` transactions in some states whose time has come, the longest due first."""
    query = select(transactions).where(
        _transaction.due_time <= now, _transaction.state.in_([state.value for state in states])
    )
    return [_read(row) for row in connection.execute(query.order_by(_transaction.due_time).limit(limit))]


def make_all_due(connection: Connection, state: TransactionState, now: datetime) -> int:
    """The time of every transaction in a state has come. Returns how many."""
    query = update(transactions).where(
        _transaction.due_time > now, _transaction.due_time.is_not(None), _transaction.state == state.value
    )
    return connection.execute(query, {"due_time": now}).rowcount


def add_step(connection: Connection, row: StepRow) -> None:
    """Keep a new step."""
    connection.execute(_add_step, row_values(row))


def list_steps(connection: Connection, transaction_id: str) -> list[StepRow]:
    """All steps of a transaction, in their order: four at most."""
    return [_read_step(row) for row in connection.execute(_steps, {"of_transaction": transaction_id})]


def count_rows(connection: Connection) -> tuple[int, int]:
    """How many transactions and steps there are."""
    found, steps = (
        connection.execute(select(func.count()).select_from(table)).scalar_one()
        for table in (transactions, transaction_steps)
    )
    return found, steps


def all_transactions(connection: Connection) -> Iterator[TransactionRow]:
    """Every transaction."""
    query = select(transactions).order_by(_transaction.transaction_id)
    for row in connection.execute(query.execution_options(yield_per=_ROWS_AT_A_TIME)):
        yield _read(row)


def _read(row: Row[*tuple[Any, ...]]) -> TransactionRow:
    return TransactionRow(**(row._asdict() | {"state": TransactionState(row.state)}))


def _read_step(row: Row[*tuple[Any, ...]]) -> StepRow:
    return StepRow(**(row._asdict() | {"state": TransactionState(row.state)}))
