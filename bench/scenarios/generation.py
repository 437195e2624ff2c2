"""Two-party key generation in one process, both parties one after the other, by size.

Most of it is the search for primes, which takes as long as luck will have it: quartiles far apart are the nature of
the thing and no noise. So the rest, the exchange with its proofs and checks, stands on a line of its own. Beside it, an
agent's way to the two shares of a signer: at once, on all cores.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

from bench.context import Bench
from bench.harness.cores import pinned_to
from bench.harness.results import Chart, Outcome, Result
from bench.rig.joint_pair import make_signing_share
from mpc.engines import Gmpy2Engine
from mpc.four_prime_rsa import (
    GenerationTerms,
    Purpose,
    Role,
    SigningShare,
    answer_commitment,
    check_opening,
    commit_to_share,
    open_commitment,
)
from signer_agent.fresh_shares import make_shares
from wire.ids import new_key_id

GROUP = "Key generation in one process, one core"
PAIR = "The two shares of a signer: one after the other on one core, and as an agent makes them, on all cores"
_LINES = {
    "generation": "both parties",
    "share_generation": "one party's share",
    "generation_exchange": "the exchange alone",
}


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of one generation."""

    client_share: float
    server_share: float
    exchange: float

    @property
    def total(self) -> float:
        """Both parties, one after the other."""
        return self.client_share + self.server_share + self.exchange


def run(bench: Bench) -> Outcome:
    """Make the plan's number of keys of each size, the sizes in turns."""
    sizes, rounds = bench.plan.generation_half_bits, bench.plan.generation_rounds
    bench.progress.begin("key generation", len(sizes) * rounds)
    times: dict[int, list[Times]] = {half_bits: [] for half_bits in sizes}
    with pinned_to({bench.cores.measured}):
        for _ in range(rounds):
            for half_bits in sizes:
                times[half_bits].append(generate(half_bits))
                bench.progress.step()
    pairs = {half_bits: [_time_pair(half_bits) for _ in range(rounds)] for half_bits in sizes}
    results = {half_bits: _results(half_bits, times[half_bits]) for half_bits in sizes}
    chart = Chart(
        GROUP,
        "seconds",
        tuple(f"{half_bits}-bit halves" for half_bits in sizes),
        {title: tuple(results[half_bits][place] for half_bits in sizes) for place, title in enumerate(_LINES.values())},
    )
    both = [_pair_results(half_bits, times[half_bits], pairs[half_bits]) for half_bits in sizes]
    return Outcome([result for each in (*results.values(), *both) for result in each], charts=(chart,))


def generate(half_bits: int) -> Times:
    """Make one joint key, and throw it away."""
    start = time.perf_counter()
    client = make_signing_share(Role.CLIENT, half_bits)
    client_done = time.perf_counter()
    server = make_signing_share(Role.SERVER, half_bits)
    server_done = time.perf_counter()
    exchange(client, server)
    return Times(client_done - start, server_done - client_done, time.perf_counter() - server_done)


def exchange(client: SigningShare, server: SigningShare) -> None:
    """Run both parties' steps between their shares and the joint key."""
    engine, random = Gmpy2Engine(), secrets.token_bytes
    commitment = commit_to_share(client, random)
    terms = GenerationTerms(new_key_id(), client.purpose, client.public.half_bits, commitment.commitment)
    roots = answer_commitment(terms, server, engine, random)
    opening = open_commitment(commitment, terms, server.public.to_bytes(), roots, engine, random)
    check_opening(terms, server.public, opening.modulus, opening.nonce, opening.roots)


def _time_pair(half_bits: int) -> float:
    """Make both shares as an agent does; return the seconds."""
    start = time.perf_counter()
    make_shares([*Purpose], half_bits)
    return time.perf_counter() - start


def _pair_results(half_bits: int, times: list[Times], pairs: list[float]) -> list[Result]:
    apart = tuple(each.client_share + each.server_share for each in times)
    return [
        Result(f"pair_generation_apart_{half_bits}", f"{half_bits}: one after the other", PAIR, "s", apart),
        Result(f"pair_generation_{half_bits}", f"{half_bits}: at once", PAIR, "s", tuple(pairs)),
    ]


def _results(half_bits: int, times: list[Times]) -> list[Result]:
    samples = (
        tuple(each.total for each in times),
        tuple(seconds for each in times for seconds in (each.client_share, each.server_share)),
        tuple(each.exchange for each in times),
    )
    return [
        Result(f"{name}_{half_bits}", f"{half_bits}: {title}", GROUP, "s", seconds)
        for (name, title), seconds in zip(_LINES.items(), samples, strict=True)
    ]
