"""A run, from its first look at the machine to its files: the same for every kind of run."""

from __future__ import annotations

import gc
import os
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from bench.context import Bench
from bench.harness.cores import divide_cores
from bench.harness.document import Run, to_document, write_document
from bench.harness.machine import ProcessorTimes, describe_machine
from bench.harness.markdown import to_markdown
from bench.harness.plot import draw
from bench.harness.progress import Progress
from bench.harness.report import print_machine, print_report
from bench.harness.results import Outcome
from bench.plan import Plan

RESULTS = Path(__file__).resolve().parent / "results"
Scenario = Callable[[Bench], Outcome]


def run_scenarios(kind: str, plan: Plan, scenarios: Sequence[Scenario], console: Console) -> tuple[Run, Outcome]:
    """Describe the machine and run the scenarios one after the other, in a folder that is removed afterwards.

    Args:
        kind: name of this kind of run, for the report.
        plan: how much to measure.
        scenarios: what to measure, in order.
        console: where to show machine and progress.
    """
    machine, cores, before = describe_machine(), divide_cores(os.sched_getaffinity(0)), ProcessorTimes.now()
    started, outcome = datetime.now(UTC), Outcome()
    print_machine(console, machine, cores.describe())
    gc.freeze()  # what is loaded now stays: collecting garbage before every slice then takes no time
    with tempfile.TemporaryDirectory(prefix="fourseal-bench-") as folder, Progress(console) as progress:
        for scenario in scenarios:
            outcome += scenario(Bench(plan, cores, progress, Path(folder)))
    after = ProcessorTimes.now()
    run = Run(
        kind=kind,
        plan=plan.name,
        started=started,
        finished=datetime.now(UTC),
        machine=machine,
        pinning=cores.describe(),
        others_processor_seconds=after.others_since(before),
        stolen_processor_seconds=after.stolen_since(before),
    )
    return run, outcome


def publish(folder: Path, stem: str, run: Run, outcome: Outcome, console: Console) -> None:
    """Print the report and write it to ``folder`` as ``stem``.md, beside it ``stem``.json and ``stem``.png."""
    print_report(console, run, outcome)
    report, document, picture = (folder / f"{stem}.{kind}" for kind in ("md", "json", "png"))
    write_document(document, to_document(run, outcome))
    draw(picture, run, outcome)
    report.write_text(to_markdown(run, outcome, document.name, picture.name), encoding="utf-8")
    console.print(f"\nThe report with its plots: {report}", highlight=False, soft_wrap=True)
    console.print(f"For programs: {document}", highlight=False, soft_wrap=True)
