"""The commands ``ledger``. What they need is imported by each, as in ``main``."""

# ruff: noqa: PLC0415, FBT002

from __future__ import annotations

from typing import Annotated

import typer

from server.cli.options import HomeOption, JsonOption, PageSizeOption, PageTokenOption, home_of

app = typer.Typer(
    help="The ledger of confirmed transactions: open accounts, post to them, list entries, check that all adds up.",
    no_args_is_help=True,
)

AccountArgument = Annotated[str, typer.Argument(help="Account.")]
CurrencyArgument = Annotated[str, typer.Argument(help="Code of ISO 4217, such as EUR.")]
OverdraftOption = Annotated[str, typer.Option(help="How far below nothing its balance may go, such as 500.00.")]


@app.command("open")
def open_account(
    account: AccountArgument,
    currency: CurrencyArgument,
    overdraft: OverdraftOption = "0",
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Open an account, empty."""
    from server.cli.ledger import open_one as command

    command(home_of(home), account, currency, overdraft, as_json=json)


@app.command()
def overdraft(
    account: AccountArgument,
    currency: CurrencyArgument,
    limit: Annotated[str, typer.Argument(help="How far below nothing its balance may go, such as 500.00; or 0.")],
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Change how far an account may be overdrawn."""
    from server.cli.ledger import change_overdraft as command

    command(home_of(home), account, currency, limit, as_json=json)


@app.command("post")
def post(
    payer: Annotated[str, typer.Argument(help="Account that gives.")],
    payee: Annotated[str, typer.Argument(help="Account that gets.")],
    amount: Annotated[str, typer.Argument(help="Such as 1200.00: with no decimals or all of them.")],
    currency: CurrencyArgument,
    text: Annotated[str, typer.Option(help="Why, for people.")] = "",
    request_id: Annotated[
        str, typer.Option(help="16 to 64 characters of [A-Za-z0-9_-]; with the same one nothing is posted again.")
    ] = "",
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Move money as the operator: without a device, and therefore with an entry in the transparency log."""
    from server.cli.ledger import post_one as command

    command(home_of(home), payer, payee, amount, currency, text, request_id, as_json=json)


@app.command("list")
def list_all(
    home: HomeOption = None,
    page_size: PageSizeOption = 100,
    page_token: PageTokenOption = "",
    json: JsonOption = False,
) -> None:
    """List accounts with their balances, oldest first."""
    from server.cli.ledger import accounts as command

    command(home_of(home), page_size, page_token, as_json=json)


@app.command()
def entries(
    account: AccountArgument,
    currency: CurrencyArgument,
    home: HomeOption = None,
    page_size: PageSizeOption = 100,
    page_token: PageTokenOption = "",
    json: JsonOption = False,
) -> None:
    """List the entries of an account, oldest first."""
    from server.cli.ledger import entries_of as command

    command(home_of(home), account, currency, page_size, page_token, as_json=json)


@app.command()
def check(home: HomeOption = None, json: JsonOption = False) -> None:
    """Add everything up, also beside a running server. Exit status 1 if something does not add up."""
    from server.cli.ledger import check as command

    command(home_of(home), as_json=json)
