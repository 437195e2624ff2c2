"""A process that does the same piece of work whenever it is told."""

from __future__ import annotations

import json
import subprocess
import sys
from types import TracebackType
from typing import Any, Self

from bench.errors import BenchFailed
from bench.rig.command import environment


class Worker:
    """``python -m MODULE ARGUMENTS``, for as long as the context lasts.

    Args:
        module: answers each line on its standard input by one line of JSON.
        arguments: its.
    """

    def __init__(self, module: str, *arguments: str) -> None:
        self._command = [sys.executable, "-m", module, *arguments]

    def __enter__(self) -> Self:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(self._command, stdin=pipe, stdout=pipe, text=True, env=environment())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    def work(self) -> dict[str, Any]:
        """Once; what it says of it."""
        if self._process.stdin is not None:
            self._process.stdin.write("\n")
            self._process.stdin.flush()
        line = self._process.stdout.readline() if self._process.stdout is not None else ""
        if not line:
            raise BenchFailed("a worker has ended; its last words stand above")
        said: dict[str, Any] = json.loads(line)
        return said
