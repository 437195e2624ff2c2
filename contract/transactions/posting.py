"""Postings of an operator: money that is moved in a ledger without a device, and therefore stands in the log."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from cryptography.hazmat import asn1

from contract import der
from contract.transactions.money import Amount, AmountStructure
from contract.transactions.text import check_transaction_text
from contract.transactions.transaction import Transfer

MAX_POSTING_BYTES: Final = 4 << 10
"""Longest posting that is looked at."""

_POSTING_REASON: Final = "POSTING_MALFORMED"
_PROTOCOL: Final = "fourseal/v1/operator posting"
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9_-]{16,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class OperatorPosting:
    """A transfer that an operator posts.

    Args:
        request_id: chosen by the operator, once: 16 to 64 of [A-Za-z0-9_-].
        transfer: what is moved.
        text: why, up to 500 characters: ``check_transaction_text``.
        time: when; UTC, whole seconds.

    Raises:
        MalformedInput: POSTING_MALFORMED, TRANSACTION_TEXT_MALFORMED.
    """

    request_id: str
    transfer: Transfer
    text: str
    time: datetime

    def __post_init__(self) -> None:
        der.require_that(_REQUEST_ID.fullmatch(self.request_id), "no request id", reason=_POSTING_REASON)
        check_transaction_text(self.text)
        der.require_time(self.time, "the time", reason=_POSTING_REASON)

    @property
    def name(self) -> str:
        """As the ledger names it."""
        return f"posting-{self.request_id}"

    def to_der(self) -> bytes:
        """DER of OperatorPosting: docs/formats.md."""
        return der.write_structure(
            _OperatorPosting(
                version=der.VERSION,
                protocol=_PROTOCOL,
                request_id=self.request_id,
                payer=self.transfer.payer,
                payee=self.transfer.payee,
                amount=self.transfer.amount.to_structure(),
                text=self.text,
                time=der.to_generalized_time(self.time),
            )
        )

    @classmethod
    def from_der(cls, data: bytes) -> Self:
        """Read ``to_der``. Raises as the constructor, ``Transfer`` and ``Amount`` do."""
        read = der.read_structure(_OperatorPosting, data, MAX_POSTING_BYTES, reason=_POSTING_REASON)
        der.require_version(read.version, reason=_POSTING_REASON)
        der.require_that(read.protocol == _PROTOCOL, "it is no posting", reason=_POSTING_REASON)
        transfer = Transfer(read.payer, read.payee, Amount.from_structure(read.amount))
        posting = cls(read.request_id, transfer, read.text, der.from_generalized_time(read.time))
        der.require_canonical(data, posting.to_der(), reason=_POSTING_REASON)
        return posting


@asn1.sequence
class _OperatorPosting:
    version: int
    protocol: str
    request_id: str
    payer: str
    payee: str
    amount: AmountStructure
    text: str
    time: asn1.GeneralizedTime
