"""One half's private operation by its parts: what blinding and self-check cost over the bare exponentiation.

The bare operation is the least that a constant-time CRT exponentiation with gmpy2 can be: two ``powmod_sec`` and the
recombination, on numbers that are ready as ``mpz``. It is no safe implementation, and stands here to compare with.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from itertools import cycle

import gmpy2
from gmpy2 import mpz

from bench.context import Bench
from bench.harness.cores import pinned_to
from bench.harness.results import Aim, Chart, Outcome, Ratio, Result
from bench.harness.timing import Case, Operation, measure_rates
from mpc.engines import CrtPrivateKey, Gmpy2Engine
from mpc.engines.blinding import fresh_blinding
from mpc.four_prime_rsa import KeyShare, Purpose, Role, generate_key_share
from mpc.four_prime_rsa.partials import _holds, compute_partial  # the part itself and no copy of it

GROUP = "One half's operation, one core"
ENGINE_AIM = Aim(0.9)
_BASES = 32  # different numbers, in turns, so that no time depends on one of them


def run(bench: Bench) -> Outcome:
    """Measure every size of the plan."""
    plan, sizes = bench.plan, bench.plan.engine_half_bits
    rates: dict[str, Result] = {}
    for half_bits in sizes:
        cases = engine_cases(half_bits)
        bench.progress.begin(f"engine, half of {half_bits} bits", len(cases) * (plan.rounds + 1))
        with pinned_to({bench.cores.measured}):
            rates |= measure_rates(GROUP, cases, plan.rounds, plan.slice_seconds, bench.progress.step)
    ratios = [ratio for half_bits in sizes for ratio in _ratios(half_bits, rates)]
    series = {"bare powmod_sec, CRT": "bare", "engine": "engine", "engine and self-check": "checked"}
    chart = Chart(
        GROUP,
        "operations a second",
        tuple(f"{half_bits} bits" for half_bits in sizes),
        {title: tuple(rates[f"{name}_{half_bits}"] for half_bits in sizes) for title, name in series.items()},
    )
    return Outcome(tuple(rates.values()), ratios, (chart,))


def engine_cases(half_bits: int) -> list[Case]:
    """Return the cases of one size, for one fresh share."""
    share = generate_key_share(Role.SERVER, Purpose.SIGN, half_bits)
    modulus, engine = share.public.modulus, Gmpy2Engine()
    bases = cycle([secrets.randbelow(modulus) for _ in range(_BASES)])
    return [
        Case(f"bare_{half_bits}", f"{half_bits}: bare powmod_sec, CRT", bare_operation(share.crt, lambda: next(bases))),
        Case(
            f"engine_{half_bits}",
            f"{half_bits}: engine gmpy2 (with blinding)",
            lambda: engine.exponentiate([(share.crt, next(bases))], secrets.token_bytes),
        ),
        Case(
            f"checked_{half_bits}",
            f"{half_bits}: engine gmpy2 and self-check",
            lambda: compute_partial(share, next(bases), engine, secrets.token_bytes, what="partial signature"),
        ),
        Case(f"blinding_{half_bits}", f"{half_bits}: blinding alone (r^e, 1/r)", _blinding(share.crt)),
        Case(f"self_check_{half_bits}", f"{half_bits}: self-check alone (s^e)", _self_check(share)),
    ]


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
    (partial,) = Gmpy2Engine().exponentiate([(share.crt, base)], secrets.token_bytes)
    return lambda: _holds(share.public, partial, base)


def _ratios(half_bits: int, rates: dict[str, Result]) -> tuple[Ratio, ...]:
    bare = rates[f"bare_{half_bits}"]
    return (
        Ratio.between(
            f"engine_over_bare_{half_bits}",
            f"{half_bits}: engine over bare powmod_sec",
            rates[f"engine_{half_bits}"],
            bare,
            ENGINE_AIM,
        ),
        Ratio.between(
            f"engine_checked_over_bare_{half_bits}",
            f"{half_bits}: engine with self-check over bare powmod_sec",
            rates[f"checked_{half_bits}"],
            bare,
        ),
    )
