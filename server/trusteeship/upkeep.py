"""What ends by itself: uses that were not finished in time, and results that were kept long enough.

1. begun, and no record: it never was, and is counted no more. Nothing left the server.
2. a record that its user did not sign: recorded as abandoned, and the result is erased.
3. recorded: the result is erased.

One whose record cannot be read is left as it is, without its result: it shall not keep the others from ending.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Final

import structlog
from sqlalchemy import Connection

from contract.trusteeship.allowing import RefusalCause
from contract.trusteeship.uses import UseOutcome, UseRecord
from mpc.errors import MalformedInput
from server.clock import Clock
from server.storage import Database
from server.trusteeship.recording import end_without_result, record_use
from server.trusteeship.store import grants
from server.trusteeship.store import uses as store
from server.trusteeship.store.uses import UseRow

_AT_A_TIME: Final = 100  # others want to write
_MOST: Final = 10_000  # of a round: the next one goes on


class TrusteeshipUpkeep:
    """Keeps house; of all processes one does it.

    Args:
        database: where uses are.
        clock: the time.
        log: is told of uses that cannot be recorded.
    """

    def __init__(self, database: Database, clock: Clock, log: structlog.stdlib.BoundLogger) -> None:
        self._database = database
        self._clock = clock
        self._log = log

    async def run(self) -> int:
        """End what has ended. Returns how many uses.

        Raises:
            ServiceError: STORAGE_UNAVAILABLE.
        """
        count = 0
        while count < _MOST:
            ended = await self._database.write(self._end_some)
            count += ended
            if ended < _AT_A_TIME:
                break
        if count:
            await asyncio.to_thread(self._database.erase_traces)
        return count

    def _end_some(self, connection: Connection) -> int:
        ended = store.list_ended(connection, self._clock(), _AT_A_TIME)
        for row in ended:
            try:
                self._end(connection, row)
            except MalformedInput as error:  # the row was damaged: fsck tells more
                self._log.error("use_damaged", agent=row.agent_id, request_id=row.request_id, cause=str(error))
                store.put_use(connection, replace(row, end_time=None, result=None))
        return len(ended)

    def _end(self, connection: Connection, row: UseRow) -> None:
        if row.record is None:  # 1
            store.drop_use(connection, row.name)
            if not row.refusal:
                grants.count_use(connection, row.grant_id, -1)
        elif row.log_index is None:  # 2
            record = UseRecord.from_der(row.record)
            cause = RefusalCause.RECORD_NOT_SIGNED
            record_use(connection, row, end_without_result(record, UseOutcome.ABANDONED, cause), self._clock())
        else:  # 3
            store.put_use(connection, replace(row, end_time=None, result=None))
