"""The guard among real processes: a server with it that relays itself, and two gateways. Alarms, then floods."""

from __future__ import annotations

from bench.context import Bench
from bench.harness.results import Outcome
from bench.rig.watched import watched
from bench.scenarios import blocking, flood


def run(bench: Bench) -> Outcome:
    """Raise as many alarms as the plan says, and flood."""
    plan = bench.plan
    count = plan.alarms + blocking.WARM_UP
    bench.progress.begin("alarms of the guard, and floods", count + 1 + flood.SAMPLES * plan.load_rounds)
    with watched(bench, "guard", count + flood.SENDERS) as net:
        return blocking.measure(bench, net, net.cases[:count]) + flood.measure(bench, net, net.cases[count:])
