"""The machine-readable report: one JSON document a run.

::

    {"format": 2, "kind": "bench", "plan": "full", "started": ..., "finished": ..., "machine": {...}, "noise": {...},
     "results": [{"name", "title", "group", "unit", "samples", "median", "lower_quartile", "upper_quartile",
                  "processor_fraction", "aim"}],
     "ratios": {name: median}, "ratio_details": {name: {"title", "samples", "median", ..., "aim"}}, "remarks": [...]}

An aim is null, or {"value", "at_most", "reached"}: the median is wanted to be at least, or at most, that value.
Times are ISO 8601, UTC. ``ratios`` is flat, for programs that watch it.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bench.harness.machine import Machine
from bench.harness.results import Outcome, Ratio, Result
from bench.harness.statistics import Summary

FORMAT = 2


@dataclass(frozen=True, slots=True)
class Run:
    """The circumstances of a run.

    Args:
        kind: "bench", "soak" or "padding-oracle".
        plan: name of the plan.
        started, finished: UTC.
        machine: as it was at the start.
        pinning: which core did what, for people.
        others_processor_seconds: what other processes and the host took of all cores during the run.
        stolen_processor_seconds: the host's part of that.
    """

    kind: str
    plan: str
    started: datetime
    finished: datetime
    machine: Machine
    pinning: str
    others_processor_seconds: float
    stolen_processor_seconds: float

    @property
    def seconds(self) -> float:
        """How long the run took."""
        return (self.finished - self.started).total_seconds()

    @property
    def disturbance(self) -> float:
        """Part of the time of all cores that was taken by others, 0 to 1."""
        return self.others_processor_seconds / (self.seconds * self.machine.cores)


def to_document(run: Run, outcome: Outcome) -> dict[str, object]:
    """Make the document of a run."""
    return {
        "format": FORMAT,
        "kind": run.kind,
        "plan": run.plan,
        "started": run.started.isoformat(),
        "finished": run.finished.isoformat(),
        "machine": run.machine.as_dict(),
        "pinning": run.pinning,
        "noise": {
            "others_processor_seconds": run.others_processor_seconds,
            "stolen_processor_seconds": run.stolen_processor_seconds,
            "disturbance": run.disturbance,
        },
        "results": [_result(result) for result in outcome.results],
        "ratios": {ratio.name: ratio.summary.median for ratio in outcome.ratios},
        "ratio_details": {ratio.name: _ratio(ratio) for ratio in outcome.ratios},
        "remarks": list(outcome.remarks),
    }


def write_document(path: Path, document: dict[str, object]) -> None:
    """Write the document as JSON, in one step: a reader sees the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
        json.dump(document, file, indent=1, allow_nan=False)
        file.write("\n")
    Path(file.name).replace(path)


def _result(result: Result) -> dict[str, object]:
    return {
        "name": result.name,
        "title": result.title,
        "group": result.group,
        "unit": result.unit,
        "samples": list(result.samples),
        "processor_fraction": list(result.processor_fraction),
        "aim": _aim(result),
        **_summary(result.summary),
    }


def _ratio(ratio: Ratio) -> dict[str, object]:
    return {"title": ratio.title, "samples": list(ratio.samples), "aim": _aim(ratio), **_summary(ratio.summary)}


def _aim(figure: Result | Ratio) -> dict[str, object] | None:
    if figure.aim is None:
        return None
    reached = figure.aim.is_reached(figure.summary.median)
    return {"value": figure.aim.value, "at_most": figure.aim.at_most, "reached": reached}


def _summary(summary: Summary) -> dict[str, object]:
    return {
        "median": summary.median,
        "lower_quartile": summary.lower_quartile,
        "upper_quartile": summary.upper_quartile,
    }
