"""The second step: the device's binding comes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from contract.transactions.binding import SignedBinding
from contract.transactions.progress import Signed, TransactionState, judge
from contract.transactions.transaction import Transaction
from contract.transactions.verification import BackEnd, TransactionSigner, verify_binding
from server.clock import Clock
from server.identity import require_caller
from server.journal import Caller
from server.storage import Database, Threads
from server.transactions.keys import BackEndKeys
from server.transactions.proposals import BackEndTerms
from server.transactions.signers import require_signer
from server.transactions.steps import Taken, advance, find
from server.transactions.store.transactions import TransactionRow

_NO_CERTIFICATE: Final = b""


@dataclass(frozen=True, slots=True)
class _Known:
    """What a binding is judged by."""

    row: TransactionRow
    signer: TransactionSigner
    back_end: BackEnd


class Bindings:
    """Takes bindings.

    Args:
        database: where transactions are.
        keys: the back end's.
        terms: what is taken.
        workers: threads that verify.
        clock: the time.
    """

    def __init__(
        self, database: Database, keys: BackEndKeys, terms: BackEndTerms, workers: Threads, clock: Clock
    ) -> None:
        self._database = database
        self._keys = keys
        self._terms = terms
        self._workers = workers
        self._clock = clock

    async def sign(self, caller: Caller, transaction_id: str, binding_der: bytes) -> None:
        """Take a binding; the same once more changes nothing.

        Raises:
            MalformedInput: what ``SignedBinding.from_der`` raises.
            VerificationFailed: what ``verify_binding`` raises.
            TransactionRefused: what ``progress.judge`` refuses with.
            ServiceError: TRANSACTION_NOT_FOUND, SIGNER_CERTIFICATE_WRONG.
        """
        binding = SignedBinding.from_der(binding_der)

        def query(connection: Connection) -> _Known | None:
            require_caller(connection, caller)
            row = find(connection, transaction_id)
            if row.binding_der == binding_der:
                return None
            signer = require_signer(connection, row.signer, binding.core.signer_certificate, self._clock())
            accepted = self._keys.accepts(connection, binding.core.back_end_certificate)
            certificate = binding.core.back_end_certificate if accepted else _NO_CERTIFICATE
            return _Known(row, signer, BackEnd(self._terms.name, certificate, self._terms.variants))

        known = await self._database.read(query)
        if known is None:
            return
        transaction = Transaction.from_der(known.row.transaction_der)
        await self._workers.run(verify_binding, transaction, binding, known.signer, known.back_end)

        def unit(connection: Connection) -> Taken:
            require_caller(connection, caller)
            row, now = find(connection, transaction_id), self._clock()
            require_signer(connection, row.signer, binding.core.signer_certificate, now)
            verdict = judge(row.progress, Signed(binding), now)
            if verdict.progress.state is not TransactionState.SIGNED or row.binding:  # refused, or there already
                return Taken(advance(connection, row, verdict.progress, now), verdict.refusal)
            return Taken(advance(connection, row, verdict.progress, now, detail=binding_der, binding_der=binding_der))

        (await self._database.write(unit)).require()
