"""Transactions: what a terminal proposes, a device shows and signs, and a back end executes once."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self

from cryptography.hazmat import asn1

from contract import der
from contract.names import check_account_name
from contract.transactions.money import Amount, AmountStructure
from contract.transactions.text import check_transaction_text

MAX_TRANSACTION_BYTES: Final = 8 << 10
"""Longest transaction that is looked at."""
MAX_TRANSFERS: Final = 16
"""Most transfers of one transaction."""
MAX_LIFE: Final = timedelta(days=1)
"""Longest time from its making to its end."""

_TRANSACTION_REASON: Final = "TRANSACTION_MALFORMED"
_PROTOCOL: Final = "fourseal/v1/transaction"
_KIND: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,30}[a-z0-9])?", re.ASCII)
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9_-]{16,64}", re.ASCII)
_ID_DIGITS: Final = 32


def transaction_id(digest: bytes) -> str:
    """A transaction's name: "transaction-" and the first 32 hexadecimal digits of its digest."""
    return f"transaction-{digest.hex()[:_ID_DIGITS]}"


@dataclass(frozen=True, slots=True)
class Transfer:
    """Money from one account to another.

    Args:
        payer: account that gives it.
        payee: another account, which gets it.
        amount: how much.

    Raises:
        MalformedInput: TRANSACTION_MALFORMED, ACCOUNT_NAME_MALFORMED.
    """

    payer: str
    payee: str
    amount: Amount

    def __post_init__(self) -> None:
        check_account_name(self.payer)
        check_account_name(self.payee)
        der.require_that(self.payer != self.payee, "a transfer from an account to itself", reason=_TRANSACTION_REASON)


@dataclass(frozen=True, slots=True)
class Transaction:
    """All that will be done. It is done whole, or not at all.

    Args:
        back_end: name of the back end that shall do it, of the form of an account's.
        kind: of transaction, as its back end knows it: 1 to 32 of [a-z0-9.-].
        signer: account whose device shall sign it.
        transfers: 1 to 16, in their order.
        text: for people to read, up to 500 characters: ``check_transaction_text``.
        request_id: chosen by the terminal, once: 16 to 64 of [A-Za-z0-9_-]. Makes two transactions of one content two.
        create_time: when the terminal made it; UTC, whole seconds.
        end: from then on it is not confirmed any more; at most a day later.

    Raises:
        MalformedInput: TRANSACTION_MALFORMED, TRANSACTION_TEXT_MALFORMED, ACCOUNT_NAME_MALFORMED.
    """

    back_end: str
    kind: str
    signer: str
    transfers: tuple[Transfer, ...]
    text: str
    request_id: str
    create_time: datetime
    end: datetime

    def __post_init__(self) -> None:
        check_account_name(self.back_end)
        der.require_that(_KIND.fullmatch(self.kind), "no kind of transaction", reason=_TRANSACTION_REASON)
        check_account_name(self.signer)
        fits = 1 <= len(self.transfers) <= MAX_TRANSFERS
        der.require_that(fits, f"not 1 to {MAX_TRANSFERS} transfers", reason=_TRANSACTION_REASON)
        check_transaction_text(self.text)
        der.require_that(_REQUEST_ID.fullmatch(self.request_id), "no request id", reason=_TRANSACTION_REASON)
        der.require_time(self.create_time, "the time", reason=_TRANSACTION_REASON)
        der.require_time(self.end, "the end", reason=_TRANSACTION_REASON)
        der.require_that(self.create_time < self.end, "it ends before it begins", reason=_TRANSACTION_REASON)
        der.require_that(
            self.end - self.create_time <= MAX_LIFE, "it ends later than a day after", reason=_TRANSACTION_REASON
        )

    @property
    def digest(self) -> bytes:
        """SHA-256 of ``to_der``, 32 bytes: what the device signs, and what an executor does once."""
        return hashlib.sha256(self.to_der()).digest()

    @property
    def parties(self) -> tuple[str, ...]:
        """Every account in it, each once, the signer first, then in the order of the transfers."""
        named = [self.signer, *(name for each in self.transfers for name in (each.payer, each.payee))]
        return tuple(dict.fromkeys(named))

    def to_der(self) -> bytes:
        """DER of Transaction: docs/formats.md."""
        return der.write_structure(
            _Transaction(
                version=der.VERSION,
                protocol=_PROTOCOL,
                back_end=self.back_end,
                kind=self.kind,
                signer=self.signer,
                transfers=[
                    _Transfer(payer=each.payer, payee=each.payee, amount=each.amount.to_structure())
                    for each in self.transfers
                ],
                text=self.text,
                request_id=self.request_id,
                create_time=der.to_generalized_time(self.create_time),
                end=der.to_generalized_time(self.end),
            )
        )

    @classmethod
    def from_der(cls, data: bytes) -> Self:
        """Read ``to_der``. Raises as the constructor does; AMOUNT_MALFORMED."""
        read = der.read_structure(_Transaction, data, MAX_TRANSACTION_BYTES, reason=_TRANSACTION_REASON)
        der.require_version(read.version, reason=_TRANSACTION_REASON)
        der.require_that(read.protocol == _PROTOCOL, "it is no transaction", reason=_TRANSACTION_REASON)
        transaction = cls(
            back_end=read.back_end,
            kind=read.kind,
            signer=read.signer,
            transfers=tuple(
                Transfer(each.payer, each.payee, Amount.from_structure(each.amount)) for each in read.transfers
            ),
            text=read.text,
            request_id=read.request_id,
            create_time=der.from_generalized_time(read.create_time),
            end=der.from_generalized_time(read.end),
        )
        der.require_canonical(data, transaction.to_der(), reason=_TRANSACTION_REASON)
        return transaction


@asn1.sequence
class _Transfer:
    payer: str
    payee: str
    amount: AmountStructure


@asn1.sequence
class _Transaction:
    version: int
    protocol: str
    back_end: str
    kind: str
    signer: str
    transfers: list[_Transfer]
    text: str
    request_id: str
    create_time: asn1.GeneralizedTime
    end: asn1.GeneralizedTime
