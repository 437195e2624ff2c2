"""The process that does raw RSA in a token and nothing else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Collection
from types import TracebackType
from typing import Self

from bench.errors import BenchFailed
from bench.harness.cores import pinned_to
from bench.rig.command import environment
from softhsm import LABEL, PIN, SoftToken


class BareToken:
    """See ``bench.peers.bare_token``; for as long as the context lasts.

    Args:
        token: where the keys are.
        cores: where it runs.
    """

    def __init__(self, token: SoftToken, cores: Collection[int]) -> None:
        with pinned_to(cores):
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bench.peers.bare_token", str(token.module), LABEL],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=environment(**token.variables),
            )
        self._tell(PIN)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    def processor_seconds(self, bits: int, operations: int) -> float:
        """Do so many operations; the processor time of all of them.

        Raises:
            BenchFailed: the process has ended.
        """
        self._tell(f"{bits} {operations}")
        line = self._process.stdout.readline() if self._process.stdout is not None else ""
        if not line:
            raise BenchFailed("the process at the token has ended; its last words stand above")
        return float(line)

    def _tell(self, line: str) -> None:
        if self._process.stdin is not None:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
