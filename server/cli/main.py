"""The commands, and the one place where an operator's errors become text and exit status.

What a command needs is imported by it: ``run`` starts fast without tables, ``agents`` without gRPC.
"""

# ruff: noqa: PLC0415, FBT002  # imports inside functions, see above; flags are booleans

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Optional

import typer

from mpc.errors import FoursealError
from server.cli import guard_commands, ledger_commands, organisation_commands, outpost_commands, registration_commands
from server.cli.options import HomeOption, JsonOption, PageSizeOption, PageTokenOption, ReasonName
from server.cli.options import home_of as _home
from server.errors import OperatorError
from wire.collection import collect_rarely

app = typer.Typer(
    help="The Fourseal server: holds one half of every joint key.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

accounts_app = typer.Typer(help="List accounts; close, open and unlock them; see what happened to them.")
app.add_typer(accounts_app, name="accounts", invoke_without_command=True)

sessions_app = typer.Typer(help="List contract sessions; show one.")
app.add_typer(sessions_app, name="sessions", invoke_without_command=True)
contracts_app = typer.Typer(help="List contracts that are drafted; show one.")
app.add_typer(contracts_app, name="contracts", invoke_without_command=True)

transactions_app = typer.Typer(help="List transactions; show one; verify one.")
app.add_typer(transactions_app, name="transactions", invoke_without_command=True)

custody_app = typer.Typer(help="Show where key shares live; try them; list them.", no_args_is_help=True)
app.add_typer(custody_app, name="custody")

app.add_typer(registration_commands.ra_app, name="ra")
app.add_typer(registration_commands.authority_app, name="authority")
app.add_typer(organisation_commands.app, name="organisation")
app.add_typer(ledger_commands.app, name="ledger")
app.add_typer(guard_commands.app, name="guard")

app.add_typer(outpost_commands.media_app, name="media")
app.add_typer(outpost_commands.gateway_app, name="gateway")


def main() -> None:
    """Run the command line; exits with 0, 1 for a refusal, 2 for a wrong command."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # read when gRPC is imported: its lines are not of our log's form
    collect_rarely()
    try:
        app()
    except OperatorError as error:
        _fail(str(error), error.action)
    except FoursealError as error:
        _fail(str(error), "")
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output went away
        sys.exit(1)


@app.command()
def init(home: HomeOption = None, json: JsonOption = False) -> None:
    """Make what a server needs: configuration, master key, database, certificate authority. Keeps what is there."""
    from server.cli.setup import init as command

    command(_home(home), as_json=json)


@app.command()
def run(
    home: HomeOption = None,
    processes: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(min=1, max=64, help="Server processes on the same ports; as configured by default."),
    ] = None,
) -> None:
    """Serve until SIGTERM or SIGINT.

    When it serves, one line of JSON on standard output says where. The log goes to standard error, as JSON lines.
    """
    from server.cli.run import run as command

    command(_home(home), processes)


@app.command(hidden=True)
def process(home: HomeOption = None) -> None:
    """Serve as one of several processes. For the supervisor, which run is then."""
    from server.cli.run import run_process as command

    command(_home(home))


@app.command()
def doctor(home: HomeOption = None, json: JsonOption = False) -> None:
    """Check everything that the server needs, for real. Exit status 1 if something is wrong."""
    from server.cli.doctor import doctor as command

    command(_home(home), as_json=json)


@app.command()
def ticket(
    name: Annotated[str, typer.Argument(help="Name of the agent: 1 to 63 characters of [a-z0-9._-].")],
    home: HomeOption = None,
    out: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="File to write, which must not exist; standard output by default."),
    ] = None,
    hours: Annotated[float, typer.Option(min=0.01, max=24 * 30, help="How long the ticket works.")] = 24.0,
    reinstate: Annotated[bool, typer.Option("--reinstate", help="Even if the agent was revoked.")] = False,
) -> None:
    """Make a ticket by which a signer agent enrols, once. For a known agent: replaces its certificate."""
    from server.cli.agents import ticket as command

    command(_home(home), name, out, hours=hours, reinstate=reinstate)


@app.command()
def agents(home: HomeOption = None, json: JsonOption = False) -> None:
    """List the agents that were enrolled."""
    from server.cli.agents import agents as command

    command(_home(home), as_json=json)


@app.command()
def revoke(
    name: Annotated[str, typer.Argument(help="Name of the agent.")], home: HomeOption = None, json: JsonOption = False
) -> None:
    """Refuse an agent from now on. Works at once, also on a running server."""
    from server.cli.agents import revoke as command

    command(_home(home), name, as_json=json)


@app.command()
def keys(
    home: HomeOption = None,
    agent: Annotated[str, typer.Option(help="Of this agent only.")] = "",
    page_size: PageSizeOption = 100,
    page_token: PageTokenOption = "",
    json: JsonOption = False,
) -> None:
    """List joint keys, oldest first."""
    from server.cli.inspect import keys as command

    command(_home(home), agent, page_size, page_token, as_json=json)


@app.command()
def records(
    home: HomeOption = None,
    key: Annotated[str, typer.Option(help="Of this key only.")] = "",
    page_size: PageSizeOption = 100,
    page_token: PageTokenOption = "",
    json: JsonOption = False,
) -> None:
    """List what was asked and what was done, oldest first."""
    from server.cli.inspect import records as command

    command(_home(home), key, page_size, page_token, as_json=json)


@app.command()
def audit(home: HomeOption = None, json: JsonOption = False) -> None:
    """Find keys whose moduli share a prime: their generator repeats itself. Exit status 1 if there are any."""
    from server.cli.audit import audit as command

    command(_home(home), as_json=json)


@app.command()
def fsck(
    home: HomeOption = None,
    checkpoint: Annotated[
        list[Path] | None, typer.Option(help="File with a checkpoint that was kept elsewhere; may be repeated.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Check the log, the journal and all evidence from the stored bytes. Exit status 1 if anything was changed."""
    from server.cli.fsck import fsck as command

    command(_home(home), checkpoint or [], as_json=json)


AccountArgument = Annotated[str, typer.Argument(help="Name of the account.")]


@accounts_app.callback()
def accounts(context: typer.Context, home: HomeOption = None, json: JsonOption = False) -> None:
    """List accounts; close, open and unlock them; see what happened to them."""
    if context.invoked_subcommand is None:
        accounts_list(home, json=json)


@sessions_app.callback(invoke_without_command=True)
def sessions(context: typer.Context, home: HomeOption = None, json: JsonOption = False) -> None:
    """List contract sessions; show one."""
    if context.invoked_subcommand is None:
        sessions_list(home, json=json)


@sessions_app.command("list")
def sessions_list(
    home: HomeOption = None,
    page_size: PageSizeOption = 100,
    page_token: PageTokenOption = "",
    json: JsonOption = False,
) -> None:
    """List contract sessions, oldest first."""
    from server.cli.sessions import sessions as command

    command(_home(home), page_size, page_token, as_json=json)


@sessions_app.command("show")
def sessions_show(
    session_id: Annotated[str, typer.Argument(help="The session.")], home: HomeOption = None, json: JsonOption = False
) -> None:
    """Show one contract session and who is in it."""
    from server.cli.sessions import session as command

    command(_home(home), session_id, as_json=json)


@contracts_app.callback(invoke_without_command=True)
def contracts(context: typer.Context, home: HomeOption = None, json: JsonOption = False) -> None:
    """List contracts that are drafted; show one."""
    if context.invoked_subcommand is None:
        contracts_list(home, json=json)


@contracts_app.command("list")
def contracts_list(
    home: HomeOption = None,
    page_size: PageSizeOption = 100,
    page_token: PageTokenOption = "",
    json: JsonOption = False,
) -> None:
    """List contracts, oldest first."""
    from server.cli.contracts import contracts as command

    command(_home(home), page_size, page_token, as_json=json)


@contracts_app.command("show")
def contracts_show(
    contract_id: Annotated[str, typer.Argument(help="The contract.")], home: HomeOption = None, json: JsonOption = False
) -> None:
    """Show one contract, its parties, and what they did. What they wrote is not shown."""
    from server.cli.contracts import contract as command

    command(_home(home), contract_id, as_json=json)


TransactionArgument = Annotated[str, typer.Argument(help="The transaction.")]


@transactions_app.callback(invoke_without_command=True)
def transactions(context: typer.Context, home: HomeOption = None, json: JsonOption = False) -> None:
    """List transactions; show one; verify one."""
    if context.invoked_subcommand is None:
        transactions_list(home, json=json)


@transactions_app.command("list")
def transactions_list(
    home: HomeOption = None,
    page_size: PageSizeOption = 100,
    page_token: PageTokenOption = "",
    json: JsonOption = False,
) -> None:
    """List transactions, newest first."""
    from server.cli.transactions import transactions as command

    command(_home(home), page_size, page_token, as_json=json)


@transactions_app.command("show")
def transactions_show(transaction_id: TransactionArgument, home: HomeOption = None, json: JsonOption = False) -> None:
    """Show one transaction, and every step of it."""
    from server.cli.transactions import transaction as command

    command(_home(home), transaction_id, as_json=json)


@transactions_app.command("verify")
def transactions_verify(transaction_id: TransactionArgument, home: HomeOption = None, json: JsonOption = False) -> None:
    """Verify one transaction from its records in the log. Exit status 1 if anything does not hold."""
    from server.cli.transactions import verify as command

    command(_home(home), transaction_id, as_json=json)


@custody_app.command("status")
def custody_status(home: HomeOption = None, json: JsonOption = False) -> None:
    """Show where key shares live, and that it can be reached."""
    from server.cli.custody import status as command

    command(_home(home), as_json=json)


@custody_app.command("test")
def custody_test(home: HomeOption = None, json: JsonOption = False) -> None:
    """Try every key share and named key. Exit status 1 if one does not work, or should not be there."""
    from server.cli.custody import test as command

    command(_home(home), as_json=json)


@custody_app.command("list")
def custody_list(
    home: HomeOption = None,
    page_size: PageSizeOption = 100,
    page_token: PageTokenOption = "",
    json: JsonOption = False,
) -> None:
    """List key shares by name; after the last, what else is in the token, and the named keys."""
    from server.cli.custody import shares as command

    command(_home(home), page_size, page_token, as_json=json)


@accounts_app.command("list")
def accounts_list(
    home: HomeOption = None,
    page_size: PageSizeOption = 100,
    page_token: PageTokenOption = "",
    json: JsonOption = False,
) -> None:
    """List accounts, oldest first."""
    from server.cli.accounts import accounts as command

    command(_home(home), page_size, page_token, as_json=json)


@accounts_app.command("disable")
def accounts_disable(name: AccountArgument, home: HomeOption = None, json: JsonOption = False) -> None:
    """Close an account: its logins end, and nobody can log in. Works at once, also on a running server."""
    from server.cli.accounts import disable as command

    command(_home(home), name, as_json=json)


@accounts_app.command("enable")
def accounts_enable(name: AccountArgument, home: HomeOption = None, json: JsonOption = False) -> None:
    """Open an account that was closed."""
    from server.cli.accounts import enable as command

    command(_home(home), name, as_json=json)


@accounts_app.command("unlock")
def accounts_unlock(name: AccountArgument, home: HomeOption = None, json: JsonOption = False) -> None:
    """Forget the failures to log in to an account, which have locked it."""
    from server.cli.accounts import unlock as command

    command(_home(home), name, as_json=json)


@accounts_app.command("revoke")
def accounts_revoke(
    name: AccountArgument,
    reason: Annotated[ReasonName, typer.Option(help="Why.")] = "privilege_withdrawn",
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Revoke an account's pair of certificates. Holds at once; its keys can get others."""
    from server.cli.accounts import revoke as command

    command(_home(home), name, reason, as_json=json)


@accounts_app.command("events")
def accounts_events(
    name: Annotated[str, typer.Argument(help="Of this account only.")] = "",
    home: HomeOption = None,
    page_size: PageSizeOption = 100,
    page_token: PageTokenOption = "",
    json: JsonOption = False,
) -> None:
    """List what happened to accounts, oldest first."""
    from server.cli.accounts import events as command

    command(_home(home), name, page_size, page_token, as_json=json)


@app.command()
def crl(
    out: Annotated[Path, typer.Option(help="File to write, DER.")],
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Write the list of revoked certificates (X.509)."""
    from server.cli.publishing import crl as command

    command(_home(home), out, as_json=json)


@app.command()
def trust(
    out: Annotated[Path, typer.Option(help="Folder to write to; made if it is not there.")],
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Write what verifiers of evidence must know: the authority's certificate and the log's key."""
    from server.cli.publishing import trust as command

    command(_home(home), out, as_json=json)


def _fail(text: str, action: str) -> None:
    sys.stderr.write(f"Error: {text}\n" + (f"What to do: {action}\n" if action else ""))
    sys.exit(1)
