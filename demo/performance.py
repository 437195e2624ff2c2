"""One performance on a stage of its own, from its title to its exit status."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable
from dataclasses import dataclass

from demo.interrupts import Interrupts
from demo.show import Show
from demo.stage import AttackSucceeded, CommandFailed, Stage
from mpc.errors import FoursealError

_INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Performance:
    """What is played.

    Args:
        program: as it is called.
        description: of its help.
        title, below: the first lines.
        held: the last line, if every step held.
        play: the steps; raises at the first that does not hold.
        stage: where it is played.
    """

    program: str
    description: str
    title: str
    below: str
    held: str
    play: Callable[[Show, Stage], None]
    stage: type[Stage] = Stage

    def run(self) -> int:
        """Play, and return the exit status: 0 only if every step held."""
        parser = argparse.ArgumentParser(prog=self.program, description=self.description)
        parser.add_argument("--keep", action="store_true", help="leave the folder with all files there at the end")
        keep = parser.parse_args().keep
        interrupts = Interrupts()
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # a terminal that cannot show a tick is no reason to fail
        show = Show()
        show.title(self.title, self.below)
        try:
            with self.stage(interrupts, keep=keep) as stage:
                held = self._perform(show, stage)
                if keep:
                    show.say(
                        f"Everything is kept in {stage.folder}; the commands above run there. Remove it when done."
                    )
        except KeyboardInterrupt:
            show.end("Interrupted. What was started was stopped, and the folder removed.", held=False)
            return _INTERRUPTED
        return 0 if held else 1

    def _perform(self, show: Show, stage: Stage) -> bool:
        failure = ""
        try:
            self.play(show, stage)
        except (CommandFailed, AttackSucceeded, FoursealError) as error:
            failure = str(error)
        show.table()
        if failure:
            show.end(f"Did not hold: {failure}", held=False)
        else:
            show.end(self.held, held=True)
        return not failure
