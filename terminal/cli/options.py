"""What every command has: the terminal's folder and ``--json``; and how a command gets at the terminal."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Optional, TypeVar

import typer

from terminal.home import HOME_VARIABLE, Home
from terminal.terminal import Terminal
from wire.client.output import OUTPUT

HomeOption = Annotated[
    Optional[Path],  # noqa: UP045  # typer reads it
    typer.Option(
        "--home",
        envvar=HOME_VARIABLE,
        help="The terminal's folder.",
        show_default="~/.local/share/fourseal-terminal",
    ),
]
TransactionArgument = Annotated[str, typer.Argument(metavar="TRANSACTION", help="As list names it.")]

_Result = TypeVar("_Result")


def _set_json(value: bool) -> None:  # noqa: FBT001  # typer calls it so
    OUTPUT.as_json = value


JsonOption = Annotated[
    bool,
    typer.Option("--json", callback=_set_json, help="For programs: JSON instead of text, errors too."),
]


def with_terminal(home: Path | None, work: Callable[[Terminal], Awaitable[_Result]]) -> _Result:
    """Open the terminal; returns what ``work`` does. Raises those of ``Terminal.open`` and ``work``."""

    async def opened() -> _Result:
        async with Terminal.open(Home.find(home)) as terminal:
            return await work(terminal)

    return asyncio.run(opened())
