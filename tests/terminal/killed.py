"""``STEP ARGUMENT...``: a terminal's command that dies like kill -9 at step number STEP.

Steps are every file that comes to stand in the terminal's folder, and both sides of every call to back end and device.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from terminal import back_end
from terminal.cli import main as run_command
from terminal.device import Device

_left = 0


def step() -> None:
    """Count, and die if it is time."""
    global _left  # noqa: PLW0603
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)


def both_sides(call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """A call that is seen before and after."""

    async def watched(*arguments: Any) -> Any:  # noqa: ANN401
        step()
        answer = await call(*arguments)
        step()
        return answer

    return watched


def watch(event: str, _: tuple[Any, ...]) -> None:
    """See files, through the interpreter's audit events."""
    if event == "os.rename":
        step()


def main() -> None:
    """Do what the arguments say."""
    global _left  # noqa: PLW0603
    vars(back_end)["call_repeatedly"] = both_sides(vars(back_end)["call_repeatedly"])
    Device._call = both_sides(Device._call)  # type: ignore[assignment,method-assign]
    sys.addaudithook(watch)
    _left = int(sys.argv.pop(1))
    run_command()
