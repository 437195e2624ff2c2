"""What is counted and measured: one mechanism for all parts of the server, shown in the format of Prometheus.

An event is counted where it is logged: ``EventLog``. What happens too often to be logged is counted by it, too, and
logged once a minute. What stands in a database is looked up when somebody asks.

Labels are methods, parts, events, states, rules and reasons: the code has so many, and no more. Names of accounts,
agents, gateways and alarms are none: they are nobody's business here, and have no end.

Where several processes serve on one port, PROMETHEUS_MULTIPROC_DIR names a folder in which each keeps its counts (see
"multiprocess mode" in the documentation of ``prometheus_client``); whichever is asked answers for all.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final

import prometheus_client
import structlog
from prometheus_client import CollectorRegistry, Histogram, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from server.sockets import listening_socket
from wire.catalogue import ServiceError
from wire.http import HttpRequest, HttpResponse, HttpServer

PATH: Final = "/metrics"
SEVERAL_PROCESSES: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Variable that names the folder; ``prometheus_client`` reads it when it is imported."""
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 600.0, 3600.0)
_OK, _NOT_FOUND, _METHOD_NOT_ALLOWED, _UNAVAILABLE = 200, 404, 405, 503

disable_created_metrics()  # type: ignore[no-untyped-call]  # several processes show none either

Sampler = Callable[[], Awaitable[Iterable[Metric]]]
"""Looks something up. Raises ServiceError: it cannot be."""


class Metrics:
    """The metrics of a server.

    ``registry`` is where metrics belong that are neither events nor calls nor looked up.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.events = prometheus_client.Counter(
            "fourseal_events", "What happened", ["part", "event", "detail"], registry=self.registry
        )
        self.seconds = Histogram(
            "fourseal_event_seconds",
            "What it took until something had happened",
            ["part", "event"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.calls = Histogram(
            "fourseal_call_seconds",
            "Calls, and what each took; of a stream, until it ended",
            ["method", "code"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._samplers = list[Sampler]()

    def look_up(self, sampler: Sampler) -> None:
        """Have something looked up whenever somebody asks."""
        self._samplers.append(sampler)

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer whoever asks. What cannot be looked up now is no zero: then there is no answer."""
        if request.path != PATH:
            return HttpResponse(_NOT_FOUND)
        if request.method != "GET":
            return HttpResponse(_METHOD_NOT_ALLOWED, headers=(("Allow", "GET"),))
        try:
            found = [metric for sampler in self._samplers for metric in await sampler()]
        except ServiceError:
            return HttpResponse(_UNAVAILABLE)
        return HttpResponse(_OK, CONTENT_TYPE_PLAIN_0_0_4, generate_latest(_Shown([*self._counted(), *found])))

    def _counted(self) -> Iterable[Metric]:
        if os.environ.get(SEVERAL_PROCESSES):
            found: Iterable[Metric] = MultiProcessCollector(None).collect()  # type: ignore[no-untyped-call]
            return found
        return self.registry.collect()


class _Shown(Collector):
    """What one answer shows."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


class EventLog:
    """The log of one part, whose events are counted, logged or not. Safe to use from several threads.

    An event's fact ``seconds`` is what it took, and is measured.

    Args:
        log: of the server.
        metrics: where it is counted.
        part: of the server.
        details: by event, the fact that is told apart in the counts; its values must have an end.
        rare: events that are shown as 0 until they happen: else nobody sees that the first one is one more.
    """

    def __init__(
        self,
        log: structlog.stdlib.BoundLogger,
        metrics: Metrics,
        part: str,
        details: Mapping[str, str] | None = None,
        rare: Iterable[str] = (),
    ) -> None:
        self._log = log
        self._metrics = metrics
        self._part = part
        self._details = details or {}
        for event in rare:
            self.count(event, 0)
        self._told = self._counts()

    def info(self, event: str, **facts: Any) -> None:  # noqa: ANN401  # of the log
        """Log and count an event."""
        self._count(event, facts)
        self._log.info(event, **facts)

    def warning(self, event: str, **facts: Any) -> None:  # noqa: ANN401  # of the log
        """The same, of one that somebody should know of."""
        self._count(event, facts)
        self._log.warning(event, **facts)

    def error(self, event: str, **facts: Any) -> None:  # noqa: ANN401  # of the log
        """The same, of one that should not be."""
        self._count(event, facts)
        self._log.error(event, **facts)

    def count(self, event: str, number: int = 1, detail: str = "") -> None:
        """Count something that is not logged by itself."""
        self._metrics.events.labels(self._part, event, detail).inc(number)

    def tell_counts(self) -> None:
        """Log how much of everything there was in this process since this was called last, if there was anything."""
        before, self._told = self._told, self._counts()
        if new := self._told - before:
            self._log.info(f"{self._part}_counted", **new)

    def _count(self, event: str, facts: Mapping[str, Any]) -> None:
        self.count(event, detail=str(facts.get(self._details.get(event, ""), "")))
        if "seconds" in facts:
            self._metrics.seconds.labels(self._part, event).observe(facts["seconds"])

    def _counts(self) -> Counter[str]:
        counts = Counter[str]()
        for metric in self._metrics.events.collect():
            for sample in metric.samples:
                if sample.name.endswith("_total") and sample.labels["part"] == self._part:
                    counts[sample.labels["event"]] += int(sample.value)
        return counts


class MetricsListener:
    """Shows metrics to whoever asks by HTTP. Listens from its making on, and answers from ``start`` until ``stop``.

    Args:
        address: host:port; port 0 for a free one.
        metrics: that are shown.
        log: where failures are told.
        shared_port: whether other processes listen there too.

    Raises:
        OperatorError: nothing can listen there.
    """

    def __init__(
        self, address: str, metrics: Metrics, log: structlog.stdlib.BoundLogger, *, shared_port: bool = False
    ) -> None:
        self._http = HttpServer(metrics.handle, log, max_content=0)
        self._socket = listening_socket(address, shared_port=shared_port)
        self._server: asyncio.Server | None = None
        self.address = f"{address.rpartition(':')[0]}:{self._socket.getsockname()[1]}"

    async def start(self) -> None:
        """Begin to answer."""
        self._server = await self._http.serve(self._socket)

    def stop(self) -> None:
        """Answer no more."""
        if self._server is not None:
            self._server.close()
        self._socket.close()
