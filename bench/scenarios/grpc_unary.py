"""Joint signatures over loopback gRPC with everything on: TLS 1.3, mutual authentication, durable records, access log.

One signature a call, and batches.
The server is the real one, a process on the measured core. The load generator runs on the other cores and sends
requests whose client halves were made ahead: what is measured is the server. Beside it stands the rate of the server's
half operation on the measured core - the engine with blinding and the check of its result - taken in this process
before and after the load of every round while the server is idle: the server cannot be faster than that, and the ratio
tells what everything else costs.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from statistics import fmean

from bench.context import Bench
from bench.harness.cores import pinned_to
from bench.harness.durability import measure_fsync
from bench.harness.machine import file_system_of
from bench.harness.results import Aim, Chart, Outcome, Ratio, Result
from bench.harness.timing import Operation, Slice, rotated, time_slice, warm_up
from bench.load.orders import Order
from bench.load.process import LoadProcess
from bench.load.steady import MIN_WAVES
from bench.rig.client import ClientKey, KeyMaker
from bench.rig.engines import available_engines
from bench.rig.joint_pair import make_signing_share
from bench.rig.requests import PreparedRequests, prepare_requests
from bench.rig.server import ServerProcess
from bench.rig.site import serving
from bench.rig.volley import Volley, costs_of, fire, rate_of
from mpc.engines import Engine, EngineName
from mpc.four_prime_rsa import Role
from mpc.four_prime_rsa.partials import compute_partials

GROUP = "Joint signatures over gRPC: TLS, durable records, server on one core"
COSTS = "What a call over gRPC takes (closed loop: a slow call delays those behind it)"
ENGINE = "half operation alone"
_MAIN_HALF_BITS = 2048  # of the ratios that are named without a size
AIMS = {
    (EngineName.GMPY2, 64, 1): Aim(0.65),
    (EngineName.GMPY2, 4, 100): Aim(0.85),
    (EngineName.LIBCRYPTO, 64, 1): Aim(0.45),
    (EngineName.LIBCRYPTO, 4, 100): Aim(0.75),
    (EngineName.CRYPTO_MB, 4, 100): Aim(0.4),
}
_BUSY = 0.9
_WAVES = MIN_WAVES + 1
_WARM_UP_CALLS = 40
_ANSWERS = 32  # of each sample, to be verified
_FSYNCS = 101
_BASES = 32


@dataclass(frozen=True, slots=True)
class Subject:
    """What is measured: a size of halves, and the engine of the server."""

    half_bits: int
    engine: Engine

    def __str__(self) -> str:
        """For people."""
        return f"{self.half_bits}" if self.engine.name == EngineName.GMPY2 else f"{self.half_bits}, {self.engine.name}"

    @property
    def name(self) -> str:
        """For programs."""
        return f"{self.half_bits}" if self.engine.name == EngineName.GMPY2 else f"{self.half_bits}_{self.engine.name}"


@dataclass(frozen=True, slots=True)
class Level:
    """How much is under way at a time.

    Args:
        in_flight: calls.
        batch: signatures that each asks for.
    """

    in_flight: int
    batch: int = 1

    def __str__(self) -> str:
        """For people."""
        return (
            f"{self.in_flight} in flight" if self.batch == 1 else f"{self.in_flight} batches of {self.batch} in flight"
        )

    @property
    def name(self) -> str:
        """For programs."""
        return f"{self.in_flight}" if self.batch == 1 else f"{self.in_flight}_batches_of_{self.batch}"


@dataclass(frozen=True, slots=True)
class Rounds:
    """What each round of one size gave: slices of the engine before and after, and a volley at every level."""

    engine: Sequence[tuple[Slice, Slice]]
    volleys: Mapping[Level, Sequence[Volley]]
    verified: int


def run(bench: Bench) -> Outcome:
    """Measure every size of the plan at every number in flight; with other engines than the default, those for them."""
    plan, fsync, measured = bench.plan, None, dict[Subject, Rounds]()
    for engine in available_engines()[0]:
        sizes = plan.grpc_half_bits if engine.name == EngineName.GMPY2 else plan.grpc_other_engine_half_bits
        if not sizes:
            continue
        with serving(bench, f"grpc-unary-{engine.name}", FOURSEAL_ENGINE=engine.name) as site:
            fsync = fsync or measure_fsync(site.folder, _FSYNCS, COSTS)
            with KeyMaker(site.target) as maker:
                keys = {Subject(half_bits, engine): maker.generate(half_bits) for half_bits in sizes}
            with LoadProcess("bench.load", [site.target.to_json()], bench.cores.others) as load:
                for subject, key in keys.items():
                    measured[subject] = SizeRun(bench, site.server, load, subject, key).measure()
    return _outcome(bench, measured, fsync)


class SizeRun:
    """The rounds of one size."""

    def __init__(
        self, bench: Bench, server: ServerProcess, load: LoadProcess, subject: Subject, key: ClientKey
    ) -> None:
        self._bench = bench
        self._server = server
        self._load = load
        self._key = key
        self._subject = subject
        self._files = 0
        self._levels = [*map(Level, bench.plan.in_flight), *(Level(*each) for each in bench.plan.batches)]

    def measure(self) -> Rounds:
        """Warm up, prepare every request, then do the rounds."""
        plan = self._bench.plan
        self._bench.progress.begin(
            f"gRPC, half of {self._subject} bits", len(self._levels) * (1 + 2 * plan.load_rounds)
        )
        operation = _engine_operation(self._subject)
        with pinned_to({self._bench.cores.measured}):
            repetitions = warm_up(operation, plan.slice_seconds)
        counts = {level: self._warm_up(level) for level in self._levels}
        rounds = [{level: self._prepare(counts[level]) for level in self._levels} for _ in range(plan.load_rounds)]
        engine, verified = list[tuple[Slice, Slice]](), 0
        volleys: dict[Level, list[Volley]] = {level: [] for level in self._levels}
        for turn, prepared in enumerate(rounds):
            before = self._time_engine(operation, repetitions)
            for level in rotated(self._levels, turn):
                volley = fire(self._server, self._load, _order(prepared[level], level))
                verified += prepared[level].check(volley.answer.signatures)
                volleys[level].append(volley)
                self._bench.progress.step()
            engine.append((before, self._time_engine(operation, repetitions)))
        return Rounds(engine, volleys, verified)

    def _warm_up(self, level: Level) -> int:
        """Have the server serve for a while; return how many requests, of full batches, fill a sample."""
        least = _WAVES * level.in_flight
        requests = self._prepare(max(_WARM_UP_CALLS if level.batch == 1 else 0, least) * level.batch)
        rate = self._load.carry_out(_order(requests, level)).rate
        return max(least, round(rate * self._bench.plan.load_seconds / level.batch)) * level.batch

    def _prepare(self, count: int) -> PreparedRequests:
        self._files += 1
        path = self._bench.workspace / f"requests-{self._subject.name}-{self._files}"
        prepared = prepare_requests(self._key, count, path)
        self._bench.progress.step()
        return prepared

    def _time_engine(self, operation: Operation, repetitions: int) -> Slice:
        with pinned_to({self._bench.cores.measured}):
            return time_slice(operation, repetitions)


def _order(requests: PreparedRequests, level: Level) -> Order:
    calls = len(requests.digests) // level.batch
    return Order(str(requests.path), calls, level.in_flight, _ANSWERS, batch=level.batch)


def _engine_operation(subject: Subject) -> Operation:
    """The server's half operation, checked, as many at a time as suit the engine."""
    share, engine = make_signing_share(Role.SERVER, subject.half_bits), subject.engine
    bases = cycle([secrets.randbelow(share.public.modulus) for _ in range(_BASES)])
    return lambda: compute_partials(
        [(share, next(bases)) for _ in range(engine.width)], engine, secrets.token_bytes, what="partial signature"
    )


