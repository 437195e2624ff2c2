"""Where the demo plays: a temporary folder, the server's process, and the command lines run for each person.

Everything is the real thing, started as anybody would start it. What was started is stopped, and the folder removed,
whatever happens.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from demo.clocks import set_back
from demo.interrupts import Interrupts

_PROGRAMS = Path(sys.executable).parent
_CLOCK = Path(__file__).parent / "clock"
_STOP_SECONDS = 10
COMMAND_SECONDS: Final = 120
"""Time after which a command is taken for one that does not end."""
_MEDIA_HOST = "127.0.0.2"
SIGNER_CERTIFICATE_DAYS: Final = 365
"""Days for which the certificates of signers are valid."""


class CommandFailed(Exception):
    """A command that had to succeed did not."""


class AttackSucceeded(Exception):
    """What must not happen."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command printed, and whether it succeeded."""

    succeeded: bool
    printed: str


class Stage:
    """A folder with processes.

    Args:
        interrupts: wait while a process is started, and while all are stopped.
        keep: leave the folder there at the end.

    ``variables`` are added to the environment of everything that is started.
    """

    def __init__(self, interrupts: Interrupts, *, keep: bool) -> None:
        self._keep = keep
        self._interrupts = interrupts
        self._processes: list[subprocess.Popen[str]] = []
        self.folder = Path()
        self.relay_address = _free_address()
        self._server_address = "127.0.0.1:0"
        self._back = timedelta(0)
        self.variables: dict[str, str] = {}

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix="fourseal-demo-"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop_servers()
        with self._interrupts.held():
            if not self._keep:
                shutil.rmtree(self.folder)

    @contextmanager
    def set_back(self, by: timedelta) -> Iterator[None]:
        """Have the block play so long ago: by the clocks of this process, and of every one that is started."""
        self._back = by
        set_right = set_back(by)
        try:
            yield
        finally:
            set_right()
            self._back = timedelta(0)

    def _variables(self, **more: str) -> dict[str, str]:
        """The environment of a command: ours, our programs first, nothing of Fourseal's that was set outside."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith("FOURSEAL_")}
        if self._back:
            more |= {"PYTHONPATH": str(_CLOCK), "DEMO_SECONDS_BACK": f"{self._back.total_seconds():.0f}"}
        ours |= self.variables
        return {**ours, "PATH": f"{_PROGRAMS}{os.pathsep}{ours.get('PATH', os.defpath)}", **more}

    def run(
        self, arguments: Sequence[str], environment: Mapping[str, str] | None = None, *, live: bool = False
    ) -> Outcome:
        """Run a command in the folder and return what came of it.

        Args:
            arguments: the program and what it is given.
            environment: variables for it, beside those that every command gets.
            live: let it write standard error to the terminal, if there is one: its progress.

        Raises:
            CommandFailed: it cannot be started, or did not end.
        """
        process = self._start(
            arguments,
            self._variables(COLUMNS="94", **environment or {}),
            stderr=None if live and sys.stderr.isatty() else subprocess.STDOUT,
        )
        try:
            printed, _ = process.communicate(timeout=COMMAND_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise CommandFailed(f"{arguments[0]} did not end") from error
        return Outcome(process.returncode == 0, printed)

    def must(
        self, arguments: Sequence[str], environment: Mapping[str, str] | None = None, *, live: bool = False
    ) -> str:
        """Run a command that has to succeed, and return what it printed. See ``run``.

        Raises:
            CommandFailed: it did not.
        """
        outcome = self.run(arguments, environment, live=live)
        if not outcome.succeeded:
            raise CommandFailed(f"{' '.join(arguments)} failed:\n{outcome.printed}")
        return outcome.printed

    def start_server(self, home: str) -> dict[str, str]:
        """Start a server on a free port, the same each time, and return what it says of itself once it serves.

        Args:
            home: its folder.

        Raises:
            CommandFailed: it ended before it served.
        """
        settings = {
            "FOURSEAL_LISTEN": self._server_address,
            "FOURSEAL_ENROLMENT_LISTEN": "127.0.0.1:0",
            "FOURSEAL_RELAY_ADDRESS": self.relay_address,
            "FOURSEAL_SIGNER_CERTIFICATE_DAYS": str(SIGNER_CERTIFICATE_DAYS),
        }
        serving = self.serve(["fourseal-server", "run", "--home", home], "server.log", settings)
        self._server_address = f"127.0.0.1:{serving['server'].rpartition(':')[2]}"  # agents know it
        return serving

    def stop_servers(self) -> None:
        """Stop every process that still runs."""
        with self._interrupts.held():
            for process in self._processes:
                self._stop(process)

    def start_media_server(self, home: str) -> dict[str, str]:
        """The same for a media server, at the address that the server was told. Raises as ``start_server``."""
        settings = {"FOURSEAL_LISTEN": self.relay_address}
        return self.serve(["fourseal-server", "media", "run", "--home", home], "media.log", settings)

    def serve(self, command: Sequence[str], log_name: str, settings: Mapping[str, str]) -> dict[str, str]:
        """Start a program that serves until the end, and return what it says of itself once it does.

        Args:
            command: the program and what it is given.
            log_name: of the file for what it writes to standard error.
            settings: variables for it, beside those that every command gets.

        Raises:
            CommandFailed: it ended before it served.
        """
        log = self.folder / log_name
        with log.open("ab") as file:
            server = self._start(command, self._variables(**settings), stderr=file)
        assert server.stdout is not None  # noqa: S101  # by the pipe asked for
        said = ""
        for line in server.stdout:
            said += line
            if line.endswith("}\n"):  # one object, in a line or in several
                return dict(json.loads(said))
        raise CommandFailed(f"{command[0]} did not start:\n{log.read_text(encoding='utf-8')}")

    def _start(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        stderr: IO[bytes] | int | None,
        stdin: int = subprocess.DEVNULL,
    ) -> subprocess.Popen[str]:
        try:
            with self._interrupts.held():
                process = subprocess.Popen(
                    arguments,
                    cwd=self.folder,
                    env=environment,
                    stdin=stdin,
                    stdout=subprocess.PIPE,
                    stderr=stderr,
                    text=True,
                    start_new_session=True,  # Ctrl-C ends the demo, and the demo ends what it started
                )
                self._processes.append(process)
        except OSError as error:
            raise CommandFailed(f"{arguments[0]} cannot be started: {error.strerror}") from error
        return process

    def _stop(self, process: subprocess.Popen[str]) -> None:
        if process.poll() is not None:
            return
        process.terminate()
        try:
            process.communicate(timeout=_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _free_address() -> str:
    """Where the media server will listen: an address that is no name of the evidence server's."""
    with socket.socket() as probe:
        probe.bind((_MEDIA_HOST, 0))
        return f"{_MEDIA_HOST}:{probe.getsockname()[1]}"
