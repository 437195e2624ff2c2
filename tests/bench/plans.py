"""A run that measures everything a little: for tests of the benchmark, not for figures."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from bench.context import Bench
from bench.harness.cores import divide_cores
from bench.harness.progress import Progress
from bench.plan import Plan

TINY = Plan(
    name="tiny",
    rounds=1,
    slice_seconds=0.001,
    engine_half_bits=(2048,),
    joint_half_bits=(2048,),
    generation_half_bits=(2048,),
    generation_rounds=1,
    grpc_half_bits=(2048,),
    grpc_other_engine_half_bits=(),
    grpc_generation_half_bits=(2048,),
    agent_half_bits=(2048,),
    agent_run=10,
    in_flight=(1, 4),
    batches=((1, 2),),
    load_rounds=1,
    load_seconds=0.01,
    custody_half_bits=(2048,),
    custody_batches=(1, 2),
    custody_seconds=0.01,
    outage_seconds=0.1,
    latency_half_bits=2048,
    latency_seconds=0.05,
    stored_keys=(3,),
    stored_sessions=(3,),
    sendings=1,
    content_mebibytes=3,
    content_rounds=1,
    content_half_bits=2048,
    envelopes=2,
    envelope_half_bits=(2048,),
    session_members=(2, 3),
    deposit_rounds=1,
    log_leaves=(5,),
    openings=1,
    bundle_mebibytes=3,
    exported_records=20,
    uses=2,
    uses_at_once=10,
    trusted_half_bits=2048,
    guesses=40,
    alarms=1,
    flood_seconds=0.02,
    live_sources=(3,),
    announcements=5,
    watermark_trials=1,
    watermark_foreign=6,
    watermark_change_step=300,
    watermark_pages=1,
)


def silent_console() -> Console:
    """A console that nobody sees; what was written is in its ``file``."""
    return Console(file=io.StringIO(), width=110)


def tiny_bench(workspace: Path, cores: set[int]) -> Bench:
    """The surroundings of a scenario, for ``TINY``."""
    return Bench(TINY, divide_cores(cores), Progress(silent_console()), workspace)
