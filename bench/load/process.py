"""The load generator as its starter sees it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Collection, Sequence
from types import TracebackType
from typing import IO, Self

from bench.errors import BenchFailed
from bench.harness.cores import pinned_to
from bench.load.orders import Answer, Order

_GONE = "the load generator has ended; its last words stand above"


class LoadProcess:
    """A load generator, for as long as the context lasts.

    Args:
        module: what to run: "bench.load" or "bench.load.agent".
        arguments: its arguments.
        cores: where it runs, with all its threads.
    """

    def __init__(self, module: str, arguments: Sequence[str], cores: Collection[int]) -> None:
        command = [sys.executable, "-m", module, *arguments]
        with pinned_to(cores):
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _pipe(self._process.stdin).close()
        self._process.wait()
        _pipe(self._process.stdout).close()

    def carry_out(self, order: Order) -> Answer:
        """Have an order carried out, and wait for it.

        Raises:
            BenchFailed: a call failed, and the load generator has ended; why stands on standard error.
        """
        stdin, stdout = _pipe(self._process.stdin), _pipe(self._process.stdout)
        try:
            stdin.write(order.to_line())
            stdin.flush()
        except BrokenPipeError:
            raise BenchFailed(_GONE) from None
        line = stdout.readline()
        if not line:
            raise BenchFailed(_GONE)
        return Answer.from_line(line)


def _pipe(pipe: IO[str] | None) -> IO[str]:
    if pipe is None:
        raise ValueError("the process was started without pipes")
    return pipe
