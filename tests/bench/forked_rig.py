"""The rig's processes, forked: of what each of them computes in so short a run, most would be imports."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from types import SimpleNamespace
from typing import IO, Any, Final

import pytest

from bench.load import process as load_rig
from bench.rig import agent as agent_rig
from bench.rig import bare as bare_rig
from bench.rig import bare_token as bare_token_rig
from bench.rig import outpost as outpost_rig
from bench.rig import server as server_rig
from bench.rig import worker as worker_rig
from bench.scenarios import content
from tests import forked
from tests.bench import as_program
from tests.cheap import cheap_stores
from tests.programs import NONE_AHEAD

_OPERATE: Final = (server_rig, outpost_rig, agent_rig)
_START: Final = (server_rig, outpost_rig, load_rig, worker_rig, bare_rig, bare_token_rig, content)
_SECONDS: Final = 120


@contextlib.contextmanager
def forked_rig() -> Iterator[None]:
    """Within it what the rig runs and starts is forked, and key stores cost little."""
    with ExitStack() as stack:
        stack.enter_context(cheap_stores())
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for rig in _OPERATE:
            patch.setattr(rig, "operate", _operate)
        for rig in _START:
            patch.setattr(rig, "subprocess", _SUBPROCESS)
        yield


def _operate(command: list[str], arguments: list[str], settings: dict[str, str]) -> str:
    done = forked.run(_program(command), arguments, settings, cheap=True)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


class _Popen:
    """What the rig uses of ``subprocess.Popen``."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        stdin: int,
        stdout: int,
        stderr: IO[bytes] | None = None,
        text: bool = False,
        env: dict[str, str] | None = None,
    ) -> None:
        assert stdin in (subprocess.PIPE, subprocess.DEVNULL)
        assert stdout == subprocess.PIPE
        theirs, ours = os.pipe()
        self.stdin: IO[Any] = os.fdopen(ours, "w" if text else "wb")
        if stdin == subprocess.DEVNULL:
            self.stdin.close()
        ours, written = os.pipe()
        self.stdout: IO[Any] = os.fdopen(ours, "r" if text else "rb")
        streams = (theirs, written, 2 if stderr is None else stderr.fileno())
        arguments = command[2:] if command[1] == "-m" else command[3:]
        environment = dict(os.environ if env is None else env) | NONE_AHEAD
        self._process = forked.Forked(_program(command), arguments, environment, streams, cheap=True)
        os.sched_setaffinity(self._process.pid, os.sched_getaffinity(0))
        for each in (theirs, written):
            os.close(each)
        self.pid = self._process.pid
        self.send_signal, self.kill = self._process.send_signal, self._process.kill

    def wait(self) -> int:
        return self._process.wait(_SECONDS)

    def communicate(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            self.stdin.close()
        self.stdout.read()
        self.stdout.close()
        self.wait()


_SUBPROCESS: Final = SimpleNamespace(Popen=_Popen, PIPE=subprocess.PIPE, DEVNULL=subprocess.DEVNULL)


def _program(command: Sequence[str]) -> str:
    """The module whose ``main`` runs it."""
    assert command[0] == sys.executable
    if command[1] == "-m":
        return as_program.__name__
    found = re.fullmatch(r"from ([\w.]+) import main; main\(\)", command[2])
    assert found, command
    return found[1]
