"""Metrics of any part: what is logged is counted, what stands elsewhere is looked up, or there is no answer."""

from __future__ import annotations

import structlog
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from structlog.testing import CapturingLogger

from server.metrics import PATH, EventLog, Metrics
from tests.server.scraping import Sample, read
from wire.catalogue import ServiceError
from wire.http import HttpRequest

EVENTS = "fourseal_events_total"


async def ask(metrics: Metrics, path: str = PATH, method: str = "GET") -> tuple[int, dict[Sample, int]]:
    """Status and samples."""
    answer = await metrics.handle(HttpRequest(method, path, {}, b""))
    return answer.status, dict(read(answer.content.decode()))


async def test_events_are_counted_where_they_are_logged() -> None:
    """By part, and by a fact where that has an end; also those that are below the log's level."""
    metrics, lines = Metrics(), CapturingLogger()
    quiet = structlog.wrap_logger(lines, [], wrapper_class=structlog.make_filtering_bound_logger(30))
    log = EventLog(quiet, metrics, "one", {"judged": "rule"}, ["failed"])
    EventLog(quiet, metrics, "other").count("taken", 7)
    log.info("judged", rule="first", user="alice")
    log.warning("judged", rule="second", user="alice", seconds=0.3)
    log.count("taken", 3, "quickly")
    status, found = await ask(metrics)
    assert (status, [call.kwargs["event"] for call in lines.calls]) == (200, ["judged"])
    assert {name: value for name, value in found.items() if name[0] == EVENTS} == {
        (EVENTS, "", "failed", "one"): 0,
        (EVENTS, "first", "judged", "one"): 1,
        (EVENTS, "second", "judged", "one"): 1,
        (EVENTS, "quickly", "taken", "one"): 3,
        (EVENTS, "", "taken", "other"): 7,
    }
    measured = "fourseal_event_seconds_bucket"
    assert [found[measured, "judged", most, "one"] for most in ("0.25", "0.5", "+Inf")] == [0, 1, 1]
    assert not any("alice" in name for name in found)


async def test_what_was_counted_is_logged_once() -> None:
    """Of one part, since it was logged last."""
    metrics, lines = Metrics(), CapturingLogger()
    log = EventLog(structlog.wrap_logger(lines, processors=[]), metrics, "one", rare=["failed"])
    EventLog(structlog.wrap_logger(lines, processors=[]), metrics, "other").count("taken")
    for taken in (2, 3):
        log.count("taken", taken, "quickly")
        log.count("taken", 1, "slowly")
        log.tell_counts()
        log.tell_counts()  # nothing since
    assert [call.kwargs for call in lines.calls] == [{"event": "one_counted", "taken": count} for count in (3, 4)]


async def test_what_cannot_be_looked_up_is_no_zero() -> None:
    """Nor is anything shown elsewhere, or for another method."""
    metrics = Metrics()

    async def there() -> list[Metric]:
        return [GaugeMetricFamily("things", "Things", 5)]

    async def gone() -> list[Metric]:
        raise ServiceError("STORAGE_UNAVAILABLE")

    metrics.look_up(there)
    status, found = await ask(metrics)
    assert (status, found["things",]) == (200, 5)
    metrics.look_up(gone)
    assert await ask(metrics) == (503, {})
    assert [(await ask(metrics, path))[0] for path in ("/", "/metrics/", "/metrics?x")] == [404, 404, 404]
    assert (await ask(metrics, method="POST"))[0] == 405
