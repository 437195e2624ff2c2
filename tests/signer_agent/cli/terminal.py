"""A command at a terminal."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import termios
from pathlib import Path

from signer_agent.home import Home
from tests.signer_agent.cli.runner import Signer
from tests.signer_agent.real import COMMAND_SECONDS


class Terminal:
    """A command whose input and output are a terminal.

    Args:
        home: of the agent.
        arguments: of the command.
        size: columns and lines of the window; a terminal that does not know says 0.
    """

    def __init__(self, home: Home, *arguments: str | Path, size: tuple[int, int] = (0, 0)) -> None:
        self._ours, theirs = pty.openpty()
        self.resize(size)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("FOURSEAL_")}
        self._process = subprocess.Popen(
            [*Signer.PROGRAM, *map(str, arguments)],
            env=environment | {"FOURSEAL_HOME": str(home.folder), "TERM": "xterm", "COLUMNS": "120"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self.seen = ""
        self._looked = 0
        self.echoes = False
        """Whether the terminal, after the end, shows what is typed by itself, as a shell wants it."""

    def answer(self, question: str, text: str) -> None:
        """Wait for a question and type a line."""
        start = len(self.seen)
        while question not in self.seen[start:]:
            data = self._read()
            assert data, f"it ended before it asked: {self.seen!r}"
        os.write(self._ours, f"{text}\n".encode())

    def until(self, text: str) -> str:
        """Read until a text appears that was not read before; returns all that came with it."""
        while text not in self.seen[self._looked :]:
            data = self._read()
            assert data, f"it ended before {text!r} came: {self.seen!r}"
        begin, self._looked = self._looked, self.seen.index(text, self._looked) + len(text)
        return self.seen[begin : self._looked]

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._ours, keys.encode())

    def resize(self, size: tuple[int, int]) -> None:
        """Give the window another size: columns and lines."""
        columns, lines = size
        termios.tcsetwinsize(self._ours, (lines, columns))

    def interrupt(self) -> None:
        """What Ctrl-C does."""
        self._process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """For a test that fails: leave nothing behind."""
        self._process.kill()
        self._process.wait()
        os.close(self._ours)

    def end(self) -> int:
        """Read all that is left; returns the exit status."""
        while self._read():
            pass
        self.echoes = bool(termios.tcgetattr(self._ours)[3] & termios.ECHO)
        os.close(self._ours)
        return self._process.wait()

    def _read(self) -> str:
        assert select.select([self._ours], [], [], COMMAND_SECONDS)[0], f"it says nothing more: {self.seen!r}"
        try:
            data = os.read(self._ours, 4096).decode(errors="replace")
        except OSError:  # the other end was closed
            return ""
        self.seen += data
        return data
