"""What ends by itself: transactions that nobody signed or confirmed in time. Of all processes one sees to it."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection

from contract.transactions.progress import TimePassed, TransactionState, judge
from server.clock import Clock
from server.storage import Database
from server.transactions.steps import advance
from server.transactions.store import transactions as store

_WAITING: Final = (TransactionState.PROPOSED, TransactionState.SIGNED)
_AT_A_TIME: Final = 100  # others want to write
_MOST: Final = 10_000  # of a round: the next one goes on


class TransactionUpkeep:
    """Keeps house.

    Args:
        database: where transactions are.
        clock: the time.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def expire(self) -> int:
        """Let expire what has. Returns how many transactions.

        Raises:
            ServiceError: STORAGE_UNAVAILABLE.
        """
        count = 0
        while count < _MOST:
            expired = await self._database.write(self._expire_some)
            count += expired
            if expired < _AT_A_TIME:
                break
        return count

    def _expire_some(self, connection: Connection) -> int:
        now = self._clock()
        due = store.list_due(connection, _WAITING, now, _AT_A_TIME)
        for row in due:
            advance(connection, row, judge(row.progress, TimePassed(), now).progress, now)
        return len(due)
