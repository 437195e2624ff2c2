"""``transactions``: confirmed transactions that the account signs, as the back end has them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from signer_agent.cli.invocation import Invocation, command
from signer_agent.cli.output import OUTPUT, error_json, message_of

if TYPE_CHECKING:
    from signer_agent.client.agent import LocalAgent
    from signer_agent.transactions.reading import ShownTransaction
    from signer_agent.transactions.transactions import Transactions

app = typer.Typer(help="Confirmed transactions that the account signs.", no_args_is_help=True)

TransactionArgument = Annotated[str, typer.Argument(metavar="TRANSACTION", help="As transactions list names it.")]
_Result = TypeVar("_Result")


@command(app, "list")
def list_transactions(invocation: Invocation) -> None:
    """List them, newest first."""
    found = _with(invocation, lambda transactions: transactions.all())
    rows = [
        (
            each.transaction_id,
            each.state,
            f"{each.create_time:%Y-%m-%d %H:%M:%S}",
            ", ".join(transfer.amount.in_full() for transfer in each.transaction.transfers),
            ", ".join(dict.fromkeys(transfer.payee for transfer in each.transaction.transfers)),
        )
        for each in found
    ]
    OUTPUT.show_table([_content(each) for each in found], ("Transaction", "State", "Made", "Amount", "To"), rows)


@command(app)
def show(invocation: Invocation, transaction: TransactionArgument) -> None:
    """Show a transaction with its steps."""
    found = _with(invocation, lambda transactions: transactions.get(transaction))
    OUTPUT.show(_content(found), _rows(found))


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
    OUTPUT.show({**_content(found), "verified": holds, "checks": checks}, [*_rows(found), *rows, ("verdict", verdict)])
    if not holds:
        raise typer.Exit(1)


def _with(invocation: Invocation, work: Callable[[Transactions], Awaitable[_Result]]) -> _Result:
    async def opened(agent: LocalAgent) -> _Result:
        return await work(await (await agent.contracts()).transactions(agent))

    return invocation.with_store(opened)


def _rows(found: ShownTransaction) -> list[tuple[str, str]]:
    transaction = found.transaction
    rows = [
        ("transaction", found.transaction_id),
        ("state", f"{found.state}: {found.cause}" if found.cause else found.state),
        ("kind", transaction.kind),
        ("back end", transaction.back_end),
    ]
    rows += [
        ("transfer", f"{each.amount.in_full()} from {each.payer} to {each.payee}") for each in transaction.transfers
    ]
    rows += [("text", transaction.text)] if transaction.text else []
    rows += [("wrong codes", str(found.wrong_codes))] if found.wrong_codes else []
    rows += [("execution", found.execution)] if found.execution else []
    rows += [(each.state, f"{each.time:%Y-%m-%d %H:%M:%S UTC}, entry {each.log_index}") for each in found.steps]
    return rows


def _content(found: ShownTransaction) -> dict[str, object]:
    transaction = found.transaction
    return {
        "transaction_id": found.transaction_id,
        "state": found.state.value,
        "cause": found.cause,
        "back_end": transaction.back_end,
        "kind": transaction.kind,
        "signer": transaction.signer,
        "transfers": [
            {
                "payer": each.payer,
                "payee": each.payee,
                "currency": each.amount.currency,
                "amount": each.amount.in_full(),
            }
            for each in transaction.transfers
        ],
        "text": transaction.text,
        "wrong_codes": found.wrong_codes,
        "execution": found.execution,
        "create_time": found.create_time.isoformat(),
        "update_time": found.update_time.isoformat(),
        "steps": [
            {"state": each.state.value, "time": each.time.isoformat(), "log_index": each.log_index}
            for each in found.steps
        ],
    }
