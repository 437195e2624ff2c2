"""A line that is being typed while other lines appear above it: for terminals, without threads.

The terminal hands over every key at once; this module echoes, and knows what has been typed so far. So a message that
comes meanwhile is printed in its place, and the line below it is drawn again.
"""

from __future__ import annotations

import codecs
import os
import termios
import tty
from types import TracebackType
from typing import Any, Final, Self, TextIO

from rich.cells import cell_len

_CLEAR: Final = "\r\x1b[K"
_ENTER: Final = "\r\n"
_BACKSPACE: Final = "\b\x7f"
_END: Final = "\x04"
_ERASE_LINE: Final = "\x15"
_ERASE_WORD: Final = "\x17"
_ESCAPE: Final = "\x1b"
_UNKNOWN_COLUMNS: Final = 80  # a serial line, a container: terminals that do not know how wide they are say 0


class LineEditor:
    """The line at the bottom of a terminal. Between ``with`` and its end the terminal belongs to it.

    Args:
        terminal: file descriptor that keys are read from.
        out: where it is drawn.
        prompt: what stands before what is typed.
    """

    def __init__(self, terminal: int, out: TextIO, prompt: str) -> None:
        self._terminal = terminal
        self._out = out
        self._prompt = prompt
        self._typed = ""
        self._in_escape = False
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._before: Any = None

    def __enter__(self) -> Self:
        self._before = termios.tcgetattr(self._terminal)
        tty.setcbreak(self._terminal)
        self._draw()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._write(_CLEAR)
        termios.tcsetattr(self._terminal, termios.TCSADRAIN, self._before)

    def show(self, text: str) -> None:
        """Print lines above the one that is being typed."""
        self._write(f"{_CLEAR}{text}\n")
        self._draw()

    def take(self, data: bytes) -> tuple[list[str], bool]:
        """Take keys.

        Returns:
            The lines that were finished, and whether the end was asked for.
        """
        lines = []
        for key in self._decoder.decode(data):
            if self._in_escape:  # arrow keys and the like: nothing that they could do here
                self._in_escape = not (key.isalpha() or key == "~")
            elif key in _ENTER:
                lines.append(self._typed)
                self._typed = ""
            elif key == _END and not self._typed:
                return lines, True
            else:
                self._edit(key)
        self._draw()
        return lines, False

    def _edit(self, key: str) -> None:
        if key in _BACKSPACE:
            self._typed = self._typed[:-1]
        elif key == _ERASE_LINE:
            self._typed = ""
        elif key == _ERASE_WORD:
            self._typed = self._typed.rstrip().rpartition(" ")[0]
        elif key == _ESCAPE:
            self._in_escape = True
        elif key.isprintable():
            self._typed += key

    def _draw(self) -> None:
        """Show the end of what was typed, as far as there is room for it."""
        columns = os.get_terminal_size(self._terminal).columns or _UNKNOWN_COLUMNS
        room = columns - 1 - cell_len(self._prompt)
        shown = self._typed
        while cell_len(shown) > max(room, 1):
            shown = shown[1:]
        self._write(f"{_CLEAR}{self._prompt}{shown}")

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()
