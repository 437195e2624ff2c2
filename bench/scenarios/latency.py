"""How long a signature over gRPC takes while the server has other work: an open loop at parts of what it can do.

Each round measures what the server can do at that moment, in a short closed loop, and then every part of it: calls fall
due by a Poisson process of that rate, and their times count from when they were due (``bench.load.loop``). The client
halves come from a small stock, each sent again and again with a new request id, as in ``soak``.

A Poisson process makes queues of its own. Behind one server that takes the same time for every call and has nothing
else to do (M/D/1), 99 % of the calls at half load keep 4.3 times the median. So half load is measured with even calls
too: what is uneven then is the server's doing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from bench.context import Bench
from bench.harness.results import Aim, Curves, Outcome, Ratio, Result
from bench.harness.statistics import quantile
from bench.harness.timing import rotated
from bench.load.orders import Order
from bench.load.process import LoadProcess
from bench.load.steady import MIN_WAVES
from bench.rig.client import KeyMaker
from bench.rig.requests import PreparedRequests, prepare_requests
from bench.rig.site import Site, serving
from bench.rig.volley import Volley, fire, rate_of

GROUP = "Time of a signature over gRPC (open loop, from when the call was due)"
AIM = Aim(3.0, at_most=True)
_QUANTILES = {
    "p50": ("median", 0.5),
    "p90": ("90 % are faster", 0.9),
    "p99": ("99 % are faster", 0.99),
    "p99_9": ("99.9 % are faster", 0.999),
    "max": ("slowest", 1.0),
}
_MOST_IN_FLIGHT = 64  # as many as saturate the server: who comes while they all wait, waits too, and it counts
_STOCK = 256
_ANSWERS = 16
_LEAST_CALLS = 20


@dataclass(frozen=True, slots=True)
class Load:
    """How much work the server has.

    Args:
        part: of what it can do; 1: in a closed loop.
        even: calls fall due evenly.
    """

    part: float
    even: bool = False

    def __str__(self) -> str:
        """For people."""
        return f"{self.part:.0%}{', calls due evenly' if self.even else ''}"

    @property
    def name(self) -> str:
        """For programs."""
        return f"{100 * self.part:.0f}{'_even' if self.even else ''}"


_SATURATION, _HALF, _EVEN_HALF = Load(1.0), Load(0.5), Load(0.5, even=True)
_CURVE = (Load(0.25), _HALF, Load(0.75), Load(0.9))
LOADS = (*_CURVE, _EVEN_HALF)

Volleys = Mapping[Load, Sequence[Volley]]
"""One of each round."""


def run(bench: Bench) -> Outcome:
    """Measure every load in every round."""
    with serving(bench, "latency") as site:
        bench.progress.begin("latency over gRPC", 1 + bench.plan.load_rounds * (1 + len(LOADS)))
        with KeyMaker(site.target) as maker:
            stock = prepare_requests(maker.generate(bench.plan.latency_half_bits), _STOCK, site.folder / "requests")
        with LoadProcess("bench.load", [site.target.to_json()], bench.cores.others) as load:
            return _outcome(bench.plan.latency_half_bits, _measure(bench, site, load, stock))


def _measure(bench: Bench, site: Site, load: LoadProcess, stock: PreparedRequests) -> Volleys:
    plan, volleys = bench.plan, {each: list[Volley]() for each in (_SATURATION, *LOADS)}
    least = Order(str(stock.path), MIN_WAVES * _MOST_IN_FLIGHT, _MOST_IN_FLIGHT, _ANSWERS, again=True)

    def volley(amount: Load, order: Order) -> Volley:
        done = fire(site.server, load, order)
        stock.check(done.answer.signatures)
        volleys[amount].append(done)
        bench.progress.step()
        return done

    rate = load.carry_out(least).rate
    bench.progress.step()
    for turn in range(plan.load_rounds):
        count = max(least.count, round(rate * plan.load_seconds))
        rate = volley(_SATURATION, replace(least, count=count)).answer.rate
        for amount in rotated(LOADS, turn):
            calls = max(_LEAST_CALLS, round(amount.part * rate * plan.latency_seconds))
            volley(amount, replace(least, count=calls, per_second=amount.part * rate, even=amount.even))
    return volleys


def _outcome(half_bits: int, volleys: Volleys) -> Outcome:
    saturation = rate_of(
        f"latency_{half_bits}_saturation",
        f"{half_bits}: closed loop, {_MOST_IN_FLIGHT} in flight",
        GROUP,
        volleys[_SATURATION],
    )
    times = {load: _times(half_bits, load, volleys[load]) for load in LOADS}
    ratios = [
        Ratio.between(
            f"latency_p99_over_p50_at_half_load{suffix}",
            f"{half_bits}: time that 99 % of calls keep, over the median, at {load}",
            times[load]["p99"],
            times[load]["p50"],
            aim,
        )
        for load, suffix, aim in ((_HALF, "", AIM), (_EVEN_HALF, "_even", None))
    ]
    curves = Curves(
        "How long a signature takes",
        "load, in percent of what the server can do",
        tuple(100 * load.part for load in _CURVE),
        {
            f"{title}, ms": tuple(times[load][name].summary.median for load in _CURVE)
            for name, (title, _) in _QUANTILES.items()
            if name != "max"  # it would flatten all others
        },
    )
    results = [saturation, *(result for each in times.values() for result in each.values())]
    return Outcome(results, ratios, [curves], _remarks(volleys))


def _times(half_bits: int, load: Load, volleys: Sequence[Volley]) -> dict[str, Result]:
    """Return the quantiles at one load, by their names."""
    return {
        name: Result(
            f"latency_{half_bits}_{load.name}_{name}",
            f"{half_bits}, at {load}: {title}",
            GROUP,
            "ms",
            tuple(volley.latency(fraction) for volley in volleys),
            tuple(volley.server_fraction for volley in volleys),
        )
        for name, (title, fraction) in _QUANTILES.items()
    }


def _remarks(volleys: Volleys) -> list[str]:
    calls = [(load, median(volley.signatures for volley in volleys[load])) for load in _CURVE]
    late = median(quantile(volley.answer.lateness, 0.99) for volley in volleys[_HALF])
    return [
        "Calls in a sample of latencies: " + ", ".join(f"{count:,.0f} at {load}" for load, count in calls) + ".",
        f"At half load 99 % of the calls were made at most {late:.2f} ms after they were due, which counts as latency.",
    ]
