"""Verification of a disclosure bundle, offline; beside it SHA-256 and AES-256-GCM of the same bytes, bare.

Bare is one digest and one sealing, on one thread. The format asks for two digests, of the content and of what it is
sealed to: that is measured too. The verification also checks the zip file's checksum, and uses two threads: where no
second core is free it cannot come near bare, for the two digests alone take longer. Each is a process of its own;
nothing is pinned.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Final

from bench.context import Bench
from bench.errors import BenchFailed
from bench.harness.results import Aim, Chart, Outcome, Ratio, Result
from bench.harness.timing import rotated
from bench.rig.bundle import BundleFiles, make_bundle
from bench.rig.worker import Worker
from contract.report import Outcome as Verdict

GROUP: Final = "Offline verification of a disclosure bundle"
AIM: Final = Aim(0.7)
MEMORY_AIM: Final = Aim(150, at_most=True)
_MEBIBYTE: Final = 1 << 20
_TITLES: Final = {
    "verify": "verification",
    "bare": "SHA-256 and AES-256-GCM, bare",
    "parts": "the same and the second SHA-256",
}


def run(bench: Bench) -> Outcome:
    """Verify a bundle as large as the plan says, in turns with the bare operations."""
    size, rounds = bench.plan.bundle_mebibytes, bench.plan.rounds
    bench.progress.begin(f"bundle of {size} MiB", 1 + len(_TITLES) * (rounds + 1))
    folder = bench.workspace / "verification"
    folder.mkdir()
    files = make_bundle(folder, size)
    bench.progress.step()
    seconds: dict[str, list[float]] = {role: [] for role in _TITLES}
    peak = 0.0
    with ExitStack() as stack:
        workers = {role: stack.enter_context(_worker(role, files)) for role in _TITLES}
        for turn in range(-1, rounds):
            for role in rotated(list(_TITLES), turn):
                done = workers[role].work()
                if role == "verify":
                    _require_passed(done["outcome"])
                    peak = done["peak_bytes"] / _MEBIBYTE
                if turn >= 0:  # what happens the first time only shall not count
                    seconds[role].append(done["seconds"])
                bench.progress.step()
    return _outcome(size, seconds, peak)


def _worker(role: str, files: BundleFiles) -> Worker:
    return Worker("bench.load.verification", role, str(files.archive), str(files.authority), files.log_key)


def _require_passed(outcome: str) -> None:
    if outcome != Verdict.PASSED:
        raise BenchFailed(f"the bundle does not hold: {outcome}")


def _outcome(size: int, seconds: dict[str, list[float]], peak: float) -> Outcome:
    rates = {
        role: Result(f"{role}_bundle", f"{size} MiB: {title}", GROUP, "MiB/s", tuple(size / each for each in times))
        for (role, title), times in zip(_TITLES.items(), seconds.values(), strict=True)
    }
    memory = Result("verify_bundle_peak_memory", "highest resident memory", GROUP, "MiB", (peak,), aim=MEMORY_AIM)
    ratios = (
        Ratio.between("verify_bundle_over_bare", "Verification over bare", rates["verify"], rates["bare"], AIM),
        Ratio.between(
            "verify_bundle_over_parts",
            "Verification over the same and the second",
            rates["verify"],
            rates["parts"],
            AIM,
        ),
    )
    chart = Chart(GROUP, "MiB/s", (f"{size} MiB",), {_TITLES[role]: (rate,) for role, rate in rates.items()})
    return Outcome((*rates.values(), memory), ratios, (chart,))
