"""Tells the guard how much is held, so that people see it there; and that this gateway is there.

It follows from nothing here that something is held or released: if it comes late or is lost, somebody has looked at
an old number.
"""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import Final

from mpc.errors import FoursealError
from server.gateway.guard_line import GuardLine
from server.gateway.store.notices import count_held
from server.storage import Database

_ROUND_SECONDS: Final = 1.0
_SIGN_OF_LIFE_SECONDS: Final = 10.0
_AT_A_TIME: Final = 100
_UNKNOWN: Final = -1


class HeldTraffic:
    """Tells it. Belongs to the event loop that it is used on.

    Args:
        database: of the gateway.
        line: to the guard.
    """

    def __init__(self, database: Database, line: GuardLine) -> None:
        self._database = database
        self._line = line
        self._told: dict[str, int] = {}
        self._due = 0.0

    async def keep_telling(self) -> None:
        """Tell each second what has changed, and every ten seconds that nothing has. Until it is cancelled."""
        while True:
            await asyncio.sleep(_ROUND_SECONDS)
            try:
                if self._line.is_there:
                    await self._tell(asyncio.get_running_loop().time())
                    continue
            except FoursealError:
                pass
            self._told, self._due = dict.fromkeys(self._told, _UNKNOWN), 0.0  # all is told anew when it is back

    async def _tell(self, now: float) -> None:
        held = await self._database.read(count_held)
        numbers = dict.fromkeys(self._told, 0) | held
        changed = iter([each for each in numbers.items() if each[1] != self._told.get(each[0])])
        while (some := list(islice(changed, _AT_A_TIME))) or now >= self._due:
            await self._line.report_held(some)
            self._due = now + _SIGN_OF_LIFE_SECONDS
        self._told = held
