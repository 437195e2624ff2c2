"""How a guard is run, and what it tells the server's own log."""

from __future__ import annotations

import threading
from collections import Counter
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


class GuardLog:
    """The server's own log, and how much happened since it was told last. Safe to use from several threads.

    Args:
        log: of the server.
    """

    def __init__(self, log: structlog.stdlib.BoundLogger) -> None:
        self._log = log
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def info(self, event: str, **facts: Any) -> None:  # noqa: ANN401  # of the log
        """Log an event, and count it."""
        self.count(event)
        self._log.info(event, **facts)

    def failed(self, error: Exception) -> None:
        """Log that a round failed."""
        self._log.error("guard_round_failed", cause=str(error))

    def tell(self, turn: Turn) -> None:
        """Log what happened in a turn; after its commit."""
        for event, facts in turn.events:
            self.info(event, **facts)

    def count(self, event: str, number: int = 1) -> None:
        """Count something that is not logged by itself."""
        with self._lock:
            self._counts[event] += number

    def tell_counts(self) -> None:
        """Log how much of everything there was since this was called last, if there was anything."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        if counts:
            self._log.info("guard_counted", **counts)
