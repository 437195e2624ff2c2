"""The line that is typed while others appear above it, at a real terminal."""

from __future__ import annotations

import io
import os
import pty
import termios
from collections.abc import Iterator

import pytest

from signer_agent.cli.line_editor import LineEditor


class Screen(io.StringIO):
    """What was drawn since the last look."""

    def look(self) -> str:
        """Take it."""
        seen = self.getvalue()
        self.seek(0)
        self.truncate()
        return seen


@pytest.fixture
def terminal() -> Iterator[int]:
    """A terminal of 20 columns."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 20))
    yield theirs
    os.close(ours)
    os.close(theirs)


def test_line_is_drawn_again_below_what_comes(terminal: int) -> None:
    """Nothing that was typed is lost or mixed with it; the terminal is as it was afterwards."""
    screen, before = Screen(), termios.tcgetattr(terminal)
    with LineEditor(terminal, screen, "> ") as editor:
        assert editor.take(b"Hel") == ([], False)
        screen.look()
        editor.show("a message")
        assert screen.look() == "\r\x1b[Ka message\n\r\x1b[K> Hel"
        assert editor.take(b"lo\nnext") == (["Hello"], False)
        assert screen.look().endswith("> next")
    assert screen.look() == "\r\x1b[K"
    assert termios.tcgetattr(terminal) == before


@pytest.mark.parametrize(
    ("keys", "lines"),
    [
        (b"abc\x7f\x7fd\n", ["ad"]),
        (b"two words\x17one\n", ["twoone"]),
        (b"gone\x15here\n", ["here"]),
        (b"ab\x1b[Dc\x1b[3~d\n", ["abcd"]),
        ("gr\u00fc\u00dfe\n".encode(), ["gr\u00fc\u00dfe"]),
        (b"\n\n", ["", ""]),
        (b"a\x01\x02b\n", ["ab"]),
    ],
)
def test_keys(terminal: int, keys: bytes, lines: list[str]) -> None:
    """Erasing, words, other keys, other alphabets; also where a character comes in two pieces."""
    with LineEditor(terminal, Screen(), "> ") as editor:
        found = [line for key in keys for line in editor.take(bytes([key]))[0]]
    assert found == lines


def test_end_is_asked_for_on_an_empty_line(terminal: int) -> None:
    """Control-D, as in a shell."""
    with LineEditor(terminal, Screen(), "> ") as editor:
        assert editor.take(b"a\x04") == ([], False)
        assert editor.take(b"\x7f\x04") == ([], True)


def test_long_line_shows_its_end(terminal: int) -> None:
    """Within the terminal's width, so that it can be drawn again."""
    screen = Screen()
    with LineEditor(terminal, screen, "> ") as editor:
        editor.take(b"a line that is longer than twenty")
        assert screen.look().endswith("\r\x1b[K> onger than twenty")


def test_terminal_that_does_not_know_its_width_shows_the_line(terminal: int) -> None:
    """A serial line, a container: not one character of it alone."""
    termios.tcsetwinsize(terminal, (0, 0))
    screen = Screen()
    with LineEditor(terminal, screen, "> ") as editor:
        editor.take(b"a line")
        assert screen.look().endswith("\r\x1b[K> a line")
