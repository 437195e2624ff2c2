"""One valid value of every structure of confirmed transactions, without real keys."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from contract.transactions.binding import BindingCore, CodeVariant, SignedBinding
from contract.transactions.money import Amount
from contract.transactions.transaction import Transaction, Transfer
from tests.contract.world import NOW

NAMES: Final = {"alice": "Alice", "bob": "Bob", "carol": "Carol"}
TRANSACTION: Final = Transaction(
    back_end="bank",
    kind="transfer",
    signer="alice",
    transfers=(Transfer("alice", "bob", Amount("EUR", 123450)), Transfer("alice", "carol", Amount("JPY", 5000))),
    text="Rent for May",
    request_id="request-0123456789",
    create_time=NOW,
    end=NOW + timedelta(minutes=15),
)
CORE: Final = BindingCore(
    variant=CodeVariant.CODE_AND_RANDOM,
    transaction=TRANSACTION.digest,
    back_end_certificate=bytes([1]) * 32,
    signer="alice",
    signer_certificate=bytes([2]) * 32,
    time=NOW + timedelta(minutes=1),
    end=NOW + timedelta(minutes=6),
)
BINDING: Final = SignedBinding(CORE, b"\x33" * 73, b"\x44" * 64)
