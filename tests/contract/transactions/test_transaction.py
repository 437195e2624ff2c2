"""Amounts, texts and transactions: exact, and nothing in them that people cannot see."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from iso4217 import Currency

from contract.transactions.binding import BindingCore, CodeVariant, SignedBinding
from contract.transactions.money import MAX_UNITS, Amount
from contract.transactions.text import MAX_TEXT, check_transaction_text
from contract.transactions.transaction import Transaction, Transfer, transaction_id
from tests.contract.structures import fields, sequence, tlv
from tests.contract.transactions.examples import BINDING, CORE, TRANSACTION
from tests.contract.world import NOW
from tests.mpc.refusals import malformed

CURRENCIES = st.sampled_from([each.code for each in Currency if each.exponent is not None])
AMOUNTS = st.builds(Amount, CURRENCIES, st.integers(1, MAX_UNITS))
NAMES = ("ACCOUNT_NAME_MALFORMED", ("", "Alice", "a b", "b\u043eb"))
DIGESTS = ("BINDING_MALFORMED", (b"", bytes(31), bytes(33)))
TRANSACTIONS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "back_end": NAMES,
    "kind": ("TRANSACTION_MALFORMED", ("", "Transfer", "-a", "a" * 33)),
    "signer": NAMES,
    "transfers": ("TRANSACTION_MALFORMED", ((), TRANSACTION.transfers[:1] * 17)),
    "text": ("TRANSACTION_TEXT_MALFORMED", ("a\nb", "x" * 501)),
    "request_id": ("TRANSACTION_MALFORMED", ("", "x" * 15, "x" * 65, "request 0123456789")),
    "create_time": ("TRANSACTION_MALFORMED", (NOW.replace(microsecond=1), NOW.replace(tzinfo=None), TRANSACTION.end)),
    "end": ("TRANSACTION_MALFORMED", (NOW, NOW - timedelta(1), NOW + timedelta(days=1, seconds=1))),
}
CORES: dict[str, tuple[str, tuple[Any, ...]]] = {
    "transaction": DIGESTS,
    "back_end_certificate": DIGESTS,
    "signer": NAMES,
    "signer_certificate": DIGESTS,
    "time": ("BINDING_MALFORMED", (CORE.end, CORE.end - timedelta(minutes=5, seconds=1), NOW.replace(tzinfo=None))),
    "end": ("BINDING_MALFORMED", (CORE.time, CORE.time + timedelta(minutes=5, seconds=1))),
}
BINDINGS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "sealed_code": ("BINDING_MALFORMED", (b"", bytes(57), bytes(72), bytes(255), bytes(1025))),
    "signature": ("BINDING_MALFORMED", (b"", bytes(1025))),
}


@pytest.mark.parametrize(
    ("good", "wrong"),
    [(TRANSACTION, TRANSACTIONS), (CORE, CORES), (BINDING, BINDINGS)],
    ids=["transaction", "core", "binding"],
)
def test_what_a_field_may_say(
    good: Transaction | BindingCore | SignedBinding, wrong: dict[str, tuple[str, tuple[Any, ...]]]
) -> None:
    """Every field has its range."""
    for field, (reason, values) in wrong.items():
        for value in values:
            with malformed(reason):
                replace(good, **{field: value})


def test_the_largest_transaction_and_binding_are_read() -> None:
    """With all that they may hold."""
    transfer = Transfer("p" * 63, "q" * 63, Amount("EUR", MAX_UNITS))
    largest = replace(
        TRANSACTION,
        back_end="b" * 63,
        kind="k" * 32,
        signer="s" * 63,
        transfers=(transfer,) * 16,
        text="\U0001f600" * MAX_TEXT,
        request_id="r" * 64,
        end=NOW + timedelta(days=1),
    )
    assert Transaction.from_der(largest.to_der()) == largest
    core = replace(CORE, signer="s" * 63)
    binding = SignedBinding(core, bytes(1024), bytes(1024))
    assert SignedBinding.from_der(binding.to_der()) == binding


def test_a_transaction_is_named_by_what_it_says() -> None:
    """Any other word makes another one; accounts in it are its parties."""
    assert transaction_id(TRANSACTION.digest) == f"transaction-{TRANSACTION.digest.hex()[:32]}"
    assert replace(TRANSACTION, request_id="request-0123456780").digest != TRANSACTION.digest
    assert TRANSACTION.parties == ("alice", "bob", "carol")
    assert replace(TRANSACTION, signer="dora").parties == ("dora", "alice", "bob", "carol")
    with malformed("TRANSACTION_MALFORMED"):
        Transfer("bob", "bob", Amount("EUR", 1))


def test_a_binding_names_a_variant_that_exists() -> None:
    """And a sealed code as long as the variant makes it."""
    with malformed("BINDING_MALFORMED"):
        BindingCore.from_der(CORE.to_der().replace(b"code-and-random", b"code-and-nothin"))
    SignedBinding(replace(CORE, variant=CodeVariant.CODE), bytes(57), b"s")
    with malformed("BINDING_MALFORMED"):
        SignedBinding(replace(CORE, variant=CodeVariant.CODE), bytes(73), b"s")


@pytest.mark.parametrize(
    ("text", "currency", "units"),
    [
        ("0.01", "EUR", 1),
        ("1234.50", "EUR", 123450),
        ("7", "EUR", 700),
        ("0.001", "KWD", 1),
        ("5000", "JPY", 5000),
        ("1.0001", "CLF", 10001),
        ("9999999999999.99", "EUR", MAX_UNITS),
    ],
)
def test_an_amount_is_read(text: str, currency: str, units: int) -> None:
    """Exactly."""
    amount = Amount.parse(text, currency)
    assert amount == Amount(currency, units)
    assert amount.value == Decimal(text)


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        *(
            (text, "EUR")
            for text in ("", "0", "0.00", "1.5", "1.234", "1,50", "1 000.00", "1e3", "-1", "+1", "01", "1.")
        ),
        *((text, "EUR") for text in (".50", "1.50 ", "\u0661", "1\u066b50", "0x1", "1_0", "NaN", "10000000000000.00")),
        *((text, "EUR") for text in ("\uff11", "1.\uff15\uff10", "1.5\n", "9" * 400)),
        *((text, "JPY") for text in ("1.0", "1.", "1000000000000000")),
        *(("1", currency) for currency in ("", "eur", "EURO", "XAU", "XXX", "DEM", "BTC")),
    ],
)
def test_what_is_no_amount(text: str, currency: str) -> None:
    """Whatever could be read in two ways, or is not exact."""
    with malformed("AMOUNT_MALFORMED"):
        Amount.parse(text, currency)


@given(AMOUNTS)
def test_an_amount_is_shown_as_it_is(amount: Amount) -> None:
    """What people read is the very number: taken together again, it is the amount."""
    number, _, currency = amount.in_full().rpartition(" ")
    assert currency == amount.currency
    assert Amount.parse(number.replace(" ", ""), currency) == amount
    whole, _, decimals = number.partition(".")
    assert len(decimals) == amount.decimals
    first, *groups = whole.split(" ")
    assert 1 <= len(first) <= 3
    assert all(len(group) == 3 for group in groups)


def test_an_amount_is_exact_in_every_context() -> None:
    """Python rounds what it computes with decimals to a precision that anybody in the process may set."""
    with localcontext(prec=3):
        assert Amount("EUR", 123456789).in_full() == "1 234 567.89 EUR"


def test_amounts_out_of_range() -> None:
    """Nothing, less than nothing, and more than can be added."""
    for units in (0, -1, MAX_UNITS + 1):
        with malformed("AMOUNT_MALFORMED"):
            Amount("EUR", units)


def test_an_amount_of_another_table_of_currencies_is_refused() -> None:
    """Who counts a currency with other decimals would show or execute another amount."""
    transaction = fields(TRANSACTION.to_der())
    transfers = fields(transaction[5])
    payer, payee, amount = fields(transfers[1])
    currency, decimals, units = fields(amount)
    assert decimals == tlv(0x02, b"\x00")
    for other in (b"\x02", b"\xff"):
        transfers[1] = sequence([payer, payee, sequence([currency, tlv(0x02, other), units])])
        transaction[5] = sequence(transfers)
        with malformed("AMOUNT_MALFORMED"):
            Transaction.from_der(sequence(transaction))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Rent for May",
        "\u79df\u91d1\uff0c\u4e94\u6708",
        "\u3000".join("ab"),
        "caf\u00e9",
        "\u0e19\u0e49\u0e33",
        "x" * 500,
    ],
)
def test_text_that_people_can_see(text: str) -> None:
    """Of any language."""
    assert check_transaction_text(text) == text


@pytest.mark.parametrize(
    "text",
    [
        *(f"a{each}b" for each in "\x00\t\n\r\x1b\x7f\x85\u200b\u200d\u200f\u202e\u2066\u2028\u2029\ufeff\ue000"),
        *(f"a{each}b" for each in "\u034f\u115f\u2800\u3164\ufe0f\uffa0\U000e0101\U000e0041"),
        *(f"a{each}b" for each in ("\u00a0", "\u2003", "\u205f", "  ", "\u3000 ", "\u3000\u3000")),
        *(" a", "a ", "\u3000a", "e\u0301", "\U000fffff", "z" + "\u0337\u0338\u0335\u0336\u0334"),
    ],
)
def test_text_with_something_to_hide(text: str) -> None:
    """Control, direction, invisible and special characters; towers of marks; room for pushing words about."""
    with malformed("TRANSACTION_TEXT_MALFORMED"):
        check_transaction_text(text)


ACCOUNTS = st.from_regex(r"\A[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?\Z")
SEEN = st.text(st.characters(categories=["L", "N", "P", "S"], exclude_characters="\u3164\uffa0"), max_size=40)


@given(st.lists(ACCOUNTS, min_size=2, max_size=6, unique=True), st.lists(AMOUNTS, min_size=1, max_size=16), SEEN)
def test_any_transaction_round_trips(accounts: list[str], amounts: list[Amount], text: str) -> None:
    """Equal in every field, and of another digest than any other."""
    try:
        check_transaction_text(text)
    except Exception:  # noqa: BLE001  # what texts are refused is tested above
        text = ""
    payer, *payees = accounts
    transfers = tuple(Transfer(payer, payees[n % len(payees)], amount) for n, amount in enumerate(amounts))
    transaction = replace(TRANSACTION, signer=payer, transfers=transfers, text=text)
    assert Transaction.from_der(transaction.to_der()) == transaction
    assert (transaction.digest == TRANSACTION.digest) is (transaction == TRANSACTION)
