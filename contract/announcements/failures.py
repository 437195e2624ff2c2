"""Announcements that do not hold, counted by who brings them: whoever brings many is not looked at for a while.

So a flood of invalid ones costs a look into a dictionary each, no signature; and it costs only who sends it, as its
channel proved: nobody is shut out by what another sends in its name.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from contract.errors import GuardRefused

MAX_FAILURES: Final = 20
"""As many of an agent are looked at in a period."""
MAX_FAILURES_OF_GATEWAY: Final = 100
"""As many of a gateway, of those that it has to refuse itself: whoever brings more does not."""
PERIOD: Final = timedelta(minutes=1)
"""When a new one begins, all is forgotten: so nothing grows."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Failures:
    """How many announcements of each agent did not hold in the present period. Not safe for threads.

    Args:
        most: that are looked at, of each.
    """

    def __init__(self, most: int = MAX_FAILURES) -> None:
        self._most = most
        self._period = 0
        self._counts: dict[str, int] = {}

    def require_few(self, agent: str, now: datetime) -> None:
        """See that an agent's announcements may be looked at. Before anything of one is read.

        Args:
            agent: that brings one, as its channel proved.
            now: by our clock; aware.

        Raises:
            GuardRefused: TOO_MANY_INVALID_ANNOUNCEMENTS.
        """
        self._advance(now)
        if self._counts.get(agent, 0) >= self._most:
            left = PERIOD - (now - _EPOCH) % PERIOD
            raise GuardRefused(
                "TOO_MANY_INVALID_ANNOUNCEMENTS",
                "too many announcements of the agent did not hold",
                agent=agent,
                seconds=-(-left // timedelta(seconds=1)),
            )

    def failed(self, agent: str, now: datetime) -> None:
        """Count one that was malformed or did not hold."""
        self._advance(now)
        self._counts[agent] = self._counts.get(agent, 0) + 1

    def _advance(self, now: datetime) -> None:
        period = (now - _EPOCH) // PERIOD
        if period > self._period:
            self._period = period
            self._counts.clear()
