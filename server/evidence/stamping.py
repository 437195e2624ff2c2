"""Time stamps of checkpoints, from an outside authority (RFC 3161): that so much was in the log by then.

The newest checkpoint is stamped when the log has grown and the last stamp is old enough. An authority that is down, or
answers with something else, is told of in the log, and asked again in the next round: the stamp that then comes covers
everything that had to wait. Nothing else waits for it.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import structlog

from server.clock import Clock
from server.journal.log import CheckpointRow, LogReader, put_time_stamp
from server.storage import Database, Threads
from wire.catalogue import ServiceError
from wire.stamp_authority import StampAuthority


class Stamping:
    """Has checkpoints stamped.

    Args:
        database: where they are.
        reader: of the log.
        authority: that is asked; None: nothing is stamped.
        interval: from one stamp to the next, at least.
        files: threads that may block.
        clock: the time.
        log: where failures are told.
    """

    def __init__(
        self,
        database: Database,
        reader: LogReader,
        authority: StampAuthority | None,
        interval: timedelta,
        files: Threads,
        clock: Clock,
        log: structlog.stdlib.BoundLogger,
    ) -> None:
        self._database = database
        self._reader = reader
        self._authority = authority
        self._interval = interval
        self._files = files
        self._clock = clock
        self._log = log
        self._cause = ""

    async def run(self) -> bool:
        """Have the newest checkpoint stamped if it is time; whether it was.

        Raises:
            ServiceError: STORAGE_UNAVAILABLE.
        """
        if self._authority is None:
            return False
        newest, stamped = await self._database.read(self._reader.newest_two)
        if newest is None or not self._is_due(newest, stamped):
            return False
        try:
            token = await self._files.run(self._authority.stamp, newest.note)
        except ServiceError as error:
            if error.metadata["cause"] != self._cause:  # told once, not every minute
                self._cause = error.metadata["cause"]
                self._log.warning("time_stamp_failed", cause=self._cause)
            return False
        await self._database.write(partial(put_time_stamp, size=newest.size, token=token))
        self._cause = ""
        self._log.info("time_stamped", size=newest.size)
        return True

    def _is_due(self, newest: CheckpointRow, stamped: CheckpointRow | None) -> bool:
        if stamped is None:
            return True
        return newest.size > stamped.size and self._clock() - stamped.create_time >= self._interval
