"""The first step: a terminal registers a transaction."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from contract.transactions.binding import CodeVariant
from contract.transactions.progress import propose
from contract.transactions.transaction import Transaction, transaction_id
from server.clock import Clock
from server.identity import require_caller
from server.journal import Caller
from server.storage import Database
from server.transactions.execution import Executors
from server.transactions.steps import begin, due_of
from server.transactions.store import transactions as store
from server.transactions.store.transactions import TransactionRow
from wire.catalogue import ServiceError


@dataclass(frozen=True, slots=True)
class BackEndTerms:
    """What a back end takes.

    Args:
        name: as transactions name it.
        variants: of bindings.
        open_of_terminal: transactions of one terminal that are not over.
        open_of_signer: those of them that one signer is to sign. Of one terminal, so that no other is kept from it.
    """

    name: str
    variants: frozenset[CodeVariant]
    open_of_terminal: int
    open_of_signer: int


class Proposals:
    """Registers transactions.

    Args:
        database: where they are.
        terms: what is taken.
        executors: by kind.
        clock: the time.
    """

    def __init__(self, database: Database, terms: BackEndTerms, executors: Executors, clock: Clock) -> None:
        self._database = database
        self._terms = terms
        self._executors = executors
        self._clock = clock

    async def propose(self, caller: Caller, transaction_der: bytes) -> str:
        """Register a transaction; the same once more changes nothing. Its name.

        Raises:
            MalformedInput: what ``Transaction.from_der`` raises.
            TransactionRefused: what ``progress.propose`` raises.
            VerificationFailed, ServiceError: BACK_END_WRONG, TRANSACTION_KIND_UNKNOWN, TRANSACTION_REPEATED,
                TOO_MANY_TRANSACTIONS, and what its executor refuses.
        """
        transaction = Transaction.from_der(transaction_der)
        if transaction.back_end != self._terms.name:
            raise ServiceError("BACK_END_WRONG", back_end=transaction.back_end)
        executor = self._executors.get(transaction.kind)
        if executor is None:
            raise ServiceError("TRANSACTION_KIND_UNKNOWN", kind=transaction.kind)
        name = transaction_id(transaction.digest)

        def unit(connection: Connection) -> None:
            require_caller(connection, caller)
            known = store.find_by_request(connection, transaction.signer, transaction.request_id)
            if known is not None:
                if (known.transaction_der, known.terminal) != (transaction_der, caller.agent_id):
                    raise ServiceError("TRANSACTION_REPEATED")
                return
            now = self._clock()
            progress = propose(transaction, now)
            self._require_room(connection, caller.agent_id, transaction.signer)
            executor.check(connection, transaction)
            row = TransactionRow(
                transaction_id=name,
                signer=transaction.signer,
                request_id=transaction.request_id,
                terminal=caller.agent_id,
                transaction_der=transaction_der,
                state=progress.state,
                end=progress.end,
                binding=b"",
                binding_der=b"",
                wrong_codes=0,
                cause="",
                execution="",
                attempts=0,
                create_time=now,
                update_time=now,
                due_time=due_of(progress),
            )
            begin(connection, row, now)

        await self._database.write(unit)
        return name

    def _require_room(self, connection: Connection, terminal: str, signer: str) -> None:
        for limit, of_signer in ((self._terms.open_of_terminal, None), (self._terms.open_of_signer, signer)):
            if store.count_open(connection, terminal, of_signer) >= limit:
                raise ServiceError("TOO_MANY_TRANSACTIONS", limit=limit)
