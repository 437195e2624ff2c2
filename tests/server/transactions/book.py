"""An executor for tests: it writes down each order, and does as the transaction's text says.

It does not look whether an order is there already: whoever executes one twice is found out.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from contract.transactions.transaction import Transaction
from server.transactions.executors import ExecutorMeans
from server.transactions.executors.interface import Done, Impossible, Later, Order, Outcome, Settle
from wire.catalogue import ServiceError

HOLD: Final = "FOURSEAL_TEST_HOLD"
"""Names a file; as long as it is there, nothing is executed."""
PLACE: Final = "tests.server.transactions.book:make_book"


@dataclass
class Book:
    """The executor. ``gate`` closes it to orders with the text "wait"."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    attempts: list[int] = field(default_factory=list)

    def check(self, connection: Connection, transaction: Transaction) -> None:  # noqa: ARG002
        """See the interface."""
        if transaction.text == "refuse":
            raise ServiceError("FIELD_INVALID", field="text", problem="refused by the book")

    async def execute(self, order: Order) -> Settle:
        """See the interface."""
        self.begun.set()
        self.attempts.append(order.attempt)
        if _is_held():
            await asyncio.Event().wait()
        if order.transaction.text == "wait":
            await self.gate.wait()
        if order.transaction.text == "break" and order.attempt == 0:
            raise RuntimeError("a plug-in that is broken")

        def settle(connection: Connection) -> Outcome:
            match order.transaction.text:
                case "impossible":
                    return Impossible("NO_MONEY")
                case "later" if order.attempt < 2:
                    return Later(timedelta(minutes=1), "NOT_NOW")
                case "half done":
                    _write(connection, order.key)
                    return Done("no reference, for it has spaces")
            _write(connection, order.key)
            return Done(f"book-{order.key[-8:]}")

        return settle


BOOKS: Final[list[Book]] = []
"""Every one that was made in this process, the newest last."""


def make_book(means: ExecutorMeans) -> Book:  # noqa: ARG001
    """An ``ExecutorMaker``."""
    BOOKS.append(Book())
    return BOOKS[-1]


def _is_held() -> bool:
    return Path(os.environ.get(HOLD, "/nowhere")).exists()


def _write(connection: Connection, key: str) -> None:
    connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS book (key TEXT NOT NULL)")
    connection.exec_driver_sql("INSERT INTO book VALUES (?)", (key,))
