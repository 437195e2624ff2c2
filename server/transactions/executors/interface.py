"""What an executor is: it does a confirmed transaction, once, and says what became of it.

The back end calls ``execute`` after the confirmation is durable, and again after a crash or ``Later``, until there is
an outcome for good: so an executor MUST do nothing twice for one ``Order.key``. One that works in the server's database
does so within the transaction that records the outcome, and cannot; one that calls somebody else hands the key over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, runtime_checkable

from sqlalchemy import Connection

from contract.transactions.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Order:
    """A confirmed transaction, to be done.

    Args:
        transaction: all of it.
        key: idempotency key: "transaction-" and 32 hexadecimal digits.
        attempt: how often it was tried before, from 0.
    """

    transaction: Transaction
    key: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Done:
    """It is done.

    Args:
        reference: the executor's own name for what it did, 1 to 128 visible characters of ASCII.
    """

    reference: str


@dataclass(frozen=True, slots=True)
class Impossible:
    """It cannot be done, now or ever; nothing of it was.

    Args:
        cause: UPPER_SNAKE, as ``progress.ExecutionFailed`` takes it.
    """

    cause: str


@dataclass(frozen=True, slots=True)
class Later:
    """It was not possible for now, or nobody knows whether it was done: try again.

    Args:
        after: how long to wait first.
        cause: UPPER_SNAKE, for the operator.
    """

    after: timedelta
    cause: str


Outcome = Done | Impossible | Later
"""What became of an order."""

Settle = Callable[[Connection], Outcome]
"""Is called in the transaction that records the outcome, and may write there what it does."""


class Executor(Protocol):
    """Does transactions of some kinds."""

    def check(self, connection: Connection, transaction: Transaction) -> None:
        """Refuse what can be known to be impossible before anybody reads it. Also: who may give what a payer has.

        Raises:
            ServiceError: the terminal hears it.
        """

    async def execute(self, order: Order) -> Settle:
        """Do it; on the event loop, so whatever waits is awaited. Raises nothing: what goes wrong is ``Later``."""


@runtime_checkable
class VerifyingExecutor(Executor, Protocol):
    """An executor that can tell later what it did."""

    def verify(self, connection: Connection, transaction: Transaction, key: str, reference: str | None) -> list[str]:
        """Compare what was done with what had to be.

        Args:
            connection: for reading.
            transaction: all of it.
            key: its ``Order.key``.
            reference: of what it did; None: the transaction is not executed, so nothing may have been done.

        Returns:
            What does not fit, in words; empty: all fits.
        """
