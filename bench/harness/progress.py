"""Shows how far a run is. Draws between slices only: a thread that draws meanwhile would disturb what is timed."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars


class Progress:
    """A bar for each scenario on a terminal; elsewhere a line when each begins."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            auto_refresh=False,
            disable=not console.is_terminal,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def begin(self, title: str, steps: int) -> None:
        """Start the bar of the next piece of work."""
        self._task = self._bars.add_task(title, total=steps)
        if not self._console.is_terminal:
            self._console.print(title)

    def step(self) -> None:
        """Count one step of the piece of work that was begun last."""
        if self._task is not None:
            self._bars.advance(self._task)
            self._bars.refresh()
