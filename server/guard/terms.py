"""How a guard is run, and what it tells the server's own log."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection

from contract.announcements.window import WindowLimits


@dataclass(frozen=True, slots=True)
class GuardTerms:
    """How a guard is run.

    Args:
        name: of the guard, as messages name it.
        window: what it remembers, and for how long.
        answer: for how long gateways are waited for.
        announcements_per_minute: that a gateway may tell of.
    """

    name: str
    window: WindowLimits
    answer: timedelta
    announcements_per_minute: int


@dataclass(frozen=True, slots=True)
class Turn:
    """One transaction of the database in which alarms come from one state to the next.

    Args:
        connection: the transaction.
        terms: of the guard.
        now: the present time.
        events: what is to be logged after the commit.
    """

    connection: Connection
    terms: GuardTerms
    now: datetime
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def tell(self, event: str, **facts: Any) -> None:  # noqa: ANN401  # of the log
        """Have something logged after the commit."""
        self.events.append((event, facts))


def log_events(log: structlog.stdlib.BoundLogger, turns: Iterable[Turn]) -> None:
    """Log what was told in some turns."""
    for turn in turns:
        for event, facts in turn.events:
            log.info(event, **facts)
