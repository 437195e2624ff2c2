"""Opening an entry of the log and proving it, in a real database: a thousand times the entries, twice the nodes.

The log is filled by its own appender, in large commits. What is measured is what the server does for ``GetEvidence``
and ``GetReceipt``, without gRPC: reading the entry, proving that it is in the log, and that the log only grew.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from functools import partial
from itertools import cycle

from bench.context import Bench
from bench.harness.cores import pinned_to
from bench.harness.results import Aim, Chart, Outcome, Ratio, Result
from bench.harness.timing import Case, measure_rates
from bench.rig.ground import new_ground
from contract.log_entry import EntryKind, LogEntry
from server.clock import system_clock
from server.journal.log import LogReader, stage
from server.root.ground import Ground

GROUP = "Transparency log in the database, one core"
_PLACES = 64  # different entries, in turns
_BODY_BYTES = 200  # of an operation
_AT_A_TIME = 20_000
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
            _fill(ground, size)
            with pinned_to({bench.cores.measured}):
                cases = list(_cases(ground, size))
                taken |= measure_rates(GROUP, cases, plan.rounds, plan.slice_seconds, bench.progress.step)
    chart = Chart(
        GROUP,
        "operations a second",
        tuple(f"{size} entries" for size in plan.log_leaves),
        {title: tuple(taken[f"{name}_{size}"] for size in plan.log_leaves) for name, title in _TITLES.items()},
    )
    least, most = min(plan.log_leaves), max(plan.log_leaves)
    few, many = taken[f"open_and_prove_{least}"].samples, taken[f"open_and_prove_{most}"].samples
    ratio = Ratio(
        "proofs_many_over_few",
        f"Opening and proving: rate with {most} entries over rate with {least}",
        tuple(slow / fast for slow, fast in zip(many, few, strict=True)),
        Aim(0.5),
    )
    return Outcome(tuple(taken.values()), (ratio,), (chart,))


def _fill(ground: Ground, size: int) -> None:
    """Let the log grow to that size."""
    body, reader = secrets.token_bytes(_BODY_BYTES), LogReader(ground.log_key.verifier)
    reached = ground.database.read_now(reader.size)
    while reached < size:
        count = min(size - reached, _AT_A_TIME)
        _append(ground, body, count)
        reached += count


def _append(ground: Ground, body: bytes, count: int) -> None:
    """One commit with so many entries."""
    now = system_clock()
    ground.database.write_now(
        lambda connection: [stage(connection, EntryKind.OPERATION, body, now) for _ in range(count)]
    )


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
