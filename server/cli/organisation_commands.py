"""The commands ``organisation``. What they need is imported by each, as in ``main``."""

# ruff: noqa: PLC0415, FBT002

from __future__ import annotations

from typing import Annotated, Literal

import typer

from server.cli.options import HomeOption, JsonOption, PageSizeOption, PageTokenOption, home_of

app = typer.Typer(
    help="Register organisations; make keys for them in custody; ask for certificates; say who administers them.",
    no_args_is_help=True,
)
administrator = typer.Typer(help="Say which accounts administer an organisation.", no_args_is_help=True)
app.add_typer(administrator, name="administrator")

NameArgument = Annotated[str, typer.Argument(help="Name of the organisation: 1 to 63 characters of [a-z0-9._-].")]


@app.command()
def add(
    name: NameArgument,
    display_name: Annotated[str, typer.Option(help="What people call it; stands in its certificates.")],
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Register an organisation."""
    from server.cli.organisations import add as command

    command(home_of(home), name, display_name, as_json=json)


@app.command("list")
def list_all(
    home: HomeOption = None,
    page_size: PageSizeOption = 100,
    page_token: PageTokenOption = "",
    json: JsonOption = False,
) -> None:
    """List organisations, oldest first."""
    from server.cli.organisations import organisations as command

    command(home_of(home), page_size, page_token, as_json=json)


@app.command()
def show(name: NameArgument, home: HomeOption = None, json: JsonOption = False) -> None:
    """Show an organisation, its administrators, its keys, and their certificates."""
    from server.cli.organisations import show as command

    command(home_of(home), name, as_json=json)


@app.command()
def key(
    name: NameArgument,
    purpose: Annotated[Literal["sign", "decrypt"], typer.Option(help="The one thing that it will do.")],
    kind: Annotated[
        Literal["rsa-3072", "rsa-4096", "ecdsa-p256", "ecdsa-p384"],
        typer.Option(help="Algorithm and size; only RSA keys decrypt."),
    ],
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Make a key for an organisation, in the token or in the database, as custody is configured."""
    from server.cli.organisations import key as command

    command(home_of(home), name, purpose, kind, as_json=json)


@app.command()
def request(
    key: Annotated[str, typer.Argument(help="The key, as organisation show names it.")],
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Ask for a certificate of a key. It waits for officers, as others do: ra approve."""
    from server.cli.organisations import request as command

    command(home_of(home), key, as_json=json)


@app.command()
def policy(
    name: NameArgument,
    approvals: Annotated[int, typer.Option(help="How many administrators must approve a grant.")],
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Say how many administrators must approve each grant that is asked for from now on."""
    from server.cli.administrators import policy as command

    command(home_of(home), name, approvals, as_json=json)


AccountArgument = Annotated[str, typer.Argument(help="Name of an account.")]


@administrator.command("add")
def add_administrator(
    name: NameArgument, account: AccountArgument, home: HomeOption = None, json: JsonOption = False
) -> None:
    """Let an account decide about grants of an organisation's keys, and see all records of their use."""
    from server.cli.administrators import add as command

    command(home_of(home), name, account, as_json=json)


@administrator.command("remove")
def remove_administrator(
    name: NameArgument, account: AccountArgument, home: HomeOption = None, json: JsonOption = False
) -> None:
    """Take that from an account, at once. What it approved before stays approved."""
    from server.cli.administrators import remove as command

    command(home_of(home), name, account, as_json=json)


@administrator.command("list")
def list_administrators(name: NameArgument, home: HomeOption = None, json: JsonOption = False) -> None:
    """List the accounts that administer an organisation."""
    from server.cli.administrators import administrators as command

    command(home_of(home), name, as_json=json)
