"""The commands."""

# ruff: noqa: FBT002  # flags are booleans

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from terminal.cli.options import HomeOption, JsonOption, TransactionArgument, with_terminal
from terminal.cli.payment import pay, show_transaction
from terminal.home import Home
from terminal.terminal import enrol_terminal
from wire.client.command_line import run_commands
from wire.client.named_files import read_file
from wire.client.output import OUTPUT
from wire.client.ticket import MAX_TICKET_BYTES, Ticket
from wire.client.transaction_text import show_transactions
from wire.client.version import VERSION

app = typer.Typer(
    help="A terminal: proposes transactions, has a signing device show them, and brings what was confirmed there.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command line; exits as ``run_commands`` does."""
    run_commands(lambda: app)


def _show_version(value: bool) -> None:  # noqa: FBT001  # typer calls it so
    if value:
        typer.echo(f"fourseal-terminal {VERSION}")
        raise typer.Exit


@app.callback()
def _options(
    *,
    version: Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show it.")] = False,
) -> None:
    """Take the options that stand before a command."""


@app.command()
def enrol(
    ticket: Annotated[Path, typer.Option("--ticket", help="The ticket, from the server's operator.")],
    home: HomeOption = None,
    json: JsonOption = False,  # noqa: ARG001  # see its callback
) -> None:
    """Get a certificate of a server, by a ticket that works once. A new ticket replaces the certificate."""
    parsed = Ticket.parse(read_file(ticket, MAX_TICKET_BYTES, "a ticket"), str(ticket), datetime.now(UTC))
    identity, secret = asyncio.run(enrol_terminal(Home.find(home), parsed))
    OUTPUT.show(
        {
            "agent_id": identity.agent_id,
            "server": identity.server_address,
            "enrolment_server": parsed.enrolment_server,
            "revocation_secret": secret.to_text(),
        },
        [
            ("Enrolled as", identity.agent_id),
            ("Server", identity.server_address),
            ("Revocation secret", secret.to_text()),
            ("To be used at", parsed.enrolment_server),
        ],
    )
    OUTPUT.note(
        "Write the revocation secret down now: it is shown this once. It blocks this terminal from any machine."
    )


app.command()(pay)


@app.command()
def show(
    transaction: TransactionArgument,
    home: HomeOption = None,
    json: JsonOption = False,  # noqa: ARG001  # see its callback
) -> None:
    """Show how a transaction of this terminal stands, and how to go on with it."""
    show_transaction(with_terminal(home, lambda terminal: terminal.get(transaction)))


@app.command("list")
def list_transactions(
    home: HomeOption = None,
    json: JsonOption = False,  # noqa: ARG001  # see its callback
) -> None:
    """List the transactions of this terminal at the back end, newest first."""
    show_transactions(with_terminal(home, lambda terminal: terminal.all()))


@app.command()
def refuse(
    transaction: TransactionArgument,
    home: HomeOption = None,
    json: JsonOption = False,  # noqa: ARG001  # see its callback
) -> None:
    """Take a transaction back that is not confirmed yet."""
    show_transaction(with_terminal(home, lambda terminal: terminal.refuse(transaction)))
