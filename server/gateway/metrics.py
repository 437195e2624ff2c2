"""What is counted and looked up of a gateway for its metrics."""

from __future__ import annotations

from typing import Final

import structlog
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from server.gateway.guard_line import GuardLine
from server.gateway.store.notices import NoticeState, count_by_state
from server.metrics import EventLog, Metrics
from server.storage import Database

_DETAILS: Final = {
    "alarm_judged": "rule",
    "control_refused": "reason",
    "decision_taken": "rule",
    "decision_untold": "reason",
    "feedback_refused": "reason",
    "feedback_sent": "side",
    "peer_silent": "reason",
}
_RARE: Final = (
    "announcement_passed_over",
    "block_asked",
    "block_awaited_in_vain",
    "decision_told",
    "evidence_dropped",
    "guard_lost",
    "notice_held",
    "notice_quarantined",
    "notices_full",
    "report_failed",
    "reports_dropped",
    "traffic_blocked",
    "traffic_released",
)


def gateway_log(log: structlog.stdlib.BoundLogger, metrics: Metrics) -> EventLog:
    """A gateway's log, whose events are counted."""
    return EventLog(log, metrics, "gateway", _DETAILS, _RARE)


async def look_up(database: Database, line: GuardLine) -> list[Metric]:
    """How many notices are kept by state, and whether the guard is there.

    Raises:
        ServiceError: STORAGE_UNAVAILABLE.
    """
    counts = await database.read(count_by_state)
    notices = GaugeMetricFamily("fourseal_gateway_notices", "Notices that did not go on", labels=["state"])
    for state in NoticeState:
        notices.add_metric([state.value], counts.get(state, 0))
    guard = GaugeMetricFamily("fourseal_gateway_guard_there", "Whether the guard answers", int(line.is_there))
    return [notices, guard]
