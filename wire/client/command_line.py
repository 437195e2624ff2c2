"""The one place where errors of a command line become text and exit status."""

from __future__ import annotations

import io
import sys
import traceback
from collections.abc import Callable

from mpc.errors import FoursealError
from wire.catalogue import ServiceError
from wire.client.output import OUTPUT


def run_commands(make_app: Callable[[], Callable[[], None]]) -> None:
    """Run a command line; exits with 0, 1 for a refusal, 2 for a wrong command, 3 where nothing can be said.

    Args:
        make_app: makes the application, of typer.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a name that the terminal cannot show is no reason to fail
    try:
        _run(make_app)
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


def _run(make_app: Callable[[], Callable[[], None]]) -> None:
    try:
        make_app()()
    except SystemExit as end:
        sys.stdout.flush()
        if end.code == 0:
            raise
        sys.exit(end.code)
