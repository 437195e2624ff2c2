"""How a guard is run, and what it tells the server's own log."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from prometheus_client import Gauge
from sqlalchemy import Connection

from contract.announcements.window import WindowLimits
from server.metrics import EventLog, Metrics

_DETAILS: Final = {"alarm_judged": "rule", "alarm_released": "rule", "gateway_said": "kind"}
_RARE: Final = (
    "alarm_raised",
    "alarm_blocked",
    "alarm_released",
    "announcements_refused",
    "answer_impossible",
    "guard_round_failed",
)


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


class GuardLog(EventLog):
    """The guard's log.

    ``connected`` is how many gateways have a stream of control messages here.

    Args:
        log: of the server.
        metrics: of the server.
    """

    def __init__(self, log: structlog.stdlib.BoundLogger, metrics: Metrics) -> None:
        super().__init__(log, metrics, "guard", _DETAILS, _RARE)
        self.connected = Gauge(
            "fourseal_guard_gateways_connected",
            "Gateways that watch for control messages",
            registry=metrics.registry,
            multiprocess_mode="livesum",
        )

    def failed(self, error: Exception) -> None:
        """Log that a round failed."""
        self.error("guard_round_failed", cause=str(error))

    def tell(self, turn: Turn) -> None:
        """Log what happened in a turn; after its commit."""
        for event, facts in turn.events:
            self.info(event, **facts)
