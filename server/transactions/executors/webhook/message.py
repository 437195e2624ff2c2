"""What is posted of a transaction. The same words each time that it is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from contract.transactions.progress import TransactionState
from contract.transactions.transaction import Transfer
from server.transactions.executors.interface import Order


def message_of(order: Order) -> dict[str, Any]:
    """JSON of an order: docs/transactions.md."""
    words = order.transaction
    return {
        "type": "transaction.confirmed",
        "data": {
            "id": order.key,
            "state": TransactionState.CONFIRMED.value,
            "digest": words.digest.hex(),
            "back_end": words.back_end,
            "kind": words.kind,
            "signer": words.signer,
            "transfers": [_transfer(each) for each in words.transfers],
            "text": words.text,
            "request_id": words.request_id,
            "create_time": _time(words.create_time),
            "end": _time(words.end),
        },
    }


def _transfer(transfer: Transfer) -> dict[str, Any]:
    amount = transfer.amount
    return {
        "payer": transfer.payer,
        "payee": transfer.payee,
        "currency": amount.currency,
        "decimals": amount.decimals,
        "units": amount.units,
    }


def _time(time: datetime) -> str:
    return time.replace(tzinfo=None).isoformat() + "Z"
