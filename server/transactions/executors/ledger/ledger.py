"""The executor: transfers of money within the ledger, by whoever signs for the payer."""

from __future__ import annotations

from functools import partial

from sqlalchemy import Connection

from contract.transactions.transaction import Transaction
from server.clock import Clock
from server.transactions.executors.interface import Done, Impossible, Order, Outcome, Settle
from server.transactions.executors.ledger import store
from server.transactions.executors.ledger.posting import post_transfers, sides_of
from server.transactions.executors.payers import require_own_money
from server.transactions.executors.registry import ExecutorMeans
from wire.catalogue import ServiceError


class Ledger:
    """See ``interface.VerifyingExecutor``.

    Args:
        clock: the time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def check(self, connection: Connection, transaction: Transaction) -> None:
        """Each transfer takes from the signer's own account; both accounts are open in that currency.

        Whether the balance is enough is not said here: a terminal may propose whatever it likes, and would learn it.

        Raises:
            ServiceError: PAYER_NOT_SIGNER, LEDGER_ACCOUNT_NOT_OPEN.
        """
        require_own_money(transaction)
        for transfer in transaction.transfers:
            for account in (transfer.payer, transfer.payee):
                if store.find_account(connection, account, transfer.amount.currency) is None:
                    raise ServiceError("LEDGER_ACCOUNT_NOT_OPEN", name=account, currency=transfer.amount.currency)

    async def execute(self, order: Order) -> Settle:
        """Post it within the transaction that records the outcome."""
        return partial(self._settle, order)

    def verify(self, connection: Connection, transaction: Transaction, key: str, reference: str | None) -> list[str]:
        """Its entries are those of its transfers, in their order; there are none if it is not executed."""
        entries = store.find_entries(connection, key)
        if reference is None:
            return [f"the ledger has {len(entries)} entries of it, and it is not executed"] if entries else []
        wrong = [] if reference == key else ["its reference is not its posting"]
        if [each.number for each in entries] != list(range(2 * len(transaction.transfers))):
            return [*wrong, f"it needs {2 * len(transaction.transfers)} entries, and the ledger has {len(entries)}"]
        return wrong + [
            f"entry {each.number} of the ledger is not what its transfer says"
            for each, side in zip(entries, sides_of(transaction.transfers), strict=True)
            if (each.account, each.currency, each.units) != side
        ]

    def _settle(self, order: Order, connection: Connection) -> Outcome:
        if any(each.payer != order.transaction.signer for each in order.transaction.transfers):
            return Impossible("PAYER_NOT_SIGNER")  # whatever was checked before: this is where money moves
        cause = post_transfers(connection, order.key, order.transaction.transfers, self._clock())
        return Done(order.key) if cause is None else Impossible(cause.value)


def make_ledger(means: ExecutorMeans) -> Ledger:
    """An ``ExecutorMaker``."""
    return Ledger(means.clock)
