"""What comes with time: answers that were waited for, and what need not be kept any longer."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Final

from sqlalchemy import Connection

from contract.announcements.alarm import AlarmState
from contract.announcements.claim import CLOCK_DIFFERENCE
from server.clock import Clock
from server.guard.steps import answered, blocked
from server.guard.store import alarms as store
from server.guard.store import orders as order_store
from server.guard.store.announcements import drop_before, list_seen
from server.guard.store.held import drop_of_gateways
from server.guard.terms import GuardLog, GuardTerms, Turn
from server.storage import Database

_AT_A_TIME: Final = 100  # others want to write
_MOST: Final = 1_000_000  # announcements that are looked at in a round
_LOOKED_AT_AT_A_TIME: Final = 1000
_KEPT: Final = timedelta(days=30)
"""For which a gateway is told of alarms that does not call, and orders of alarms that are over are kept."""


class GuardUpkeep:
    """Keeps house.

    Args:
        database: where everything is.
        terms: of the guard.
        clock: the time.
        log: is told of what happens.
    """

    def __init__(self, database: Database, terms: GuardTerms, clock: Clock, log: GuardLog) -> None:
        self._database = database
        self._terms = terms
        self._clock = clock
        self._log = log
        self._looked_at = 0

    async def pass_time(self) -> None:
        """Go on with alarms for which answers were waited for long enough.

        Raises:
            ServiceError: STORAGE_UNAVAILABLE.
        """
        now = self._clock()
        while await self._database.read(lambda connection: store.list_due(connection, now, 1)):
            self._log.tell(await self._database.write(self._go_on))

    async def run(self) -> None:
        """Drop what is not needed any more.

        Raises:
            ServiceError: STORAGE_UNAVAILABLE.
        """
        now = self._clock()
        await self._drop_announcements(now - self._terms.window.window - CLOCK_DIFFERENCE)

        def unit(connection: Connection) -> list[str]:
            order_store.drop_done(connection, now - _KEPT)
            gone = order_store.forget_gateways(connection, now - _KEPT)
            drop_of_gateways(connection, gone)
            return gone

        for name in await self._database.write(unit):
            self._log.info("gateway_forgotten", gateway=name)

    async def _drop_announcements(self, before: datetime) -> None:
        """Drop those that came last before a time: look at all, some at a time, from where the last round ended."""
        for _ in range(_MOST // _LOOKED_AT_AT_A_TIME):
            some = await self._database.read(partial(list_seen, after=self._looked_at, limit=_LOOKED_AT_AT_A_TIME))
            old = [number for number, seen_time in some if seen_time < before]
            if old:
                await self._database.write(partial(drop_before, numbers=old, time=before))
            if len(some) < _LOOKED_AT_AT_A_TIME:
                self._looked_at = 0
                break
            self._looked_at = some[-1][0]

    def _go_on(self, connection: Connection) -> Turn:
        turn = Turn(connection, self._terms, self._clock())
        for row in store.list_due(connection, turn.now, _AT_A_TIME):
            blocked(turn, row, waited=True)
            answered(turn, row, waited=True)
            after = store.find_alarm(connection, row.alarm.alarm_id)
            if after is not None and after.alarm.state is AlarmState.RAISED:  # nobody holds it: they are waited for
                store.put_alarm(connection, after.now(after.alarm, after.update_time, turn.now + self._terms.answer))
        return turn
