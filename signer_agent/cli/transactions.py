"""``transactions``: confirmed transactions that the account signs, as the back end has them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from signer_agent.cli.invocation import Invocation, command
from wire.client.output import OUTPUT, error_json, message_of
from wire.client.transaction_text import content_of, rows_of, show_transactions

if TYPE_CHECKING:
    from signer_agent.client.agent import LocalAgent
    from signer_agent.transactions.transactions import Transactions

app = typer.Typer(help="Confirmed transactions that the account signs.", no_args_is_help=True)

TransactionArgument = Annotated[str, typer.Argument(metavar="TRANSACTION", help="As transactions list names it.")]
_Result = TypeVar("_Result")


@command(app, "list")
def list_transactions(invocation: Invocation) -> None:
    """List them, newest first."""
    found = _with(invocation, lambda transactions: transactions.all())
    show_transactions(found)


@command(app)
def show(invocation: Invocation, transaction: TransactionArgument) -> None:
    """Show a transaction with its steps."""
    found = _with(invocation, lambda transactions: transactions.get(transaction))
    OUTPUT.show(content_of(found), rows_of(found))


@command(app)
def verify(invocation: Invocation, transaction: TransactionArgument) -> None:
    """Verify a transaction: its words, what was signed and by whom, and that the log has every step of it.

    Exit status 1 if something does not hold.
    """

    async def verified(transactions: Transactions) -> Any:  # noqa: ANN401  # see below
        found = await transactions.get(transaction)
        return found, await transactions.verify(found)

    found, made = _with(invocation, verified)
    holds = all(each.problem is None for each in made)
    checks = [
        {"what": each.what, "problem": None if each.problem is None else error_json(each.problem)} for each in made
    ]
    rows = [(each.what, "holds" if each.problem is None else message_of(each.problem)) for each in made]
    verdict = "verified" if holds else "NOT VERIFIED"
    OUTPUT.show(
        {**content_of(found), "verified": holds, "checks": checks}, [*rows_of(found), *rows, ("verdict", verdict)]
    )
    if not holds:
        raise typer.Exit(1)


def _with(invocation: Invocation, work: Callable[[Transactions], Awaitable[_Result]]) -> _Result:
    async def opened(agent: LocalAgent) -> _Result:
        return await work(await (await agent.contracts()).transactions(agent))

    return invocation.with_store(opened)
