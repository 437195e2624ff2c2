"""The commands together, and the one place where errors become text and exit status."""

from __future__ import annotations

import io
import sys
import traceback
from typing import Annotated

import typer

from mpc.errors import FoursealError
from signer_agent.cli import (
    accounts,
    agents,
    certificates,
    chat,
    contract_sessions,
    encryption,
    evidence,
    inbox,
    keys,
    log,
    messages,
    permissions,
    personal,
    setup,
    signatures,
    verify,
)
from signer_agent.cli.invocation import command
from signer_agent.cli.output import OUTPUT
from signer_agent.version import VERSION
from wire.allocation import keep_freed_memory
from wire.catalogue import ServiceError

app = typer.Typer(
    help="Fourseal: signs and decrypts together with a server that holds the other half of every key.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
passphrases = typer.Typer(help="The key store's passphrase.", no_args_is_help=True)
pins = typer.Typer(help="A PIN in the passphrase's place, which the server helps to try.", no_args_is_help=True)

command(app)(setup.init)
command(app)(setup.enrol)
app.add_typer(keys.app, name="key")
command(app)(signatures.sign)
command(app)(verify.verify)
command(app)(encryption.encrypt)
command(app)(encryption.decrypt)
command(app)(accounts.register)
command(app)(accounts.login)
command(app)(accounts.logout)
command(app)(accounts.logins)
app.add_typer(accounts.app, name="account")
app.add_typer(certificates.app, name="certificates")
app.add_typer(personal.app, name="certificate")
app.add_typer(certificates.contacts, name="contacts")
app.add_typer(contract_sessions.app, name="session")
command(app)(messages.send)
command(app)(inbox.inbox)
command(app)(inbox.show)
command(app)(messages.accept)
command(app)(messages.reject)
command(app)(messages.reply)
command(app)(inbox.outbox)
app.add_typer(evidence.app, name="evidence")
command(evidence.app)(permissions.permit)
command(evidence.app)(permissions.permissions)
command(evidence.app)(permissions.revoke)
command(evidence.app)(permissions.ask)
command(evidence.app)(permissions.requests)
command(evidence.app)(permissions.refuse)
command(app)(chat.chat)
app.add_typer(log.app, name="log")
app.add_typer(agents.app, name="agent")
command(passphrases, "change")(setup.change_passphrase)
app.add_typer(passphrases, name="passphrase")
command(pins, "set")(setup.set_pin)
app.add_typer(pins, name="pin")


def _show_version(value: bool) -> None:  # noqa: FBT001  # typer calls it so
    if value:
        typer.echo(f"fourseal {VERSION}")
        raise typer.Exit


@app.callback()
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
        app()
    except SystemExit as end:
        sys.stdout.flush()
        if end.code == 0:
            raise
        sys.exit(end.code)
