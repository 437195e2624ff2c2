"""The transparency log's tree: growing, proving and verifying, with the nodes in memory.

A real store adds its own reads and writes. What shows here is that a thousand times the leaves make twice the levels,
and that proofs cost twice as much.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from itertools import cycle

from bench.context import Bench
from bench.harness.cores import pinned_to
from bench.harness.results import Chart, Outcome, Result
from bench.harness.timing import Case, measure_rates
from transparency.frontier import Frontier, frontier_from
from transparency.hashing import HASH_BYTES, hash_leaf
from transparency.nodes import NodeId
from transparency.proofs import consistency_proof, inclusion_proof
from transparency.verification import verify_consistency, verify_inclusion

GROUP = "Transparency log, nodes in memory, one core"
_PLACES = 64  # different leaves and earlier sizes, in turns
_TITLES = {
    "append": "append a leaf",
    "append_100": "append 100 leaves at once",
    "prove": "make an inclusion proof",
    "verify": "verify one",
    "prove_growth": "make a consistency proof",
    "verify_growth": "verify one of those",
}


class Levels(Mapping[NodeId, bytes]):
    """All nodes of a tree, side by side by level: a million leaves take 64 MiB."""

    def __init__(self, leaf_hashes: bytes) -> None:
        self._levels = [bytearray() for _ in range(64)]
        self.frontier = Frontier()
        for begin in range(0, len(leaf_hashes), HASH_BYTES):
            growth = self.frontier.append([leaf_hashes[begin : begin + HASH_BYTES]])
            self.frontier = growth.frontier
            for node, value in growth.nodes.items():
                self._levels[node.level] += value

    def __getitem__(self, node: NodeId) -> bytes:
        begin = node.position * HASH_BYTES
        return bytes(self._levels[node.level][begin : begin + HASH_BYTES])

    def __iter__(self) -> Iterator[NodeId]:
        widths = [len(level) // HASH_BYTES for level in self._levels]
        return (NodeId(level, position) for level, width in enumerate(widths) for position in range(width))

    def __len__(self) -> int:
        return sum(len(level) // HASH_BYTES for level in self._levels)


def run(bench: Bench) -> Outcome:
    """Measure every size of the plan."""
    plan = bench.plan
    taken: dict[str, Result] = {}
    for leaves in plan.log_leaves:
        cases = merkle_cases(leaves)
        bench.progress.begin(f"log of {leaves} leaves", len(cases) * (plan.rounds + 1))
        with pinned_to({bench.cores.measured}):
            taken |= measure_rates(GROUP, cases, plan.rounds, plan.slice_seconds, bench.progress.step)
    chart = Chart(
        GROUP,
        "operations a second",
        tuple(f"{leaves} leaves" for leaves in plan.log_leaves),
        {title: tuple(taken[f"{name}_{leaves}"] for leaves in plan.log_leaves) for name, title in _TITLES.items()},
    )
    return Outcome(tuple(taken.values()), (), (chart,))


def merkle_cases(leaves: int) -> list[Case]:
    """Return the cases for a tree of so many leaves."""
    hashes = secrets.token_bytes(leaves * HASH_BYTES)
    nodes = Levels(hashes)
    frontier, root = nodes.frontier, nodes.frontier.root
    batch = [hash_leaf(secrets.token_bytes(HASH_BYTES)) for _ in range(100)]
    places = [secrets.randbelow(leaves) for _ in range(_PLACES)]
    shown = cycle([(nodes[NodeId(0, place)], place, inclusion_proof(place, leaves, nodes)) for place in places])
    grown = cycle(
        [(place, frontier_from(place, nodes).root, consistency_proof(place, leaves, nodes)) for place in places]
    )
    asked = cycle(places)

    def verify() -> None:
        leaf_hash, place, proof = next(shown)
        verify_inclusion(leaf_hash, place, leaves, proof, root)

    def verify_growth() -> None:
        size, old_root, proof = next(grown)
        verify_consistency(size, leaves, old_root, root, proof)

    operations = {
        "append": lambda: frontier.append(batch[:1]),
        "append_100": lambda: frontier.append(batch),
        "prove": lambda: inclusion_proof(next(asked), leaves, nodes),
        "verify": verify,
        "prove_growth": lambda: consistency_proof(next(asked), leaves, nodes),
        "verify_growth": verify_growth,
    }
    return [Case(f"{name}_{leaves}", f"{leaves} leaves: {_TITLES[name]}", made) for name, made in operations.items()]
