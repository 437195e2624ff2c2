"""Amounts of money: whole minor units of a currency of ISO 4217. There are no floating-point numbers anywhere.

How many decimals a currency has changes now and then. So an amount says how many it counts with, and who has another
table refuses it: nobody executes 1000 where 10.00 was shown.

Source of the table: ISO 4217, list one of its maintenance agency (SIX), by the package ``iso4217``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Self

from cryptography.hazmat import asn1
from iso4217 import Currency

from contract import der

AMOUNT_REASON: Final = "AMOUNT_MALFORMED"
"""Of every amount that is refused."""
MAX_UNITS: Final = 10**15 - 1
"""Most minor units of one amount: thousands of such amounts can be added in what databases hold."""

_DECIMALS: Final = {each.code: each.exponent for each in Currency if each.exponent is not None}
_WHOLE: Final = re.compile(r"0|[1-9][0-9]{0,14}", re.ASCII)
_DIGITS: Final = re.compile(r"[0-9]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount of money, more than nothing.

    Args:
        currency: code of ISO 4217, such as "EUR"; one that has minor units defined, so no metals and no funds.
        units: in minor units (cents), 1 to 10^15 - 1.

    Raises:
        MalformedInput: AMOUNT_MALFORMED.
    """

    currency: str
    units: int

    def __post_init__(self) -> None:
        der.require_that(self.currency in _DECIMALS, "no currency of ISO 4217", reason=AMOUNT_REASON)
        der.require_that(1 <= self.units <= MAX_UNITS, f"not 1 to {MAX_UNITS} minor units", reason=AMOUNT_REASON)

    @property
    def decimals(self) -> int:
        """How many digits stand behind the decimal point: 0 to 4."""
        return _DECIMALS[self.currency]

    @property
    def value(self) -> Decimal:
        """In whole units of the currency: exactly, whatever precision the process computes decimals with."""
        return Decimal((0, tuple(map(int, str(self.units))), -self.decimals))

    @classmethod
    def parse(cls, text: str, currency: str) -> Self:
        """Read what somebody typed: digits, and either no decimals or all of them, behind a point. Nothing else.

        Raises:
            MalformedInput: AMOUNT_MALFORMED.
        """
        der.require_that(currency in _DECIMALS, "no currency of ISO 4217", reason=AMOUNT_REASON)
        count = _DECIMALS[currency]
        whole, point, decimals = text.partition(".")
        fits = _WHOLE.fullmatch(whole) and (_DIGITS.fullmatch(decimals) and len(decimals) == count if point else True)
        der.require_that(fits, f"no number with none or {count} digits behind a point", reason=AMOUNT_REASON)
        return cls(currency, int(whole + decimals.ljust(count, "0")))

    def in_full(self) -> str:
        """For people: digits in groups of three, a point, all decimals, the code. Such as "1 234.50 EUR".

        Neither comma nor point parts the groups: what they mean differs from country to country (ISO 80000-1, 7.3.2).
        """
        return f"{self.value:,}".replace(",", " ") + f" {self.currency}"

    def to_structure(self) -> AmountStructure:
        """The ASN.1 value."""
        return AmountStructure(currency=self.currency, decimals=self.decimals, units=self.units)

    @classmethod
    def from_structure(cls, read: AmountStructure) -> Self:
        """Read ``to_structure``. Raises as the constructor does, and if the currency has other decimals here."""
        amount = cls(read.currency, read.units)
        der.require_that(read.decimals == amount.decimals, "its currency has other decimals here", reason=AMOUNT_REASON)
        return amount


@asn1.sequence
class AmountStructure:
    """ASN.1 of Amount."""

    currency: str
    decimals: int
    units: int
