"""Two-party key generation over gRPC with everything on, by size.

The client makes its share on the other cores and the server its own on the measured one, each when its turn comes. As
without gRPC, the search for primes takes as long as luck will have it.
"""

from __future__ import annotations

import time

from bench.context import Bench
from bench.harness.cores import pinned_to
from bench.harness.results import Outcome, Result
from bench.rig.client import KeyMaker
from bench.rig.site import serving

GROUP = "Key generation over gRPC"


def run(bench: Bench) -> Outcome:
    """Make the plan's number of keys of each size, the sizes in turns."""
    sizes, rounds = bench.plan.grpc_generation_half_bits, bench.plan.generation_rounds
    if not sizes:
        return Outcome()
    bench.progress.begin("key generation over gRPC", len(sizes) * rounds)
    seconds: dict[int, list[float]] = {half_bits: [] for half_bits in sizes}
    with pinned_to(bench.cores.others), serving(bench, "grpc-generation") as site, KeyMaker(site.target) as maker:
        for _ in range(rounds):
            for half_bits in sizes:
                start = time.perf_counter()
                maker.generate(half_bits)
                seconds[half_bits].append(time.perf_counter() - start)
                bench.progress.step()
    return Outcome(
        [
            Result(f"grpc_generation_{half_bits}", f"{half_bits}: both parties", GROUP, "s", tuple(samples))
            for half_bits, samples in seconds.items()
        ]
    )
