"""Reading what the server shows of transactions: words and binding are believed as far as digest and signature hold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fourseal.v1 import transaction_service_pb2 as pb

from contract.transactions.binding import SignedBinding
from contract.transactions.progress import TransactionState
from contract.transactions.transaction import Transaction, transaction_id
from mpc.errors import PeerMisbehaved
from wire.client.blame import answered_time, blaming_server, server_lied

_STATES: Final = {
    pb.TRANSACTION_STATE_PROPOSED: TransactionState.PROPOSED,
    pb.TRANSACTION_STATE_SIGNED: TransactionState.SIGNED,
    pb.TRANSACTION_STATE_CONFIRMED: TransactionState.CONFIRMED,
    pb.TRANSACTION_STATE_EXECUTED: TransactionState.EXECUTED,
    pb.TRANSACTION_STATE_REJECTED: TransactionState.REJECTED,
    pb.TRANSACTION_STATE_EXPIRED: TransactionState.EXPIRED,
    pb.TRANSACTION_STATE_FAILED: TransactionState.FAILED,
}


@dataclass(frozen=True, slots=True)
class ShownStep:
    """A step, as the server shows it.

    Args:
        state: to which it led.
        time: by the back end's clock, UTC.
        log_index: of its entry in the log.
        entry_der: that entry; empty in lists.
    """

    state: TransactionState
    time: datetime
    log_index: int
    entry_der: bytes


@dataclass(frozen=True, slots=True)
class ShownTransaction:
    """A transaction at the back end, as the server shows it; its words are those that its name is of.

    Args:
        transaction: its words.
        binding: what a device signed; None: nothing yet. Not checked.
        state: how it stands.
        cause: why it was rejected or failed; else empty.
        wrong_codes: how many were tried.
        execution: its executor's reference; empty before.
        create_time: when it was registered, UTC.
        update_time: when it came to its state, UTC.
        steps: in their order.
    """

    transaction: Transaction
    binding: SignedBinding | None
    state: TransactionState
    cause: str
    wrong_codes: int
    execution: str
    create_time: datetime
    update_time: datetime
    steps: tuple[ShownStep, ...]

    @property
    def transaction_id(self) -> str:
        """Its name."""
        return transaction_id(self.transaction.digest)


def read_transaction(shown: pb.TransactionStatus) -> ShownTransaction:
    """Read what the server shows.

    Args:
        shown: of an answer.

    Raises:
        PeerMisbehaved: TRANSACTION_ANSWER_WRONG, and what ``Transaction.from_der`` and ``SignedBinding.from_der``
            raise; the culprit is the server.
    """
    with blaming_server():
        transaction = Transaction.from_der(shown.transaction_der)
        binding = SignedBinding.from_der(shown.binding_der) if shown.binding_der else None
    if shown.transaction_id != transaction_id(transaction.digest):
        raise wrong("it is another transaction than it says")
    return ShownTransaction(
        transaction=transaction,
        binding=binding,
        state=read_state(shown.state),
        cause=shown.cause,
        wrong_codes=shown.wrong_codes,
        execution=shown.execution,
        create_time=answered_time(shown.create_time),
        update_time=answered_time(shown.update_time),
        steps=tuple(
            ShownStep(read_state(each.state), answered_time(each.time), each.log_index, each.entry_der)
            for each in shown.steps
        ),
    )


def read_state(state: pb.TransactionState.ValueType) -> TransactionState:
    """How a transaction stands. Raises PeerMisbehaved (TRANSACTION_ANSWER_WRONG)."""
    if state not in _STATES:
        raise wrong("it stands in no way that is known")
    return _STATES[state]


def wrong(problem: str) -> PeerMisbehaved:
    """The server shows a transaction that cannot be. ``problem`` says why."""
    return server_lied("TRANSACTION_ANSWER_WRONG", problem)
