"""Transactions at a back end, as commands show them."""

from __future__ import annotations

from collections.abc import Sequence

from wire.client.output import OUTPUT
from wire.client.transactions import ShownTransaction


def show_transactions(found: Sequence[ShownTransaction]) -> None:
    """Show a list of them."""
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
    OUTPUT.show_table([content_of(each) for each in found], ("Transaction", "State", "Made", "Amount", "To"), rows)


def rows_of(found: ShownTransaction) -> list[tuple[str, str]]:
    """A transaction for people: names and values."""
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


def content_of(found: ShownTransaction) -> dict[str, object]:
    """A transaction for programs."""
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
