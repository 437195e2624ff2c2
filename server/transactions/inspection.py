"""Transactions as an operator sees and verifies them, beside a server that may be running."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import pairwise
from typing import Final

from sqlalchemy import Connection

from contract.errors import VerificationFailed
from contract.log_entry import EntryKind, LogEntry
from contract.sealing import unseal
from contract.transactions.binding import CodeVariant, Opener, SignedBinding
from contract.transactions.code import ConfirmationCode
from contract.transactions.progress import NEXT_STATES, TransactionState
from contract.transactions.record import TransactionRecord
from contract.transactions.transaction import Transaction, transaction_id
from contract.transactions.verification import BackEnd, is_right_code, verify_binding
from mpc.errors import FoursealError
from mpc.four_prime_rsa import Purpose
from server.custody import NamedKeys
from server.identity import CertificateProfile, IssuedCertificate, find_certificate
from server.journal.log import LogReader
from server.storage import Database, PageCursor
from server.transactions.checking import fits_row, fits_step, stands_as_its_steps
from server.transactions.execution import Executors
from server.transactions.executors.interface import VerifyingExecutor
from server.transactions.keys import open_key
from server.transactions.signers import signer_of
from server.transactions.store import transactions as store
from server.transactions.store.tables import back_end_keys
from server.transactions.store.transactions import StepRow, TransactionRow
from server.transactions.viewing import Shown
from transparency.receipt import Receipt

_SIGNED_STEPS: Final = 2


def list_all(connection: Connection, after: PageCursor | None, limit: int) -> list[TransactionRow]:
    """At most ``limit`` transactions of all, newest first."""
    return store.list_transactions(connection, after, limit)


def show(connection: Connection, transaction_id: str) -> Shown | None:
    """A transaction with its steps; None if there is none of that name."""
    row = store.find_transaction(connection, transaction_id)
    return None if row is None else Shown(row, store.list_steps(connection, transaction_id))


@dataclass(frozen=True, slots=True)
class Inspected:
    """One thing that was verified.

    Args:
        what: it was.
        problem: why it does not hold; empty: it holds.
    """

    what: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class _Step:
    """A step: its row, its entry with the record in it, and the proof that the log has that."""

    row: StepRow
    entry_der: bytes
    record: TransactionRecord
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class _Read:
    """All that is verified, of one snapshot of the database."""

    row: TransactionRow
    steps: list[_Step]
    signer: IssuedCertificate | None
    opener: Opener | None
    execution: list[str] | None
    """What its executor finds; None: nobody can tell."""


class Inspection:
    """Verifies a transaction from its records in the log. What the tables say is compared with those.

    Args:
        database: where it is.
        keys: custody: has the keys that codes were sealed for.
        log: has the records.
        executors: by kind of transaction; some tell what they did.
    """

    def __init__(self, database: Database, keys: NamedKeys, log: LogReader, executors: Executors) -> None:
        self._database = database
        self._keys = keys
        self._log = log
        self._executors = executors

    def verify(self, transaction_id: str) -> list[Inspected] | None:
        """Verify a transaction; None if there is none of that name. Waits.

        1. every step is in the log, covered by a signed checkpoint; its row says the same, and the transaction's;
        2. each state may follow the one before;
        3. the binding is of this transaction, and its signature holds;
        4. the signer's certificate held when it signed;
        5. the sealed code opens, and is the one that was brought;
        6. what was done is what the transaction says, where its executor can tell; and nothing if it is not executed.

        Raises:
            OperatorError: custody is elsewhere than the configuration says.
            ServiceError: STORAGE_UNAVAILABLE, CUSTODY_UNAVAILABLE, NAMED_KEY_DAMAGED; LOG_INDEX_UNKNOWN: a step names
                an entry that is not there.
        """
        read = self._database.read_now(lambda connection: self._read(connection, transaction_id))
        if read is None:
            return None
        records = [step.record for step in read.steps]
        made = [self._of_step(read, step) for step in read.steps]
        made.append(Inspected("order of the steps", _order(read, records)))
        if len(records) >= _SIGNED_STEPS and records[1].state is TransactionState.SIGNED:
            transaction, binding = Transaction.from_der(records[0].detail), SignedBinding.from_der(records[1].detail)
            made.append(Inspected("binding and signature", _binding(transaction, binding, read.signer)))
            made.append(Inspected("signer's certificate", _certificate(read.signer, read.steps[1].row.time)))
            codes = [record.detail for record in records if record.state is TransactionState.CONFIRMED]
            made += [Inspected("confirmation code", _code(binding, code, read.opener)) for code in codes]
        if read.execution is not None:
            made.append(Inspected("execution", "; ".join(read.execution)))
        return made

    def _read(self, connection: Connection, transaction_id: str) -> _Read | None:
        shown = show(connection, transaction_id)
        if shown is None:
            return None
        steps = [self._read_step(connection, step) for step in shown.steps]
        signer, opener = None, None
        if shown.row.binding_der:
            core = SignedBinding.from_der(shown.row.binding_der).core
            signer = find_certificate(connection, core.signer_certificate)
            kept = back_end_keys.find(connection, core.back_end_certificate)
            opener = None if kept is None else partial(unseal, open_key(connection, self._keys, kept))
        return _Read(shown.row, steps, signer, opener, self._ask_executor(connection, steps))

    def _read_step(self, connection: Connection, step: StepRow) -> _Step:
        entry_der = self._log.entry(connection, step.log_index)
        record = TransactionRecord.from_der(LogEntry.from_der(entry_der).body)
        return _Step(step, entry_der, record, self._log.receipt(connection, step.log_index))

    def _ask_executor(self, connection: Connection, steps: list[_Step]) -> list[str] | None:
        """By the log's records: rows are what is in doubt."""
        if not steps or steps[0].record.state is not TransactionState.PROPOSED:
            return None
        transaction, last = Transaction.from_der(steps[0].record.detail), steps[-1].record
        executor = self._executors.get(transaction.kind)
        if not isinstance(executor, VerifyingExecutor):
            return None
        reference = last.detail.decode() if last.state is TransactionState.EXECUTED else None
        return executor.verify(connection, transaction, transaction_id(transaction.digest), reference)

    def _of_step(self, read: _Read, step: _Step) -> Inspected:
        what = f"step {step.row.number}: {step.row.state}"
        try:
            step.receipt.verify(step.entry_der, self._log.verifier)
        except FoursealError as error:
            return Inspected(what, str(error))
        entry = LogEntry.from_der(step.entry_der)
        if entry.kind is not EntryKind.TRANSACTION or step.record.transaction != read.row.digest:
            return Inspected(what, "its entry in the log is of something else")
        same = fits_step(step.row, step.row.log_index, entry, step.record) and fits_row(read.row, step.record)
        return Inspected(what, "" if same else "its row is not what its entry in the log says")


