"""What the demo shows: steps in plain words, the commands that were run, and a table of steps with their times."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

_WIDTH = 100
_INDENT = 4


@dataclass(slots=True)
class Step:
    """One line of the table. ``outcome`` is what the step came to, for people; empty while it runs."""

    title: str
    seconds: float = 0.0
    outcome: str = ""
    held: bool = False


class Show:
    """Prints to the terminal, at most 100 columns wide; to a pipe without colours, as wide."""

    def __init__(self) -> None:
        on_terminal = sys.stdout.isatty()
        self._width = min(_WIDTH, Console().width) if on_terminal else _WIDTH
        self._console = Console(width=self._width, highlight=False, emoji=False)
        self.steps: list[Step] = []

    def title(self, text: str, below: str) -> None:
        """The first lines."""
        self._console.print()
        self._console.print(Text(text, style="bold"))
        self._console.print(Text(below))

    @contextmanager
    def step(self, title: str, *, is_attack: bool = False) -> Iterator[Step]:
        """Show a step, time it, and keep what became of it. An exception leaves it as failed, and goes on."""
        step = Step(title)
        self.steps.append(step)
        self._console.print()
        style = "bold red" if is_attack else "bold cyan"
        self._console.print(Rule(Text(f"{len(self.steps)}  {title}", style=style), align="left", style="dim"))
        started = time.perf_counter()
        try:
            yield step
            step.held = True
        finally:
            step.seconds = time.perf_counter() - started
            if not step.held:
                step.outcome = "FAILED"
            mark, colour = ("✓", "green") if step.held else ("✗", "red")
            self._lines(Text.assemble((f"{mark} {step.outcome} ", colour), (f"({step.seconds:.2f} s)", "dim")))

    def say(self, text: str) -> None:
        """A sentence or two, in plain words."""
        self._lines(Text(text))

    def command(self, arguments: Sequence[str], who: str = "") -> None:
        """A command as it was run, in a form that can be pasted into a shell, and who ran it."""
        room = self._width - _INDENT - len(who) - len("$  \\")
        lines = [""]
        for word in map(shlex.quote, arguments):
            if lines[-1] and len(lines[-1]) + 1 + len(word) > room:
                lines.append(word)
            else:
                lines[-1] = f"{lines[-1]} {word}".lstrip()
        prompt = f"{who}$ "
        for number, line in enumerate(lines):
            before = prompt if number == 0 else " " * len(prompt)
            after = " \\" if number < len(lines) - 1 else ""
            self._lines(Text.assemble((before, "dim"), (line + after, "bold")))

    def output(self, text: str) -> None:
        """What a command printed."""
        for line in text.strip().splitlines():
            self._lines(Text(line, style="dim"))

    def seen(self, evidence_server: str, media_server: str = "nothing") -> None:
        """What each server could see of a step."""
        self.views({"evidence server": evidence_server, "media server": media_server})

    def views(self, views: Mapping[str, str]) -> None:
        """What each party could see of a step, by party."""
        for who, what in views.items():
            self._lines(Text.assemble((f"{who} sees: ", "magenta"), what))

    def refusal(self, attempt: str, answer: str) -> None:
        """An attack's attempt, and how it was refused."""
        self._lines(Text(attempt))
        self._lines(Text.assemble(("refused: ", "yellow"), answer), more=2)

    def table(self) -> None:
        """All steps with their times."""
        table = Table(box=box.SIMPLE_HEAD, title="What was done", title_justify="left", title_style="bold", expand=True)
        table.add_column("", justify="right", no_wrap=True)
        table.add_column("step", no_wrap=True)
        table.add_column("result", ratio=1)
        table.add_column("seconds", justify="right", no_wrap=True)
        for number, step in enumerate(self.steps, start=1):
            colour = "green" if step.held else "red"
            table.add_row(
                str(number), escape(step.title), f"[{colour}]{escape(step.outcome)}[/]", f"{step.seconds:.2f}"
            )
        table.add_section()
        table.add_row("", "", "", f"{sum(step.seconds for step in self.steps):.2f}")
        self._console.print()
        self._console.print(table)

    def end(self, text: str, *, held: bool) -> None:
        """The last line."""
        self._console.print(Text(text, style="bold green" if held else "bold red"))

    def _lines(self, text: Text, more: int = 0) -> None:
        """Print a paragraph, indented and without spaces at the ends of lines."""
        indent = _INDENT + more
        for line in text.wrap(self._console, self._width - indent):
            line.rstrip()
            self._console.print(Text(" " * indent) + line, soft_wrap=True)
