"""What it costs here to make something durable: records are acknowledged after fsync, and fsync differs by far."""

from __future__ import annotations

import os
import time
from pathlib import Path

from bench.harness.results import Result

_BLOCK = b"\0" * 4096  # a page of the database


def measure_fsync(folder: Path, rounds: int, group: str) -> Result:
    """Append a block to a file and wait until it is durable, time after time; return milliseconds of each."""
    path, milliseconds = folder / "fsync", []
    with path.open("wb", buffering=0) as file:
        for _ in range(rounds):
            start = time.perf_counter()
            file.write(_BLOCK)
            os.fsync(file.fileno())
            milliseconds.append(1000 * (time.perf_counter() - start))
    path.unlink()
    return Result("fsync", "4 KiB appended and made durable, no server", group, "ms", tuple(milliseconds))