def _outcome(bench: Bench, measured: Mapping[Subject, Rounds], fsync: Result | None) -> Outcome:
    rates = {subject: _rates(subject, rounds) for subject, rounds in measured.items()}
    chart = Chart(
        "Over gRPC: server on one core",
        "signatures a second",
        tuple(f"{subject}: halves" for subject in measured),
        {name: tuple(each[name] for each in rates.values()) for name in next(iter(rates.values()))},
    )
    costs = [
        cost
        for subject, rounds in measured.items()
        for level, volleys in rounds.volleys.items()
        for cost in costs_of(f"grpc_{subject.name}_{level.name}", f"{subject}, {level}", COSTS, volleys)
    ]
    ratios = [ratio for subject, rounds in measured.items() for ratio in _ratios(subject, rounds, rates[subject])]
    results = [result for each in rates.values() for result in each.values()]
    results += [*([fsync] if fsync else []), *costs]
    return Outcome(results, ratios, [chart], _remarks(bench, list(measured.values())))


def _rates(subject: Subject, rounds: Rounds) -> dict[str, Result]:
    """Return the rates of one subject, by what they are of."""
    rates = {ENGINE: _engine_rate(subject, rounds.engine)}
    for level, volleys in rounds.volleys.items():
        rates[str(level)] = rate_of(f"grpc_{subject.name}_{level.name}", f"{subject}, {level}", GROUP, volleys)
    return rates


def _engine_rate(subject: Subject, slices: Sequence[tuple[Slice, Slice]]) -> Result:
    width = subject.engine.width
    return Result(
        f"grpc_engine_{subject.name}",
        f"{subject}: half operation alone, before and after",
        GROUP,
        "1/s",
        tuple(width * fmean(piece.rate for piece in both) for both in slices),
        tuple(fmean(piece.processor_fraction for piece in both) for both in slices),
    )


def _ratios(subject: Subject, rounds: Rounds, rates: Mapping[str, Result]) -> list[Ratio]:
    """Return the most single calls over the engine, and every batch."""
    most = max((level for level in rounds.volleys if level.batch == 1), key=lambda level: level.in_flight)
    return [
        Ratio.between(
            _ratio_name(subject, level),
            f"{subject}: gRPC, {level}, over the half operation on the server's core",
            rates[str(level)],
            rates[ENGINE],
            AIMS.get((EngineName(subject.engine.name), level.in_flight, level.batch)),
        )
        for level in rounds.volleys
        if level == most or level.batch > 1
    ]


def _ratio_name(subject: Subject, level: Level) -> str:
    kind = "grpc_batch" if level.batch > 1 else "grpc"
    size = "" if subject.half_bits == _MAIN_HALF_BITS else f"_{subject.half_bits}"
    return f"{kind}_over_engine_{subject.engine.name}{size}"


def _remarks(bench: Bench, sizes: Sequence[Rounds]) -> list[str]:
    volleys = [volley for rounds in sizes for level in rounds.volleys.values() for volley in level]
    busiest = max(volley.answer.processor_fraction for volley in volleys)
    doubt = ": it may be what limits the rate." if busiest > _BUSY else "."
    verified = sum(rounds.verified for rounds in sizes)
    return [
        f"{verified} signatures from over gRPC, evenly spread over all samples, were verified by cryptography.",
        f"The load generator spent at most {busiest:.0%} of one core's time{doubt}",
        f"The server's records lay on {file_system_of(bench.workspace)}.",
    ]
