"""What an announcement costs a guard among few live sources, and among many; and the memory that they take.

A process for each number of the plan has a guard's intake over a real database: ``bench.load.guard``. In each round
both take in announcements of their live sources, one after the other: what disturbs the machine disturbs both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Final

from bench.context import Bench
from bench.harness.cores import pinned_to
from bench.harness.results import Aim, Chart, Outcome, Ratio, Result
from bench.harness.timing import rotated
from bench.load.guard import FILLED_AT_A_TIME, Taken
from bench.rig.worker import Worker

GROUP: Final = "Announcements taken in by the guard, among so many live sources; one core"
AIM: Final = Aim(1.2, at_most=True)
MEMORY: Final = Aim(1024, at_most=True)
_MEBIBYTE: Final = 1 << 20
_KINDS: Final[Sequence[tuple[str, str, Callable[[Taken], float]]]] = (
    ("time", "time", lambda taken: 1e6 * taken.seconds / taken.count),
    ("cpu", "processor time", lambda taken: 1e6 * taken.processor_seconds / taken.count),
)


def run(bench: Bench) -> Outcome:
    """Measure every number of live sources of the plan."""
    plan = bench.plan
    if not plan.live_sources:
        return Outcome()
    fillings = sum(-(-sources // FILLED_AT_A_TIME) for sources in plan.live_sources)
    bench.progress.begin("announcements among many sources", fillings + len(plan.live_sources) * (1 + plan.load_rounds))
    with ExitStack() as stack, pinned_to({bench.cores.measured}):
        guards = {
            sources: stack.enter_context(
                Worker(
                    "bench.load.guard",
                    str(bench.workspace / f"sources-{sources}"),
                    str(sources),
                    str(plan.announcements),
                )
            )
            for sources in plan.live_sources
        }
        taken = _measure(bench, guards)
    return _outcome(taken)


def _measure(bench: Bench, guards: dict[int, Worker]) -> dict[int, list[Taken]]:
    """By number of sources what was taken in each round."""
    for sources, guard in guards.items():
        while Taken(**guard.work()).live < sources:
            bench.progress.step()
        guard.work()  # warm-up
        bench.progress.step()
    taken: dict[int, list[Taken]] = {sources: [] for sources in guards}
    for turn in range(bench.plan.load_rounds):
        for sources in rotated(list(guards), turn):
            taken[sources].append(Taken(**guards[sources].work()))
            bench.progress.step()
    return taken


def _outcome(taken: dict[int, list[Taken]]) -> Outcome:
    few, many = min(taken), max(taken)
    results, ratios, series = list[Result](), list[Ratio](), dict[str, tuple[Result, ...]]()
    for kind, what, microseconds in _KINDS:
        by_sources = {
            sources: Result(
                f"sources_{sources}_{kind}",
                f"{sources:,} live sources: {what}",
                GROUP,
                "µs",
                tuple(microseconds(each) for each in samples),
            )
            for sources, samples in taken.items()
        }
        ratio = Ratio.between(
            f"sources_{kind}",
            f"An announcement among {many:,} live sources over among {few:,}: {what}",
            by_sources[many],
            by_sources[few],
            AIM,
        )
        results += by_sources.values()
        series[what] = tuple(by_sources.values())
        ratios.append(ratio)
    memory = [
        Result(
            f"sources_{sources}_memory",
            f"{sources:,} live sources: memory of the process",
            GROUP,
            "MiB",
            (samples[-1].resident_bytes / _MEBIBYTE,),
            aim=MEMORY,
        )
        for sources, samples in taken.items()
    ]
    chart = Chart(GROUP, "µs for an announcement", tuple(f"{sources:,} live" for sources in taken), series)
    return Outcome([*results, *memory], ratios, [chart])
