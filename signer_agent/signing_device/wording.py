"""What displays say in words, each in the same ones."""

from __future__ import annotations

from typing import Final

from contract.transactions.progress import TransactionState
from contract.transactions.transaction import transaction_id
from signer_agent.signing_device.model import Ended, Ending
from wire.client.output import message_of

WAITING: Final = "Waiting for a terminal."
_ENDINGS: Final = {
    Ending.USED: "The back end has the code",
    Ending.CLOSED: "The back end takes the code no more",
    Ending.GONE: "The code is gone",
    Ending.REFUSED: "You refused",
    Ending.EXPIRED: "The time to confirm is over",
}


def tell_ending(ended: Ended) -> tuple[str, ...]:
    """What became of a transaction, its name, and, where the back end could not be told of a refusal, that and why."""
    stands = f": it is {ended.state}" if isinstance(ended.state, TransactionState) else ""
    told = (f"{_ENDINGS[ended.ending]}{stands}.", transaction_id(ended.transaction))
    if ended.problem is None:
        return told
    return *told, "The back end could not be told:", message_of(ended.problem)


def visible(text: str) -> str:
    """A line without control characters, and without what changes the direction of others."""
    return "".join(each if each.isprintable() or each == "\u3000" else "?" for each in text)
