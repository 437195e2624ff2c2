"""Records of transactions: what the back end's log keeps of every step.

Each is the body of a log entry, which says when. Together a transaction's records have all that is needed to verify it
without the back end: its words, what the device signed, the code, and what its executor says that it did.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Final, Self

from cryptography.hazmat import asn1

from contract import der
from contract.transactions.binding import MAX_BINDING_BYTES, SignedBinding
from contract.transactions.code import ConfirmationCode
from contract.transactions.progress import NEXT_STATES, TransactionState
from contract.transactions.transaction import MAX_TRANSACTION_BYTES, Transaction
from mpc.errors import MalformedInput

MAX_RECORD_BYTES: Final = max(MAX_TRANSACTION_BYTES, MAX_BINDING_BYTES) + 256
"""Longest record that is looked at."""

_RECORD_REASON: Final = "TRANSACTION_RECORD_MALFORMED"
_PROTOCOL: Final = "fourseal/v1/transaction record"
_CAUSE: Final = re.compile(r"[A-Z][A-Z0-9_]{0,63}", re.ASCII)
_REFERENCE: Final = re.compile(r"[!-~]{1,128}", re.ASCII)
_CAUSED: Final = frozenset({TransactionState.REJECTED, TransactionState.FAILED})
_NUMBERS: Final = {
    TransactionState.PROPOSED: frozenset({1}),
    TransactionState.SIGNED: frozenset({2}),
    TransactionState.CONFIRMED: frozenset({3}),
    TransactionState.EXECUTED: frozenset({4}),
    TransactionState.FAILED: frozenset({4}),
    TransactionState.REJECTED: frozenset({2, 3}),
    TransactionState.EXPIRED: frozenset({2, 3}),
}


def step_number(state: TransactionState, before: TransactionState | None) -> int:
    """The number of the step that leads to a state: 1 to 4.

    Args:
        state: to which it leads.
        before: from which; None: the transaction is new.
    """
    if before is None:
        return 1
    if state not in NEXT_STATES[before]:
        raise ValueError(f"no step leads from {before} to {state}")
    return min(_NUMBERS[before]) + 1


@dataclass(frozen=True, slots=True)
class TransactionRecord:
    """One step of a transaction.

    Args:
        transaction: its digest, 32 bytes.
        number: of the step, from 1 on.
        state: to which it led.
        cause: why it was rejected or failed, UPPER_SNAKE; else empty.
        binding: digest of what was signed, 32 bytes; empty if nothing was.
        detail: proposed: DER of the transaction; signed: DER of the binding; confirmed: the code, which is used up
            then; executed: the executor's reference; else empty.

    Raises:
        MalformedInput: TRANSACTION_RECORD_MALFORMED, and what is raised by what is in the detail.
    """

    transaction: bytes
    number: int
    state: TransactionState
    cause: str
    binding: bytes
    detail: bytes = field(repr=False)

    def __post_init__(self) -> None:
        der.require_digest(self.transaction, "the transaction", reason=_RECORD_REASON)
        _require(self.number in _NUMBERS[self.state], "a step that has not this number")
        caused = self.state in _CAUSED
        _require(_CAUSE.fullmatch(self.cause) if caused else not self.cause, "a cause that does not fit the state")
        bound = self.number > min(_NUMBERS[TransactionState.SIGNED]) or self.state is TransactionState.SIGNED
        size = der.FINGERPRINT_BYTES if bound else 0
        _require(len(self.binding) == size, "a binding that does not fit the step")
        self._check_detail()

    def _check_detail(self) -> None:
        match self.state:
            case TransactionState.PROPOSED:
                fits = hashlib.sha256(Transaction.from_der(self.detail).to_der()).digest() == self.transaction
            case TransactionState.SIGNED:
                binding = SignedBinding.from_der(self.detail)
                fits = (binding.digest, binding.core.transaction) == (self.binding, self.transaction)
            case TransactionState.CONFIRMED:
                ConfirmationCode(self.detail.decode("ascii", "replace"))
                fits = True
            case TransactionState.EXECUTED:
                fits = _REFERENCE.fullmatch(self.detail.decode("ascii", "replace")) is not None
            case _:
                fits = not self.detail
        _require(fits, "a detail that does not fit the step")

    def to_der(self) -> bytes:
        """DER of TransactionRecord: docs/formats.md."""
        return der.write_structure(
            _TransactionRecord(
                version=der.VERSION,
                protocol=_PROTOCOL,
                transaction=self.transaction,
                number=self.number,
                state=self.state.value,
                cause=self.cause,
                binding=self.binding,
                detail=self.detail,
            )
        )

    @classmethod
    def from_der(cls, data: bytes) -> Self:
        """Read ``to_der``. Raises as the constructor does."""
        read = der.read_structure(_TransactionRecord, data, MAX_RECORD_BYTES, reason=_RECORD_REASON)
        der.require_version(read.version, reason=_RECORD_REASON)
        _require(read.protocol == _PROTOCOL, "it is no record of a transaction")
        _require(read.state in frozenset(TransactionState), "this state does not exist")
        record = cls(
            transaction=read.transaction,
            number=read.number,
            state=TransactionState(read.state),
            cause=read.cause,
            binding=read.binding,
            detail=read.detail,
        )
        der.require_canonical(data, record.to_der(), reason=_RECORD_REASON)
        return record


def is_reference(reference: str) -> bool:
    """Whether it can be an executor's reference: 1 to 128 visible characters of ASCII."""
    return _REFERENCE.fullmatch(reference) is not None


def _require(holds: object, problem: str) -> None:
    if not holds:
        raise MalformedInput(_RECORD_REASON, problem, problem=problem)


@asn1.sequence
class _TransactionRecord:
    version: int
    protocol: str
    transaction: bytes
    number: int
    state: str
    cause: str
    binding: bytes
    detail: bytes
