"""``python -m bench.watermark.extent embed|extract FILE [OUT]``: a long contract, in a process of its own.

It prints one line of JSON: the seconds it took from file to file, and the highest resident memory.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchFailed
from bench.load.content import peak_bytes
from bench.rig.command import environment
from bench.watermark.marking import KEY, mark
from contract.watermark.documents import open_document
from contract.watermark.extraction import extract


@dataclass(frozen=True, slots=True)
class Extent:
    """What a piece of work took: seconds, and bytes of memory at the highest."""

    seconds: float
    peak_bytes: int


def measure(work: str, file: Path, made: Path | None = None) -> Extent:
    """Do a piece of work in a process of its own.

    Args:
        work: embed or extract.
        file: to work on.
        made: where a marked one goes.

    Raises:
        BenchFailed: it did not work.
    """
    command = [sys.executable, "-m", "bench.watermark.extent", work, str(file), *([str(made)] if made else [])]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment())
    if done.returncode:
        raise BenchFailed(f"{work} of a long contract failed: {done.stderr[-500:]}")
    return Extent(**json.loads(done.stdout))


def main() -> None:
    """Work."""
    work, file, *made = sys.argv[1:]
    began = time.monotonic()
    document = open_document(Path(file).read_bytes())
    if work == "embed":
        Path(made[0]).write_bytes(mark(document, (), 1).file)
    elif not extract(document, KEY).intact:
        raise BenchFailed("the watermark says that the text was altered")
    said = {"seconds": time.monotonic() - began, "peak_bytes": peak_bytes("self")}
    sys.stdout.write(json.dumps(said) + "\n")


if __name__ == "__main__":
    main()
