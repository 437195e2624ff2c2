"""Our programs as processes that have imported everything before they start.

Nine tenths of what a command computes, and a server until it serves, are imports: 0.3 and 0.6 s, several hundred times
in a run of the tests. So they are forked from a process of the standard library's (``multiprocessing``, forkserver)
that has imported ``tests.preloaded`` and nothing more: no thread, no use of gRPC. What is forked has a process id,
arguments, an environment, streams, signals and an exit status of its own, as any process. Programs that are started as
users start them run where the README is followed, in demos that are interrupted, at terminals, and wherever a process
of ours starts another.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from importlib import import_module
from multiprocessing import connection
from multiprocessing.reduction import DupFd
from pathlib import Path
from typing import Any, Final, Protocol

from tests.cheap import make_what_is_cheap

NAMES: Final = {"signer_agent.cli": "fourseal", "server.cli": "fourseal-server", "terminal.cli": "fourseal-terminal"}
"""What our programs are called, by their modules."""

_CONTEXT: Final = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.preloaded", __name__])
_ONE_AT_A_TIME: Final = threading.Lock()
"""Whatever starts a process asks after all others too, and an exit status can be read once."""


class _Passed(Protocol):
    """A file descriptor on its way into another process."""

    def detach(self) -> int: ...


class Forked:
    """A process that runs ``main`` of a module.

    Args:
        program: the module: ``server.cli``, ``signer_agent.cli``, or a test's own.
        arguments: behind the program's name.
        environment: all of its variables.
        streams: file descriptors of its standard input, output and error; they stay the caller's.
        folder: its working folder; None: the caller's.
        cheap: whether key stores that it makes cost little; others than forked programs and tests refuse them.
    """

    def __init__(
        self,
        program: str,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        streams: tuple[int, int, int],
        folder: Path | None = None,
        *,
        cheap: bool = False,
    ) -> None:
        passed = _Streams(streams)
        given = (program, list(arguments), dict(environment), folder or Path.cwd(), cheap, passed)
        self._process = _CONTEXT.Process(target=_become, args=given, daemon=True)  # ends with us at the latest
        with _ONE_AT_A_TIME:
            self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid
        self.sentinel = self._process.sentinel
        """Ready, for ``multiprocessing.connection.wait``, when it has ended."""

    def poll(self) -> int | None:
        """The exit status, negative for a signal; None while it runs."""
        with _ONE_AT_A_TIME:
            return self._process.exitcode

    def wait(self, timeout: float) -> int:
        """Wait until it has ended; returns the exit status."""
        connection.wait([self._process.sentinel], timeout)
        status = self.poll()
        if status is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout)
        return status

    def send_signal(self, number: int) -> None:
        """Send it a signal; none if it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


def run(
    program: str,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    *,
    stdin: bytes = b"",
    seconds: float = 120,
    cheap: bool = False,
) -> subprocess.CompletedProcess[bytes]:
    """Run a program to its end; arguments as for ``Forked``."""
    files = [os.memfd_create(name) for name in ("stdin", "stdout", "stderr")]
    try:
        os.write(files[0], stdin)
        os.lseek(files[0], 0, os.SEEK_SET)
        process = Forked(program, arguments, environment, (files[0], files[1], files[2]), cheap=cheap)
        try:
            status = process.wait(seconds)
        finally:
            process.kill()
        out, err = (os.pread(file, os.fstat(file).st_size, 0) for file in files[1:])
    finally:
        for file in files:
            os.close(file)
    return subprocess.CompletedProcess([program, *arguments], status, out, err)


class _Streams:
    """Three file descriptors that go along when a process starts."""

    def __init__(self, streams: tuple[int, int, int]) -> None:
        self._streams = streams

    def __reduce__(self) -> tuple[Any, ...]:
        return tuple, ([DupFd(stream) for stream in self._streams],)


def _become(
    program: str,
    arguments: list[str],
    environment: dict[str, str],
    folder: Path,
    cheap: bool,  # noqa: FBT001  # all are passed on as they are
    streams: tuple[_Passed, ...],
) -> None:
    """In the fork: take the place of what it was forked from."""
    for number, stream in enumerate(streams):
        passed = stream.detach()
        os.dup2(passed, number)
        os.close(passed)
    sys.stdin, sys.stdout = open(0, closefd=False), open(1, "w", closefd=False)  # noqa: SIM115  # as long as we live
    sys.stderr = open(2, "w", 1, errors="backslashreplace", closefd=False)  # noqa: SIM115
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    if path := environment.get("PYTHONPATH"):  # as Python does when it starts: the demo sets a clock back by it
        sys.path[:0] = path.split(os.pathsep)
        import_module("sitecustomize")
    if cheap:
        make_what_is_cheap()
    sys.argv = [NAMES.get(program, program), *arguments]
    try:
        import_module(program).main()
    finally:
        atexit._run_exitfuncs()  # multiprocessing leaves that out
