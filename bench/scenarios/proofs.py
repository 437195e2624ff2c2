"""Opening an entry of the log and proving it, in a real database: a thousand times the entries, twice the nodes.

What is measured is the log's part in ``GetEvidence`` and ``GetReceipt``, without gRPC: reading the entry, proving that
it is in the log, and that the log only grew. What it comes to among all that opening takes is ``opening``'s to say.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from functools import partial
from itertools import cycle

from bench.context import Bench
from bench.harness.cores import pinned_to
from bench.harness.results import Chart, Outcome, Result
from bench.harness.timing import Case, measure_rates
from bench.rig.filling import fill
from bench.rig.ground import new_ground
from contract.log_entry import LogEntry
from server.journal.log import LogReader
from server.root.ground import Ground

GROUP = "Transparency log in the database, one core"
_PLACES = 64  # different entries, in turns
_TITLES = {
    "open": "open an entry",
    "open_and_prove": "open an entry and prove it",
    "prove_growth": "prove that the log only grew",
}


def run(bench: Bench) -> Outcome:
    """Measure every size of the plan, in one log that grows."""
    plan, taken = bench.plan, dict[str, Result]()
    with new_ground(bench.workspace / "proofs") as ground:
        for size in plan.log_leaves:
            bench.progress.begin(f"database of {size} entries", len(_TITLES) * (plan.rounds + 1))
            fill(ground, size)
            with pinned_to({bench.cores.measured}):
                cases = list(_cases(ground, size))
                taken |= measure_rates(GROUP, cases, plan.rounds, plan.slice_seconds, bench.progress.step)
    chart = Chart(
        GROUP,
        "operations a second",
        tuple(f"{size} entries" for size in plan.log_leaves),
        {title: tuple(taken[f"{name}_{size}"] for size in plan.log_leaves) for name, title in _TITLES.items()},
    )
    return Outcome(tuple(taken.values()), (), (chart,))


def _cases(ground: Ground, size: int) -> Iterator[Case]:
    reader, read = LogReader(ground.log_key.verifier), ground.database.read_now
    places = cycle([secrets.randbelow(size) for _ in range(_PLACES)])

    def opened() -> None:
        LogEntry.from_der(read(partial(reader.entry, index=next(places))))

    def proven() -> None:
        index = next(places)
        LogEntry.from_der(read(partial(reader.entry, index=index)))
        read(partial(reader.receipt, index=index)).to_bytes()

    def grown() -> None:
        read(partial(reader.consistency, old_size=next(places), new_size=size))

    for name, operation in (("open", opened), ("open_and_prove", proven), ("prove_growth", grown)):
        yield Case(f"{name}_{size}", f"{size} entries: {_TITLES[name]}", operation)
