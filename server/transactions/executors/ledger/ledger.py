"""The executor: transfers of money within the ledger, by whoever signs for the payer."""

from __future__ import annotations

from functools import partial

from sqlalchemy import Connection

from contract.transactions.transaction import Transaction
from server.clock import Clock
from server.transactions.executors.interface import Done, Impossible, Order, Outcome, Settle
from server.transactions.executors.ledger import store
from server.transactions.executors.ledger.posting import post_transfers
from server.transactions.executors.payers import require_own_money
from server.transactions.executors.registry import ExecutorMeans
from wire.catalogue import ServiceError


class Ledger:
    """See ``interface.Executor``.

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

    def _settle(self, order: Order, connection: Connection) -> Outcome:
        if any(each.payer != order.transaction.signer for each in order.transaction.transfers):
            return Impossible("PAYER_NOT_SIGNER")  # whatever was checked before: this is where money moves
        cause = post_transfers(connection, order.key, order.transaction.transfers, self._clock())
        return Done(order.key) if cause is None else Impossible(cause.value)


def make_ledger(means: ExecutorMeans) -> Ledger:
    """An ``ExecutorMaker``."""
    return Ledger(means.clock)
