"""What a run writes: the document, the tables, the picture."""

from __future__ import annotations

import dataclasses
import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.harness.document import Run, to_document, write_document
from bench.harness.machine import ProcessorTimes, describe_machine, file_system_of
from bench.harness.markdown import to_markdown
from bench.harness.report import print_machine, print_report
from bench.harness.results import Aim, Chart, Curves, Outcome, Ratio, Result
from bench.harness.tables import HOW_TO_READ, format_value
from bench.session import publish
from tests.bench.plans import silent_console

FAST = Result("fast", "the fast one", "Speed", "1/s", (10.0, 12.0, 11.0), (1.0, 0.5, 0.9))
SLOW = Result("slow", "the slow one", "Speed", "1/s", (5.0, 6.0, 5.5))
BIG = Result("big", "the big one", "Memory", "MiB", (201.0,), aim=Aim(200, at_most=True))
OUTCOME = Outcome(
    [FAST, SLOW, BIG],
    [
        Ratio.between("fast_over_slow", "fast over slow", FAST, SLOW, aim=Aim(1.5)),
        Ratio.between("slow_over_fast", "slow over fast", SLOW, FAST, aim=Aim(0.9)),
    ],
    [
        Chart("Speed", "1/s", ("only",), {"fast": (FAST,), "slow": (SLOW,)}),
        Curves("Memory", "calls", (1.0, 2.0), {"MiB": (50.0, 51.0)}),
    ],
    ["Nothing was disturbed."],
)


@pytest.fixture(name="run")
def make_run() -> Run:
    """A run of ten seconds in which others took one."""
    return Run(
        kind="bench",
        plan="tiny",
        started=datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC),
        finished=datetime(2026, 11, 22, 12, 0, 10, tzinfo=UTC),
        machine=describe_machine(),
        pinning="everything somewhere",
        others_processor_seconds=1.0,
        stolen_processor_seconds=0.25,
    )


def test_document_has_machine_results_and_flat_ratios(run: Run, tmp_path: Path) -> None:
    """Everything that a program needs, with the samples themselves; ratios are plain numbers by name."""
    path = tmp_path / "new" / "latest.json"
    write_document(path, to_document(run, OUTCOME))
    document = json.loads(path.read_text(encoding="utf-8"))
    assert set(document) == {
        "format", "kind", "plan", "started", "finished", "machine", "pinning", "noise", "results", "ratios",
        "ratio_details", "remarks",
    }  # fmt: skip
    assert document["ratios"] == {"fast_over_slow": 2.0, "slow_over_fast": 0.5}
    assert document["ratio_details"]["fast_over_slow"]["samples"] == [2.0, 2.0, 2.0]
    assert document["results"][0] == {
        "name": "fast",
        "title": "the fast one",
        "group": "Speed",
        "unit": "1/s",
        "samples": [10.0, 12.0, 11.0],
        "processor_fraction": [1.0, 0.5, 0.9],
        "median": 11.0,
        "lower_quartile": 10.5,
        "upper_quartile": 11.5,
        "aim": None,
    }
    assert document["results"][2]["aim"] == {"value": 200, "at_most": True, "reached": False}
    assert document["ratio_details"]["fast_over_slow"]["aim"] == {"value": 1.5, "at_most": False, "reached": True}
    assert document["machine"]["usable_cores"] == sorted(os.sched_getaffinity(0))
    assert document["noise"]["disturbance"] == pytest.approx(0.1 / run.machine.cores)
    assert [file.name for file in path.parent.iterdir()] == ["latest.json"]


def test_document_refuses_what_is_no_number(run: Run, tmp_path: Path) -> None:
    """JSON has no infinity, and a report with one would be read by nobody."""
    broken = Outcome([dataclasses.replace(FAST, samples=(float("inf"),))])
    with pytest.raises(ValueError, match="JSON"):
        write_document(tmp_path / "latest.json", to_document(run, broken))
    assert not (tmp_path / "latest.json").exists()


