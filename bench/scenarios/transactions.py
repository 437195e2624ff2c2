"""Confirmed transactions from end to end, beside plain joint signatures through the same server.

A transaction is proposed, its binding is verified, its code is decrypted and compared, and the ledger executes it:
three calls, one after the other, and each of its four states is durable before the next one. Both kinds of load come
from the other cores, with requests that were made ahead: what is measured is the server, on one core. In each round
both kinds take turns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bench.context import Bench
from bench.errors import BenchFailed
from bench.harness.results import Chart, Outcome, Ratio, Result
from bench.harness.statistics import quantile
from bench.harness.timing import rotated
from bench.load.orders import Order
from bench.load.process import LoadProcess
from bench.load.steady import MIN_WAVES
from bench.load.transactions import STEPS, times_from
from bench.rig.client import KeyMaker
from bench.rig.payments import PAYEE, PAYER, UNITS, balances, make_device, open_accounts
from bench.rig.requests import prepare_requests
from bench.rig.server import ServerProcess
from bench.rig.site import Site, serving
from bench.rig.volley import Volley, costs_of, fire, rate_of

GROUP: Final = "Confirmed transactions over gRPC: TLS, durable, executed in the ledger, server on one core"
COSTS: Final = "What a confirmed transaction takes (closed loop: a slow one delays those behind it)"
_TRANSACTIONS: Final = "transactions"
_PLAIN: Final = "joint signatures"
_WAVES: Final = MIN_WAVES + 1
_WARM_UP: Final = 8
_ANSWERS: Final = 32  # of each sample of joint signatures, to be verified
_BUSY: Final = 0.9

Fire = Callable[[int, int], Volley]
"""Has so many of a kind made, so many at a time, of requests that it makes ahead."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is measured.

    Args:
        kind: ``_TRANSACTIONS`` or ``_PLAIN``.
        in_flight: how many are under way at a time.
    """

    kind: str
    in_flight: int

    @property
    def name(self) -> str:
        """For programs."""
        return f"transactions_{'' if self.kind == _TRANSACTIONS else 'plain_'}{self.in_flight}"

    def __str__(self) -> str:
        """For people."""
        return f"{self.kind}, {self.in_flight} in flight"


Measured = Mapping[Case, Sequence[Volley]]
"""By case one volley a round."""


def run(bench: Bench) -> Outcome:
    """Measure with every number in flight that the plan has."""
    cases = [Case(kind, in_flight) for in_flight in bench.plan.in_flight for kind in (_TRANSACTIONS, _PLAIN)]
    bench.progress.begin("confirmed transactions", 1 + len(cases) * (1 + bench.plan.load_rounds))
    with serving(bench, "transactions") as site:
        with LoadProcess("bench.load", [site.target.to_json()], bench.cores.others) as load:
            kinds = {
                _TRANSACTIONS: _transactions(site, load),
                _PLAIN: _joint_signatures(site, load, bench.plan.trusted_half_bits),
            }
            bench.progress.step()
            warm = {case: _warm_up(bench, kinds[case.kind], case) for case in cases}
            measured = _measure(bench, kinds, warm)
        brought = [
            volley.signatures
            for case in cases
            if case.kind == _TRANSACTIONS
            for volley in (warm[case], *measured[case])
        ]
        _check_ledger(site.server, sum(brought))
    return _outcome(measured, sum(brought))


def _transactions(site: Site, load: LoadProcess) -> Fire:
    device, path = make_device(site.server, site.folder, site.target), site.folder / "transactions"
    open_accounts(site.server)

    def bring(count: int, in_flight: int) -> Volley:
        device.prepare(count, path)
        return fire(site.server, load, Order(str(path), count, in_flight, answers=count, transactions=True))

    return bring


def _joint_signatures(site: Site, load: LoadProcess, half_bits: int) -> Fire:
    path = site.folder / "signatures"
    with KeyMaker(site.target) as maker:
        key = maker.generate(half_bits)

    def sign(count: int, in_flight: int) -> Volley:
        requests = prepare_requests(key, count, path)
        volley = fire(site.server, load, Order(str(path), count, in_flight, _ANSWERS))
        requests.check(volley.answer.signatures)
        return volley

    return sign


def _warm_up(bench: Bench, fire_some: Fire, case: Case) -> Volley:
    """Have the server serve for a while."""
    volley = fire_some(max(_WARM_UP, _WAVES * case.in_flight), case.in_flight)
    bench.progress.step()
    return volley


def _measure(bench: Bench, kinds: Mapping[str, Fire], warm: Mapping[Case, Volley]) -> Measured:
    """As many in a sample as fill its time, by the rate that each had in ``warm``."""
    measured: dict[Case, list[Volley]] = {case: [] for case in warm}
    for turn in range(bench.plan.load_rounds):
        for case in rotated(list(warm), turn):
            count = max(_WAVES * case.in_flight, round(warm[case].answer.rate * bench.plan.load_seconds))
            measured[case].append(kinds[case.kind](count, case.in_flight))
            bench.progress.step()
    return measured


def _check_ledger(server: ServerProcess, brought: int) -> None:
    """Each transaction was executed once, by what was paid."""
    has = balances(server)
    if has != {PAYER: -brought * UNITS, PAYEE: brought * UNITS}:
        raise BenchFailed(f"after {brought} transfers of {UNITS} the ledger has {has}")


def _outcome(measured: Measured, executed: int) -> Outcome:
    rates = {case: rate_of(case.name, str(case), GROUP, volleys) for case, volleys in measured.items()}
    levels = sorted({case.in_flight for case in measured})
    ratios = [
        Ratio.between(
            f"transactions_over_plain_{level}",
            f"Confirmed transactions over plain joint signatures, {level} in flight",
            rates[Case(_TRANSACTIONS, level)],
            rates[Case(_PLAIN, level)],
        )
        for level in levels
    ]
    chart = Chart(
        "Confirmed transactions over gRPC: server on one core",
        "a second",
        tuple(f"{level} in flight" for level in levels),
        {kind: tuple(rates[Case(kind, level)] for level in levels) for kind in (_TRANSACTIONS, _PLAIN)},
    )
    costs = [cost for case, volleys in measured.items() for cost in _costs(case, volleys)]
    busiest = max(volley.answer.processor_fraction for volleys in measured.values() for volley in volleys)
    doubt = ": it may be what limits the rate." if busiest > _BUSY else "."
    share = f"at most {busiest:.0%} of a core's time{doubt}"
    return Outcome(
        [*rates.values(), *costs],
        ratios,
        [chart],
        [
            f"{executed} transactions were executed, each once by the balances of the ledger.",
            f"The load generator of transactions and of joint signatures beside them spent {share}",
        ],
    )


def _costs(case: Case, volleys: Sequence[Volley]) -> list[Result]:
    """What each of a case took; of transactions also their steps."""
    if case.kind == _PLAIN:
        return costs_of(case.name, str(case), COSTS, volleys)
    times = {("latency", "a transaction"): [volley.answer.latencies for volley in volleys]}
    for place, step in enumerate(STEPS):
        times[step.lower(), f"{step}Transaction"] = [_times_of(place, volley) for volley in volleys]
    spent = tuple(volley.server_milliseconds for volley in volleys)
    costs = [Result(f"{case.name}_server_cpu", f"{case}: server's CPU for a transaction", COSTS, "ms", spent)]
    return costs + [
        Result(
            f"{case.name}_{name}_{kind}",
            f"{case}: {title}, {what}",
            COSTS,
            "ms",
            tuple(quantile(each, fraction) for each in samples),
        )
        for (name, title), samples in times.items()
        for kind, what, fraction in (("p50", "median", 0.5), ("p99", "99 % are faster", 0.99))
    ]


def _times_of(step: int, volley: Volley) -> tuple[float, ...]:
    return tuple(times_from(receipt)[step] for _, receipt in volley.answer.signatures)
