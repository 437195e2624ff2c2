"""The commands together."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from signer_agent.cli.commands import add_commands
from wire.allocation import keep_freed_memory
from wire.client.command_line import run_commands
from wire.client.version import VERSION
from wire.collection import collect_rarely


def make_app(called: str = "") -> typer.Typer:
    """The command line; with all commands, or with the one that is called."""
    app = typer.Typer(
        help="Fourseal: signs and decrypts together with a server that holds the other half of every key.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    app.callback()(_options)
    add_commands(app, called)
    return app


def _show_version(value: bool) -> None:  # noqa: FBT001  # typer calls it so
    if value:
        typer.echo(f"fourseal {VERSION}")
        raise typer.Exit


def _options(
    *,
    version: Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show it.")] = False,
) -> None:
    """Take the options that stand before a command."""


def main() -> None:
    """Run the command line; exits with 0, 1 for a refusal, 2 for a wrong command, 3 where nothing can be said."""
    keep_freed_memory()
    collect_rarely()
    run_commands(lambda: make_app(*sys.argv[1:2]))
