"""The guard among real processes: a server with it that relays itself, and two gateways. Alarms, reports, floods."""

from __future__ import annotations

from bench.context import Bench
from bench.harness.results import Outcome
from bench.rig.watched import watched
from bench.scenarios import blocking, flood, reports


def run(bench: Bench) -> Outcome:
    """Raise as many alarms as the plan says, report, and flood."""
    plan = bench.plan
    count = plan.alarms + blocking.WARM_UP
    samples = flood.SAMPLES + reports.SAMPLES
    bench.progress.begin("alarms of the guard, reports, floods", count + 1 + samples * plan.load_rounds)
    with watched(bench, "guard", count + flood.SENDERS) as net:
        outcome = blocking.measure(bench, net, net.cases[:count])
        outcome += reports.measure(bench, net, net.cases[count])
        return outcome + flood.measure(bench, net, net.cases[count:])