def test_report_shows_figures_verdicts_and_noise(run: Run) -> None:
    """A person sees medians, which aims were reached, and how disturbed the machine was."""
    console = silent_console()
    print_machine(console, run.machine, run.pinning)
    print_report(console, run, OUTCOME)
    text = console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO
    for expected in (
        "everything somewhere",
        "the fast one",
        "11.00",
        ">= 1.5",
        "reached",
        "<= 200",
        "Nothing was disturbed.",
        "10 s",
    ):
        assert expected in text
    assert text.count("missed") == 2


def test_much_noise_is_called_much(run: Run) -> None:
    """Who reads figures of a busy machine is told not to."""
    console = silent_console()
    busy = dataclasses.replace(run, others_processor_seconds=0.5 * 10 * run.machine.cores)
    print_report(console, busy, OUTCOME)
    assert "repeat it on a quiet machine" in console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO


def test_run_is_published_as_report_document_and_picture(run: Run, tmp_path: Path) -> None:
    """All files, under the name of the kind of run. A person is told where the report is; it leads to the others."""
    console = silent_console()
    publish(tmp_path, "latest", run, OUTCOME, console)
    assert str(tmp_path / "latest.md") in console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO
    report = (tmp_path / "latest.md").read_text(encoding="utf-8")
    linked = re.findall(r"\]\((.*?)\)", report)
    assert linked == ["latest.json", "latest.png"]
    assert all((tmp_path / name).is_file() for name in linked)
    assert (tmp_path / "latest.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert json.loads((tmp_path / "latest.json").read_text(encoding="utf-8"))["plan"] == "tiny"


def test_run_without_charts_is_published_too(run: Run, tmp_path: Path) -> None:
    """A scenario may have figures alone; its picture then says of which run."""
    outcome = dataclasses.replace(OUTCOME, charts=[], ratios=[])
    publish(tmp_path, "alone", run, outcome, silent_console())
    assert (tmp_path / "alone.png").read_bytes().startswith(b"\x89PNG")


def test_markdown_has_machine_figures_and_verdicts(run: Run) -> None:
    """The same that stands on the terminal, in tables whose rows all have the columns of their heading."""
    report = to_markdown(run, OUTCOME, "latest.json", "latest.png")
    for expected in (
        "| the fast one | 11.00 | 1/s | 10.50 - 11.50 | 9.1% | 3 | 90% |",
        "| the big one | 201.0 | MiB |  |  | 1 |  | <= 200 | missed |",
        "| fast over slow | 2.000 | 2.000 - 2.000 | 3 | >= 1.5 | reached |",
        f"| kernel | {run.machine.kernel} |",
        "| pinned | everything somewhere |",
        "- Nothing was disturbed.",
        "- The run took 10 s.",
        HOW_TO_READ,
    ):
        assert expected in report
    tables = [part.splitlines() for part in re.findall(r"(?:^\|.*\n)+", report, re.MULTILINE)]
    assert [len({row.count("|") for row in table}) for table in tables] == [1] * 4


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0123456, "0.0123"),
        (1.0, "1.000"),
        (9.9999, "10.000"),
        (123.456, "123.5"),
        (98765.4, "98,765"),
        (-2.5, "-2.500"),
    ],
)
def test_numbers_are_written_for_people(value: float, text: str) -> None:
    """Some four digits, never an exponent."""
    assert format_value(value) == text


def test_file_system_is_that_of_the_nearest_mount() -> None:
    """What fsync costs depends on it."""
    assert file_system_of(Path("/proc/self")) == "proc"


def test_own_work_is_not_taken_for_noise() -> None:
    """What this process computes does not count as others' time, and the counters never run backwards."""
    before = ProcessorTimes.now()
    sum(range(3_000_000))
    after = ProcessorTimes.now()
    assert after.ours > before.ours
    assert 0 <= after.others_since(before) <= after.everybody - before.everybody
    assert after.stolen_since(before) >= 0
