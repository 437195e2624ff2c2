"""What every scenario is given."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.harness.cores import Cores
from bench.harness.progress import Progress
from bench.plan import Plan


@dataclass(frozen=True, slots=True)
class Bench:
    """The surroundings of a scenario.

    Args:
        plan: how much to measure.
        cores: which core does what.
        progress: where to tell how far it is.
        workspace: a folder for files that are thrown away; the server keeps its records there.
    """

    plan: Plan
    cores: Cores
    progress: Progress
    workspace: Path
