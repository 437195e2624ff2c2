"""What the rules of confirmed transactions give, as messages."""

from __future__ import annotations

from typing import Final

from fourseal.v1 import transaction_service_pb2 as pb

from contract.transactions.progress import TransactionState
from server.transactions.viewing import Shown
from wire.convert import timestamp_of

_STATES: Final = {
    TransactionState.PROPOSED: pb.TRANSACTION_STATE_PROPOSED,
    TransactionState.SIGNED: pb.TRANSACTION_STATE_SIGNED,
    TransactionState.CONFIRMED: pb.TRANSACTION_STATE_CONFIRMED,
    TransactionState.EXECUTED: pb.TRANSACTION_STATE_EXECUTED,
    TransactionState.REJECTED: pb.TRANSACTION_STATE_REJECTED,
    TransactionState.EXPIRED: pb.TRANSACTION_STATE_EXPIRED,
    TransactionState.FAILED: pb.TRANSACTION_STATE_FAILED,
}


def status_to_proto(shown: Shown) -> pb.TransactionStatus:
    """How a transaction stands."""
    row = shown.row
    return pb.TransactionStatus(
        transaction_id=row.transaction_id,
        state=_STATES[row.state],
        cause=row.cause,
        wrong_codes=row.wrong_codes,
        transaction_der=row.transaction_der,
        binding_der=row.binding_der,
        execution=row.execution,
        create_time=timestamp_of(row.create_time),
        update_time=timestamp_of(row.update_time),
        steps=[
            pb.TransactionStep(
                state=_STATES[step.state], time=timestamp_of(step.time), log_index=step.log_index, entry_der=entry
            )
            for step, entry in zip(shown.steps, shown.entries or [b""] * len(shown.steps), strict=True)
        ],
    )
