"""Where metrics are shown; by option."""

from __future__ import annotations

import structlog

from server.config import Settings
from server.metrics import Metrics, MetricsListener


def open_metrics(
    settings: Settings, metrics: Metrics, log: structlog.stdlib.BoundLogger, *, shared_port: bool = False
) -> MetricsListener | None:
    """As ``MetricsListener``; None where none is wanted."""
    if not settings.metrics_listen:
        return None
    return MetricsListener(settings.metrics_listen, metrics, log, shared_port=shared_port)
