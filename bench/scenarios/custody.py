"""Joint signatures whose server half lives in a token of SoftHSM2: what they cost beside the token's bare operation.

Two servers work with one token, one with one worker process, one with two; the client halves were made ahead.

* Cost: processor time of the server and its worker for a signature, on the measured core, over that of raw RSA by a
  process that does nothing else, in the same token and on the same core.
* Workers: signatures a second with two over one, both servers on all cores, the load generator beside them.
* Outage: the token is taken away under load. Callers repeat what is refused, under its request_id.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

from bench.context import Bench
from bench.harness.results import Aim, Chart, Outcome, Ratio, Result
from bench.harness.timing import rotated
from bench.load.orders import Order
from bench.load.process import LoadProcess
from bench.load.steady import MIN_WAVES
from bench.rig.bare_token import BareToken
from bench.rig.client import ClientKey, KeyMaker
from bench.rig.requests import prepare_requests
from bench.rig.site import Site, serving
from bench.rig.token_outage import suffer_outage
from bench.rig.volley import Volley, fire, rate_of
from softhsm import SoftHsmMissing, SoftToken, new_token

GROUP: Final = "Custody in a token (SoftHSM2), over gRPC"
COSTS: Final = "Processor time for a signature in a token, workers included"
BARE: Final = "raw RSA alone"
COST_AIM: Final = Aim(1.7, at_most=True)
WORKERS_AIM: Final = Aim(1.6)
_STOCK: Final = 4  # batches that are sent in turns, each time with new request_ids
_FEWEST: Final = 5  # operations that tell how long one takes
_ANSWERS: Final = 16


@dataclass(frozen=True, slots=True)
class Subject:
    """What is measured.

    Args:
        name, title: for programs and for people.
        workers: of the server.
        batched: whether a call asks for many signatures.
        spread: whether the server runs on all cores, instead of on the measured one.
    """

    name: str
    title: str
    workers: int
    batched: bool
    spread: bool


SINGLE: Final = Subject("single", "single calls", 1, batched=False, spread=False)
BATCH: Final = Subject("batch", "batches", 1, batched=True, spread=False)
ONE_WORKER: Final = Subject("one_worker", "batches, one worker, all cores", 1, batched=True, spread=True)
TWO_WORKERS: Final = Subject("two_workers", "batches, two workers, all cores", 2, batched=True, spread=True)
SUBJECTS: Final = (SINGLE, BATCH, ONE_WORKER, TWO_WORKERS)


@dataclass(frozen=True, slots=True)
class _Stand:
    """A server with so many workers, and its load."""

    site: Site
    load: LoadProcess
    keys: Mapping[int, ClientKey]


@dataclass(frozen=True, slots=True)
class _Size:
    """What the rounds of one size gave: milliseconds of the bare operation, and volleys."""

    bare: Sequence[float]
    volleys: Mapping[Subject, Sequence[Volley]]


def run(bench: Bench) -> Outcome:
    """Measure every size of the plan; then the outage, with the smallest."""
    plan = bench.plan
    try:
        token = new_token(bench.workspace / "softhsm")
    except SoftHsmMissing as missing:
        return Outcome(remarks=[f"Custody in a token was not measured. {missing}"])
    steps = len(plan.custody_half_bits) * (1 + len(SUBJECTS)) * (1 + plan.load_rounds) + 1
    bench.progress.begin("custody in a token", steps)
    with ExitStack() as stack:
        bare = stack.enter_context(BareToken(token, {bench.cores.measured}))
        stands = {workers: stack.enter_context(_stand(bench, token, workers)) for workers in (1, 2)}
        sizes = {bits: _SizeRun(bench, bare, stands, bits).measure() for bits in plan.custody_half_bits}
        key = stands[2].keys[min(plan.custody_half_bits)]
        outage = suffer_outage(stands[2].site, token, key, plan.outage_seconds)
        bench.progress.step()
    return _outcome(sizes, len(bench.cores.all)) + outage


@contextmanager
def _stand(bench: Bench, token: SoftToken, workers: int) -> Iterator[_Stand]:
    settings = token.settings | {"FOURSEAL_PKCS11_WORKERS": str(workers), "FOURSEAL_SHARES_AHEAD": "0"}
    with serving(bench, f"custody-{workers}", bench.cores.all, **settings) as site:
        with KeyMaker(site.target) as maker:
            keys = {bits: maker.generate(bits) for bits in bench.plan.custody_half_bits}
        with LoadProcess("bench.load", [site.target.to_json()], bench.cores.others) as load:
            yield _Stand(site, load, keys)


class _SizeRun:
    """The rounds of one size."""

    def __init__(self, bench: Bench, bare: BareToken, stands: Mapping[int, _Stand], bits: int) -> None:
        self._bench = bench
        self._bare = bare
        self._stands = stands
        self._bits = bits
        self._batches, self._batch = bench.plan.custody_batches
        self._stocks = {
            workers: prepare_requests(stand.keys[bits], _STOCK * self._batch, stand.site.folder / f"requests-{bits}")
            for workers, stand in stands.items()
        }

    def measure(self) -> _Size:
        """Warm up, then do the rounds."""
        seconds = self._bench.plan.custody_seconds
        self._bare.processor_seconds(self._bits, 1)  # makes the key
        one = self._bare.processor_seconds(self._bits, _FEWEST) / _FEWEST
        operations = max(_FEWEST, round(self._bench.plan.slice_seconds / one))
        self._bench.progress.step()
        counts = {subject: self._warm_up(subject, seconds) for subject in SUBJECTS}
        bare, volleys = list[float](), {subject: list[Volley]() for subject in SUBJECTS}
        for turn in range(self._bench.plan.load_rounds):
            for subject in rotated((None, *SUBJECTS), turn):
                if subject is None:
                    bare.append(1000 * self._bare.processor_seconds(self._bits, operations) / operations)
                else:
                    volleys[subject].append(self._fire(subject, counts[subject]))
                self._bench.progress.step()
        return _Size(bare, volleys)

    def _warm_up(self, subject: Subject, seconds: float) -> int:
        """How many calls fill a sample."""
        least = MIN_WAVES * self._in_flight(subject)
        rate = self._fire(subject, least).answer.rate / (self._batch if subject.batched else 1)
        self._bench.progress.step()
        return max(least, round(rate * seconds))

    def _fire(self, subject: Subject, calls: int) -> Volley:
        stand, stock, cores = self._stands[subject.workers], self._stocks[subject.workers], self._bench.cores
        stand.site.server.move_to(cores.all if subject.spread else {cores.measured})
        batch = self._batch if subject.batched else 1
        order = Order(str(stock.path), calls, self._in_flight(subject), _ANSWERS, again=True, batch=batch)
        volley = fire(stand.site.server, stand.load, order)
        stock.check(volley.answer.signatures)
        return volley

    def _in_flight(self, subject: Subject) -> int:
        return self._batches if subject.batched else max(self._bench.plan.in_flight)


def _outcome(sizes: Mapping[int, _Size], cores: int) -> Outcome:
    costs = {bits: _costs(bits, size) for bits, size in sizes.items()}
    rates = {bits: _rates(bits, size) for bits, size in sizes.items()}
    ratios = [ratio for bits in sizes for ratio in _ratios(bits, costs[bits], rates[bits])]
    categories = tuple(f"{bits}-bit halves" for bits in sizes)
    charts = [
        Chart(group, axis, categories, {title: tuple(each[title] for each in by_size.values()) for title in first})
        for group, axis, by_size, first in (
            (COSTS, "ms", costs, next(iter(costs.values()))),
            (GROUP, "signatures a second", rates, next(iter(rates.values()))),
        )
    ]
    results = [result for by_size in (rates, costs) for each in by_size.values() for result in each.values()]
    shared = f"Of the rates with all {cores} cores: server, workers and load generator shared them."
    return Outcome(results, ratios, charts, [shared])


def _costs(bits: int, size: _Size) -> dict[str, Result]:
    """Processor time for a signature, by what it is of."""
    titles = {BARE: ("raw_rsa", size.bare)}
    for subject in (SINGLE, BATCH):
        titles[subject.title] = (subject.name, [volley.server_milliseconds for volley in size.volleys[subject]])
    return {
        title: Result(f"custody_{name}_cpu_{bits}", f"{bits}: {title}", COSTS, "ms", tuple(samples))
        for title, (name, samples) in titles.items()
    }


def _rates(bits: int, size: _Size) -> dict[str, Result]:
    """Signatures a second, by what they are of."""
    return {
        subject.title: rate_of(f"custody_{subject.name}_{bits}", f"{bits}: {subject.title}", GROUP, volleys)
        for subject, volleys in size.volleys.items()
    }


def _ratios(bits: int, costs: Mapping[str, Result], rates: Mapping[str, Result]) -> list[Ratio]:
    over_bare = [
        Ratio.between(
            f"custody_{subject.name}_cpu_over_raw_rsa_{bits}",
            f"{bits}: server's CPU for a signature in a token, {subject.title}, over raw RSA there",
            costs[subject.title],
            costs[BARE],
            COST_AIM,
        )
        for subject in (SINGLE, BATCH)
    ]
    title = f"{bits}: signatures in a token, two workers over one"
    one, two = rates[ONE_WORKER.title], rates[TWO_WORKERS.title]
    return [*over_bare, Ratio.between(f"custody_two_workers_over_one_{bits}", title, two, one, WORKERS_AIM)]