def _order(read: _Read, records: list[TransactionRecord]) -> str:
    states = [record.state for record in records]
    first = states[:1] == [TransactionState.PROPOSED]
    follow = all(after in NEXT_STATES[before] for before, after in pairwise(states))
    if first and follow and stands_as_its_steps(read.row, [step.row for step in read.steps]):
        return ""
    return "the states do not follow from each other"


def _binding(transaction: Transaction, binding: SignedBinding, signer: IssuedCertificate | None) -> str:
    if signer is None:
        return "the signer's certificate is not known"
    back_end = BackEnd(transaction.back_end, binding.core.back_end_certificate, frozenset(CodeVariant))
    try:
        verify_binding(transaction, binding, signer_of(signer), back_end)
    except FoursealError as error:
        return str(error)
    return ""


def _certificate(signer: IssuedCertificate | None, time: datetime) -> str:
    if signer is None or signer.purpose is not Purpose.SIGN or signer.profile is CertificateProfile.ORGANISATION:
        return "it is not known as one for signing"
    if not signer.create_time <= time < signer.expire_time:
        return "it did not hold yet, or any more, when it signed"
    revoked = signer.revoke_time
    return "" if revoked is None or time < revoked else "it was revoked before it signed"


def _code(binding: SignedBinding, code: bytes, opener: Opener | None) -> str:
    if opener is None:
        return "the key that it was sealed for is not known"
    try:
        right = is_right_code(binding, ConfirmationCode(code.decode("ascii")), opener)
    except VerificationFailed as error:
        return str(error)
    return "" if right else "another code was sealed than the one that was brought"
