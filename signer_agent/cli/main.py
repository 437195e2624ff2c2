"""The commands together, and the one place where errors become text and exit status."""

from __future__ import annotations

import io
import sys
import traceback
from typing import Annotated

import typer

from mpc.errors import FoursealError
from signer_agent.cli.commands import add_commands
from signer_agent.cli.output import OUTPUT
from signer_agent.version import VERSION
from wire.allocation import keep_freed_memory
from wire.catalogue import ServiceError
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
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a name that the terminal cannot show is no reason to fail
    keep_freed_memory()
    collect_rarely()
    try:
        _run()
    except FoursealError as error:
        OUTPUT.show_error(error)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output went away
        sys.stdout = None  # so that the interpreter does not try again at its end
    except OSError as error:
        OUTPUT.show_error(ServiceError("FILE_UNUSABLE", file="standard output", problem=error.strerror or "it failed"))
    except Exception as error:  # noqa: BLE001  # a fault of ours: its place without its text, which could quote a secret
        place = traceback.extract_tb(error.__traceback__)[-1]
        OUTPUT.note(f"{type(error).__qualname__} at {place.filename}:{place.lineno}")
        OUTPUT.show_error(ServiceError("UNEXPECTED"))
    sys.exit(1)


def _run() -> None:
    try:
        make_app(*sys.argv[1:2])()
    except SystemExit as end:
        sys.stdout.flush()
        if end.code == 0:
            raise
        sys.exit(end.code)
