"""An order of calls against the server, seen from both sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.harness.results import Result
from bench.harness.statistics import quantile
from bench.load.orders import Answer, Order
from bench.load.process import LoadProcess
from bench.rig.server import ServerProcess


@dataclass(frozen=True, slots=True)
class Volley:
    """What came of an order, and the processor time that the server spent on it."""

    signatures: int
    answer: Answer
    server_seconds: float

    @property
    def server_milliseconds(self) -> float:
        """Processor time of the server for one signature."""
        return 1000 * self.server_seconds / self.signatures

    @property
    def server_fraction(self) -> float:
        """Processor time of the server over elapsed time."""
        return self.server_seconds / self.answer.seconds

    def latency(self, fraction: float) -> float:
        """The quantile, in milliseconds, of the times that calls took."""
        return quantile(self.answer.latencies, fraction)


def fire(server: ServerProcess, load: LoadProcess, order: Order) -> Volley:
    """Have an order carried out, and look at the server before and after."""
    before = server.processor_seconds()
    answer = load.carry_out(order)
    return Volley(order.count * order.batch, answer, server.processor_seconds() - before)


def rate_of(name: str, title: str, group: str, volleys: Sequence[Volley]) -> Result:
    """Return signatures a second."""
    return Result(
        name,
        title,
        group,
        "1/s",
        tuple(volley.answer.rate for volley in volleys),
        tuple(volley.server_fraction for volley in volleys),
    )


def costs_of(name: str, title: str, group: str, volleys: Sequence[Volley]) -> list[Result]:
    """Return how long calls took, and what each cost the server."""
    lines = {
        "latency_p50": ("a call, median", [volley.latency(0.5) for volley in volleys]),
        "latency_p99": ("a call, 99 % are faster", [volley.latency(0.99) for volley in volleys]),
        "server_cpu": ("server's CPU for a signature", [volley.server_milliseconds for volley in volleys]),
    }
    return [
        Result(f"{name}_{kind}", f"{title}: {what}", group, "ms", tuple(values))
        for kind, (what, values) in lines.items()
    ]
