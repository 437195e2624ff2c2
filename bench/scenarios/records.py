"""Verification of records of an organisation's key, offline, from an export: how many a second, and in how much memory.

Two exports, one with a tenth of the other's records: memory must not grow with them. Each is verified by a process of
its own, as ``fourseal audit verify`` does it; nothing is pinned. The statements are signed by joint keys with halves of
2048 bits.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Final

from bench.context import Bench
from bench.errors import BenchFailed
from bench.harness.results import Aim, Outcome, Ratio, Result
from bench.harness.timing import rotated
from bench.rig.export import make_exports, steps_of
from bench.rig.worker import Worker
from contract.report import Outcome as Verdict

GROUP: Final = "Offline verification of records of an organisation's key"
MEMORY_AIM: Final = Aim(1.2, at_most=True)
_PARTS: Final = 10
_MEBIBYTE: Final = 1 << 20


def run(bench: Bench) -> Outcome:
    """Verify exports as large as the plan says; the shorter one in turns with the whole."""
    records, rounds = bench.plan.exported_records, bench.plan.load_rounds
    if not records:
        return Outcome()
    bench.progress.begin(f"export of {records} records", steps_of(records) + 2 * rounds)
    folder = bench.workspace / "records"
    folder.mkdir()
    files = make_exports(folder, records, max(1, records // _PARTS), bench.progress.step)
    rates, fractions, peaks = list[float](), list[float](), dict[str, float]()
    with ExitStack() as stack:
        exports = {"whole": files.whole, "short": files.short}
        verifiers = {
            name: stack.enter_context(Worker("bench.load.export_verification", str(path), str(files.authority)))
            for name, path in exports.items()
        }
        for turn in range(rounds):
            for name in rotated(list(verifiers), turn):
                done = verifiers[name].work()
                _require_passed(done["outcome"])
                if name == "whole":
                    rates.append(done["records"] / done["seconds"])
                    fractions.append(done["processor_seconds"] / done["seconds"])
                peaks[name] = done["peak_bytes"] / _MEBIBYTE
                bench.progress.step()
    rate = Result("verify_records", f"{records} records", GROUP, "1/s", tuple(rates), tuple(fractions))
    memory = {
        name: Result(f"verify_records_peak_memory_{name}", f"highest resident memory, {what}", GROUP, "MiB", (peak,))
        for (name, peak), what in zip(
            sorted(peaks.items()), (f"{max(1, records // _PARTS)} records", f"{records} records"), strict=True
        )
    }
    flat = Ratio.between(
        "verify_records_memory_whole_over_short",
        "Memory for the records over that for a tenth of them",
        memory["whole"],
        memory["short"],
        MEMORY_AIM,
    )
    return Outcome((rate, *memory.values()), (flat,))


def _require_passed(outcome: str) -> None:
    if outcome != Verdict.PASSED:
        raise BenchFailed(f"the records do not hold: {outcome}")
