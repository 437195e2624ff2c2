"""One half's private operation: every engine beside the others, and what blinding and self-check cost.

What ``openssl speed`` reaches with a whole key of the size of a half stands beside them.

The bare operation is the least that a constant-time CRT exponentiation with gmpy2 can be: two ``powmod_sec`` and the
recombination, on numbers that are ready as ``mpz``. It is no safe implementation, and stands here to compare with.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import cycle

import gmpy2
from gmpy2 import mpz

from bench.context import Bench
from bench.errors import BenchFailed
from bench.harness.cores import pinned_to
from bench.harness.results import Aim, Chart, Outcome, Ratio, Result
from bench.harness.timing import Case, Operation, OwnMeasure, measure_rates
from bench.peers.openssl_speed import SPEED_BITS, openssl, private_operations
from bench.rig.engines import available_engines
from mpc.engines import CrtPrivateKey, Engine, EngineName, Gmpy2Engine
from mpc.engines.blinding import fresh_blinding
from mpc.four_prime_rsa import KeyShare, Purpose, Role, generate_key_share
from mpc.four_prime_rsa.partials import is_partial

GROUP = "One half's operation, one core"
ENGINE_AIM = Aim(0.9)
OPENSSL_AIMS = {2048: Aim(0.85)}
_BASES = 32  # different numbers, in turns, so that no time depends on one of them


def run(bench: Bench) -> Outcome:
    """Measure every size of the plan, with every engine that is here."""
    plan, sizes = bench.plan, bench.plan.engine_half_bits
    engines, remarks = available_engines()
    rates: dict[str, Result] = {}
    for half_bits in sizes:
        cases = engine_cases(half_bits, engines)
        others = _openssl(half_bits)
        steps = len(cases) * (plan.rounds + 1) + len(others) * plan.rounds
        bench.progress.begin(f"engines, half of {half_bits} bits", steps)
        with pinned_to({bench.cores.measured}):
            rates |= measure_rates(GROUP, cases, plan.rounds, plan.slice_seconds, bench.progress.step, others=others)
    ratios = [ratio for half_bits in sizes for ratio in _ratios(half_bits, engines, rates)]
    series = {"bare powmod_sec, CRT": "bare"}
    for engine in engines:
        series |= {engine.name: f"engine_{engine.name}", f"{engine.name} and self-check": f"checked_{engine.name}"}
    chart = Chart(
        GROUP,
        "operations a second",
        tuple(f"{half_bits} bits" for half_bits in sizes),
        {title: tuple(rates[f"{name}_{half_bits}"] for half_bits in sizes) for title, name in series.items()},
    )
    return Outcome(tuple(rates.values()), ratios, (chart,), remarks)


def engine_cases(half_bits: int, engines: Sequence[Engine]) -> list[Case]:
    """Return the cases of one size, for one fresh share; an engine gets as many operations at a time as suit it."""
    share = generate_key_share(Role.SERVER, Purpose.SIGN, half_bits)
    bases = cycle([secrets.randbelow(share.public.modulus) for _ in range(_BASES)])
    return [
        Case(f"bare_{half_bits}", f"{half_bits}: bare powmod_sec, CRT", bare_operation(share.crt, lambda: next(bases))),
        *(case for engine in engines for case in _cases_of(engine, share, bases)),
        Case(f"blinding_{half_bits}", f"{half_bits}: fresh blinding alone (r^e, 1/r)", _blinding(share.crt)),
        Case(f"self_check_{half_bits}", f"{half_bits}: self-check alone (s^e)", _self_check(share)),
    ]


def _cases_of(engine: Engine, share: KeyShare, bases: Iterator[int]) -> list[Case]:
    half_bits, width = share.public.half_bits, engine.width
    at_once = f", {width} at a time" if width > 1 else ""

    def exponentiate() -> list[tuple[int, int]]:
        operations = [(share.crt, next(bases)) for _ in range(width)]
        results = engine.exponentiate(operations, secrets.token_bytes)
        return [(result, base) for (_, base), result in zip(operations, results, strict=True)]

    def exponentiate_and_check() -> None:
        if not all(is_partial(share.public, base, result) for result, base in exponentiate()):
            raise BenchFailed(f"a result of the engine {engine.name} does not hold")

    name, title = f"{engine.name}_{half_bits}", f"{half_bits}: {engine.name}"
    return [
        Case(f"engine_{name}", f"{title} (with blinding){at_once}", exponentiate, width),
        Case(f"checked_{name}", f"{title} and self-check{at_once}", exponentiate_and_check, width),
    ]


def _openssl(half_bits: int) -> list[OwnMeasure]:
    command = openssl()
    if command is None or half_bits not in SPEED_BITS:
        return []
    rate = partial(private_operations, command, half_bits, primes=2)
    return [OwnMeasure(f"openssl_{half_bits}", f"{half_bits}: whole key of that size, openssl speed", rate)]


def bare_operation(key: CrtPrivateKey, next_base: Callable[[], int]) -> Operation:
    """Return the exponentiation of the next base, without blinding and without check."""
    p, q, q_inverse = mpz(key.p), mpz(key.q), mpz(key.q_inverse)
    exponent_p, exponent_q = mpz(key.exponent_p), mpz(key.exponent_q)

    def operation() -> int:
        base = mpz(next_base())
        half_p = gmpy2.powmod_sec(base % p, exponent_p, p)
        half_q = gmpy2.powmod_sec(base % q, exponent_q, q)
        return int(half_q + q * ((half_p - half_q) * q_inverse % p))

    return operation


def _blinding(key: CrtPrivateKey) -> Operation:
    modulus, exponent = mpz(key.modulus), mpz(key.public_exponent)
    return lambda: fresh_blinding(modulus, exponent, secrets.token_bytes)


def _self_check(share: KeyShare) -> Operation:
    base = secrets.randbelow(share.public.modulus)
    (result,) = Gmpy2Engine().exponentiate([(share.crt, base)], secrets.token_bytes)
    return lambda: is_partial(share.public, base, result)


def _ratios(half_bits: int, engines: Sequence[Engine], rates: dict[str, Result]) -> list[Ratio]:
    bare = rates[f"bare_{half_bits}"]
    default = f"{EngineName.GMPY2}_{half_bits}"
    ratios = [
        Ratio.between(
            f"engine_over_bare_{half_bits}",
            f"{half_bits}: gmpy2 over bare powmod_sec",
            rates[f"engine_{default}"],
            bare,
            ENGINE_AIM,
        ),
        Ratio.between(
            f"engine_checked_over_bare_{half_bits}",
            f"{half_bits}: gmpy2 with self-check over bare powmod_sec",
            rates[f"checked_{default}"],
            bare,
        ),
    ]
    for engine in engines:
        name = f"checked_{engine.name}_{half_bits}"
        if engine.name != EngineName.GMPY2:
            title = f"{half_bits}: {engine.name} over gmpy2, both with self-check"
            ratios.append(
                Ratio.between(f"{engine.name}_over_gmpy2_{half_bits}", title, rates[name], rates[f"checked_{default}"])
            )
        if engine.name == EngineName.LIBCRYPTO and f"openssl_{half_bits}" in rates:
            ratios.append(
                Ratio.between(
                    f"server_half_{engine.name}_over_openssl_{half_bits}",
                    f"{half_bits}: {engine.name} with self-check over openssl speed",
                    rates[name],
                    rates[f"openssl_{half_bits}"],
                    OPENSSL_AIMS.get(half_bits),
                )
            )
    return ratios
