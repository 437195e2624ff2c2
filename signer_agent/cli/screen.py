"""All of a terminal's screen, drawn line by line, with keys as they are pressed: what the signing device shows.

The alternate screen has no memory: what was drawn cannot be scrolled back to, and is wiped at the end.
"""

from __future__ import annotations

import asyncio
import os
import signal
import termios
import tty
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Final, Self, TextIO

from signer_agent.signing_device.wording import visible

RESIZED: Final = "resized"
"""What comes instead of a key when the window has another size."""
ESCAPE: Final = "\x1b"
"""The key."""

_ENTER: Final = "\x1b[?1049h\x1b[?25l\x1b[2J"
_LEAVE: Final = "\x1b[2J\x1b[?25h\x1b[?1049l"
_HOME: Final = "\x1b[H"
_REST_OF_LINE: Final = "\x1b[0m\x1b[K"
_REST: Final = "\x1b[J"
_STYLES: Final = {"": "", "head": "\x1b[7m", "strong": "\x1b[1m", "blocks": "\x1b[97;40m"}
_SEQUENCES: Final = {
    "\x1b[C": "forward",
    "\x1b[B": "forward",
    "\x1b[6~": "forward",
    "\x1b[D": "back",
    "\x1b[A": "back",
    "\x1b[5~": "back",
}
_READ_BYTES: Final = 1 << 10

Line = tuple[str, str]
"""A line, and its style: "", "head", "strong" or "blocks"."""


class Screen:
    """A terminal that belongs to this process between ``with`` and its end. Belongs to the running event loop.

    Args:
        terminal: file descriptor that keys are read from.
        out: where it is drawn.
    """

    def __init__(self, terminal: int, out: TextIO) -> None:
        self._terminal = terminal
        self._out = out
        self._before: Any = None
        self.keys = asyncio.Queue[str]()
        """Characters; "forward" and "back" for arrows and pages; RESIZED; empty at the end of input."""

    def __enter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._before = termios.tcgetattr(self._terminal)
        tty.setcbreak(self._terminal)
        loop.add_reader(self._terminal, self._read)
        loop.add_signal_handler(signal.SIGWINCH, self.keys.put_nowait, RESIZED)
        self._write(_ENTER)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_signal_handler(signal.SIGWINCH)
        loop.remove_reader(self._terminal)
        self._write(_LEAVE)
        termios.tcsetattr(self._terminal, termios.TCSADRAIN, self._before)

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines, as they are now."""
        columns, lines = os.get_terminal_size(self._terminal)
        return columns, lines

    def forget_keys(self) -> None:
        """Drop what was pressed and not taken yet: it was meant for something else."""
        termios.tcflush(self._terminal, termios.TCIFLUSH)
        while not self.keys.empty():
            self.keys.get_nowait()

    def draw(self, lines: Sequence[Line]) -> None:
        """Show these lines and nothing else; none may be wider than the screen, nor may there be more than fit."""
        drawn = (f"{_STYLES[style]}{visible(text)}{_REST_OF_LINE}" for text, style in lines)
        self._write(_HOME + "\n".join(drawn) + _REST)

    def _read(self) -> None:
        data = os.read(self._terminal, _READ_BYTES).decode(errors="replace")
        if not data:
            asyncio.get_running_loop().remove_reader(self._terminal)
        for key in _keys_of(data) if data else [""]:
            self.keys.put_nowait(key)

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()


def _keys_of(data: str) -> list[str]:
    keys = []
    while data:
        found = next((each for each in _SEQUENCES if data.startswith(each)), data[0])
        keys.append(_SEQUENCES.get(found, found))
        data = data[len(found) :]
    return keys
