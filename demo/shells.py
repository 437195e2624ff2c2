"""A stage on which each person's commands are run by one process of theirs, ``demo.shell``."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final

from demo.interrupts import Interrupts
from demo.stage import COMMAND_SECONDS, CommandFailed, Outcome, Stage

_PACKAGES: Final = {"fourseal": "signer_agent.cli", "fourseal-server": "server.cli"}
_ROOT: Final = Path(__file__).parent.parent

Person = tuple[str, str]
"""The program that somebody calls, and the key store that it uses; the operator has none."""


class Shells(Stage):
    """See ``Stage``. All commands of one person run in one process."""

    def __init__(self, interrupts: Interrupts, *, keep: bool) -> None:
        super().__init__(interrupts, keep=keep)
        self._shells: dict[Person, subprocess.Popen[str]] = {}

    def run(
        self, arguments: Sequence[str], environment: Mapping[str, str] | None = None, *, live: bool = False
    ) -> Outcome:
        """See there."""
        if arguments[0] not in _PACKAGES:
            return super().run(arguments, environment, live=live)
        variables = self._variables(COLUMNS="94", **environment or {})
        shell = self._shell_of((arguments[0], variables.get("FOURSEAL_HOME", "")))
        order = {
            "arguments": list(arguments),
            "environment": variables,
            "seconds_back": int(self._back.total_seconds()),
        }
        assert shell.stdin is not None  # noqa: S101  # by the pipes asked for
        assert shell.stdout is not None  # noqa: S101
        shell.stdin.write(f"{json.dumps(order)}\n")
        shell.stdin.flush()
        ready, _, _ = select.select([shell.stdout], [], [], COMMAND_SECONDS)
        if not ready or not (said := shell.stdout.readline()):
            raise CommandFailed(f"{arguments[0]} did not end")
        answer = json.loads(said)
        return Outcome(answer["status"] == 0, answer["printed"])

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._processes += self._shells.values()
        super().__exit__(kind, error, trace)

    def _shell_of(self, person: Person) -> subprocess.Popen[str]:
        if person not in self._shells:
            variables = {**os.environ, "PYTHONPATH": str(_ROOT)}
            command = [sys.executable, "-m", "demo.shell", _PACKAGES[person[0]]]
            self._shells[person] = self._start(command, variables, stderr=None, stdin=subprocess.PIPE)
            self._processes.remove(self._shells[person])  # it outlives servers that are stopped
        return self._shells[person]
