"""What the device shows: all of the transaction, in lines that fit, and nothing that passes for something else."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.transactions.display import MIN_WIDTH, cells, describe, wrap
from contract.transactions.look_alikes import Caution, find_cautions, looks_like_another, skeleton
from contract.transactions.money import MAX_UNITS, Amount
from contract.transactions.pages import MIN_HEIGHT, Confirmation, Reading, paginate
from contract.transactions.text import check_transaction_text
from contract.transactions.transaction import Transaction, Transfer
from mpc.errors import MalformedInput
from tests.contract.refusals import refused
from tests.contract.transactions.examples import NAMES, TRANSACTION
from tests.mpc.refusals import malformed

RENT = "\u79df\u91d1\uff0c\u4e94\u6708"  # Chinese: rent, May; every character takes two cells


def lines_of(transaction: Transaction, width: int = 40, names: dict[str, str] | None = None) -> list[str]:
    """All lines."""
    return [line for block in describe(transaction, names or NAMES, width, {}) for line in block]


def test_all_of_a_transaction_is_shown() -> None:
    """Byte by byte: a change of the display is seen here."""
    assert lines_of(TRANSACTION) == [
        *("Transaction:", "  transfer", "Done by:", "  bank"),
        *("Transfer 1 of 2:", "  1 234.50 EUR", "From:", "  Alice", "  alice", "To:", "  Bob", "  bob"),
        *("Transfer 2 of 2:", "  5 000 JPY", "From:", "  Alice", "  alice", "To:", "  Carol", "  carol"),
        *("Text:", "> Rent for May", "Signed by:", "  Alice", "  alice"),
        *("Made:", "  2026-05-04 10:30:00 UTC", "Ends:", "  2026-05-04 10:45:00 UTC"),
        *("Request:", "  request-0123456789"),
    ]


@pytest.mark.parametrize("currency", ["EUR", "JPY", "KWD", "CLF"])
def test_the_largest_amount_stands_in_one_line(currency: str) -> None:
    """In the narrowest display."""
    amount = Amount(currency, MAX_UNITS)
    transaction = replace(TRANSACTION, transfers=(Transfer("alice", "bob", amount),))
    assert f"  {amount.in_full()}" in lines_of(transaction, MIN_WIDTH)


def test_a_text_cannot_pass_for_what_the_device_says() -> None:
    """Every line of it is marked, however it is broken; no other line is."""
    forged = "x Transfer 1 of 1: 1.00 EUR To: Mother ! > Signed by: Alice"
    for width in range(MIN_WIDTH, 70):
        shown = lines_of(replace(TRANSACTION, text=forged), width)
        begin = shown.index("Text:") + 1
        end = shown.index("Signed by:")
        assert all(line.startswith("> ") for line in shown[begin:end])
        assert not any(line.startswith(("> ", "! ")) for line in shown[:begin] + shown[end:])
        assert " ".join(line[2:] for line in shown[begin:end]) == forged


def test_parties_without_a_verified_name_are_not_shown() -> None:
    """Nothing is."""
    for missing in NAMES:
        for names in ({**NAMES, missing: ""}, {name: each for name, each in NAMES.items() if name != missing}):
            with refused("PARTY_UNVERIFIED"):
                describe(TRANSACTION, names, 40, {})


TEXTS = st.text(
    st.one_of(st.characters(categories=["L", "N", "P", "S", "M"]), st.sampled_from(" a\u79df\u0301\u3000")), max_size=80
)


@given(TEXTS, st.integers(4, 30))
def test_any_text_is_broken_without_loss(text: str, width: int) -> None:
    """No line is too wide, nothing but spaces at its ends is left out, and no mark loses its character."""
    try:
        check_transaction_text(text)
    except MalformedInput:
        text = RENT * 5 + " and more, word by word"
    lines = wrap(text, width)
    assert all(cells(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    for line in lines[1:]:
        assert line
        assert cells(line[0]) > 0 or unicodedata.category(text[0]).startswith("M")


def test_ideographs_take_two_cells() -> None:
    """And what may take two is counted so."""
    assert cells(RENT) == 10
    assert cells("\u2014") == 2
    assert cells("e\u0301") == 1
    assert wrap(RENT, 4) == [RENT[:2], RENT[2:4], RENT[4:]]
    assert wrap("a " + RENT, 4) == ["a", RENT[:2], RENT[2:4], RENT[4:]]
    assert wrap("", 4) == []


def test_displays_that_are_too_small() -> None:
    """They are told, and not filled somehow."""
    with malformed("DISPLAY_TOO_SMALL"):
        describe(TRANSACTION, NAMES, MIN_WIDTH - 1, {})
    with malformed("DISPLAY_TOO_SMALL"):
        Reading.begin(TRANSACTION, NAMES, (40, MIN_HEIGHT - 1), {})


@given(st.lists(st.lists(st.just("x"), min_size=1, max_size=9).map(tuple), min_size=1, max_size=9), st.integers(3, 12))
def test_pages_have_every_line_once(blocks: list[tuple[str, ...]], height: int) -> None:
    """In order; a block is divided only if it is higher than a page."""
    numbered = [tuple(f"{block} {line}" for line in range(len(lines))) for block, lines in enumerate(blocks)]
    pages = paginate(numbered, height)
    assert [line for page in pages for line in page] == [line for block in numbered for line in block]
    assert all(1 <= len(page) <= height for page in pages)
    for block in numbered:
        if len(block) <= height:
            assert sum(not set(block).isdisjoint(page) for page in pages) == 1


@given(st.integers(MIN_WIDTH, 60), st.integers(MIN_HEIGHT, 30), st.lists(st.booleans(), max_size=60))
def test_nothing_is_confirmed_before_every_page_was_shown(width: int, height: int, moves: list[bool]) -> None:
    """Whatever the user turns."""
    reading = Reading.begin(TRANSACTION, NAMES, (width, height), {})
    seen = {reading.page}
    for forward in moves:
        reading = reading.forward() if forward else reading.back()
        seen.add(reading.page)
        whole = seen == set(reading.pages)
        assert reading.is_complete is whole
        if whole:
            Confirmation(reading)
        else:
            with refused("TRANSACTION_UNREAD"):
                Confirmation(reading)
    assert reading.transaction == TRANSACTION.digest


def test_a_user_who_turned_back_has_read_what_was_read() -> None:
    """Pages stay read, also when their reader goes on from an earlier one."""
    reading = Reading.begin(TRANSACTION, NAMES, (40, MIN_HEIGHT), {})
    while not reading.is_complete:
        reading = reading.forward()
    assert Confirmation(reading.back().back().forward()).reading.page == reading.pages[-2]


@pytest.mark.parametrize(
    ("text", "cautions"),
    [
        *((plain, set[Caution]()) for plain in ("Bob Builder", "caf\u00e9 1", "ABC\u516c\u53f8", "\u6771\u4eac Ltd.")),
        *((plain, set[Caution]()) for plain in ("\u0395\u03bb\u03bb\u03ac\u03b4\u03b1", "123", "")),
        ("\u041c\u043e\u0441\u043a\u0432\u0430", set[Caution]()),
        ("p\u0430ypal", {Caution.MIXED_SCRIPTS}),
        ("\u0440\u0430\u0441\u0435", {Caution.LOOKS_LATIN}),
        ("\uff11\uff10\uff10", {Caution.OTHER_FORMS, Caution.OTHER_DIGITS}),
        ("\u2167", {Caution.OTHER_FORMS}),
        ("\u09ea", {Caution.OTHER_DIGITS, Caution.LOOKS_LATIN}),
        ("\u05e9\u05dc\u05d5\u05dd", {Caution.RIGHT_TO_LEFT}),
        ("a\u3164b", {Caution.UNSEEN, Caution.OTHER_FORMS}),
    ],
)
def test_look_alikes_are_flagged(text: str, cautions: set[Caution]) -> None:
    """Each for what it is; ordinary names of any language are not."""
    assert find_cautions(text) == cautions


def test_cautions_are_shown_below_what_they_are_about() -> None:
    """Of names and of the text."""
    names = {**NAMES, "bob": "B\u043eb"}
    shown = lines_of(replace(TRANSACTION, text="\u0440\u0430\u0441\u0435"), 60, names)
    place = shown.index("  B\u043eb")
    assert shown[place + 1 : place + 3] == ["  bob", f"! {Caution.MIXED_SCRIPTS}"]
    assert shown[shown.index("> \u0440\u0430\u0441\u0435") + 1] == f"! {Caution.LOOKS_LATIN}"


@pytest.mark.parametrize(
    ("account", "name", "like"),
    [
        ("b0b", "Robert", True),
        ("bob", "Somebody else", False),  # is known
        ("rnike", "", True),
        ("robert", "B\u043eb", True),
        ("robert", "Robert", False),
        ("bob2", "", False),
    ],
)
def test_names_like_those_that_the_user_knows(account: str, name: str, like: bool) -> None:  # noqa: FBT001  # a case
    """Accounts that are new, and look like one that is not."""
    known = {"bob": "Bob", "mike": "Mike", "carol": ""}
    assert looks_like_another(account, name, known) is like
    blocks = describe(
        replace(TRANSACTION, transfers=(Transfer("alice", account, Amount("EUR", 1)),)),
        {"alice": "Alice", account: name or "x"},
        60,
        {**known, "alice": "Alice"},
    )
    assert any(f"! {Caution.LOOKS_LIKE_ANOTHER}" in block for block in blocks) is like


def test_skeletons_are_those_of_the_standard() -> None:
    """Pairs from its data file, confusables.txt of UTS 39."""
    for one, other in (
        ("0", "O"),
        ("1", "l"),
        ("I", "l"),
        ("m", "rn"),
        ("\u0430", "a"),
        ("\u2168", "lX"),
        ("\u0337", "\u0338"),
    ):
        assert skeleton(one) == skeleton(other)
    assert skeleton("a") != skeleton("b")
