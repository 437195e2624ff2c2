"""Confirmation codes: unbiased, found at once when mistyped, and never shown by accident."""

from __future__ import annotations

import itertools
import random
import secrets

import base32_crockford
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.transactions.code import CODE_CHARACTERS, ConfirmationCode
from mpc.errors import MalformedInput
from tests.mpc.refusals import fault_detected, malformed

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CHECKS = ALPHABET + "*~$=U"
"""Crockford's check symbols: https://www.crockford.com/base32.html."""
VALUES = st.integers(0, (1 << 40) - 1).filter(lambda value: value % 37 < 32)
CODES = VALUES.map(lambda value: ConfirmationCode.new(value.to_bytes))


def is_code(text: str) -> bool:
    """Whether it is read as one."""
    try:
        ConfirmationCode.parse(text)
    except MalformedInput:
        return False
    return True


@given(VALUES)
def test_a_code_is_what_another_implementation_makes(value: int) -> None:
    """With its check symbol, and with the zeros in front."""
    code = ConfirmationCode.new(value.to_bytes).to_secret_text()
    assert code == base32_crockford.encode(value, checksum=True).zfill(CODE_CHARACTERS)
    assert base32_crockford.decode(code, checksum=True) == value


def test_known_codes() -> None:
    """1234 is 16J with check symbol D, in the examples of several implementations of that page."""
    assert ConfirmationCode.new(lambda _: (1234).to_bytes(5)).to_secret_text() == "0000016JD"
    assert ConfirmationCode.new(lambda _: bytes(5)).to_secret_text() == "000000000"
    assert ConfirmationCode.parse("0000016jd").to_secret_groups() == "000-001-6JD"


def test_codes_with_a_check_symbol_outside_the_alphabet_are_drawn_anew() -> None:
    """Not changed: that would make some codes more likely."""
    draws = [(37 * 1000 + check).to_bytes(5) for check in (32, 33, 34, 35, 36)]
    good = (37 * 1000 + 31).to_bytes(5)
    drawn = iter([*draws, good])
    code = ConfirmationCode.new(lambda _: next(drawn)).to_secret_text()
    assert code[-1] == "Z"
    assert next(drawn, None) is None


def test_randomness_that_is_none_is_found() -> None:
    """It does not draw for ever."""
    with fault_detected():
        ConfirmationCode.new(lambda _: (36).to_bytes(5))


def test_every_character_is_as_likely_at_every_place() -> None:
    """Chi-squared with 31 degrees of freedom stays below 86 but once in a million; and the numbers are always these."""
    chance = random.Random(7)  # noqa: S311  # no secret
    codes = [ConfirmationCode.new(chance.randbytes).to_secret_text() for _ in range(16000)]
    for place in range(CODE_CHARACTERS):
        counts = [sum(code[place] == each for code in codes) for each in ALPHABET]
        assert sum((count - 500) ** 2 / 500 for count in counts) < 86


@given(CODES)
def test_every_single_mistake_is_found(code: ConfirmationCode) -> None:
    """A wrong character anywhere; two that were swapped, wherever they stand; one missing, one too many."""
    text = code.to_secret_text()
    for place in range(CODE_CHARACTERS):
        for other in ALPHABET:
            assert is_code(text[:place] + other + text[place + 1 :]) is (other == text[place])
        assert not is_code(text[:place] + text[place + 1 :])
        assert not is_code(text[:place] + text[place] + text[place:])
    for one, two in itertools.combinations(range(CODE_CHARACTERS), 2):
        swapped = list(text)
        swapped[one], swapped[two] = swapped[two], swapped[one]
        assert is_code("".join(swapped)) is (text[one] == text[two])


def test_a_guess_is_mostly_mistyped() -> None:
    """Nine random characters are a code once in 37 times."""
    chance = random.Random(5)  # noqa: S311  # no secret
    found = sum(is_code("".join(chance.choices(ALPHABET, k=9))) for _ in range(3700))
    assert 50 < found < 160


@given(CODES, st.data())
def test_a_code_is_read_as_people_write_it(code: ConfirmationCode, data: st.DataObject) -> None:
    """Small letters, hyphens, spaces, look-alikes, wide forms."""
    ways = {"0": "0Oo\uff10\uff2f", "1": "1IiLl\uff11\uff4c"}
    typed = "".join(
        data.draw(st.sampled_from(ways.get(each, each + each.lower() + chr(ord(each) + 0xFEE0))))
        + data.draw(st.sampled_from(["", "", "-", " ", "\u2011", "\u2013"]))
        for each in code.to_secret_text()
    )
    assert ConfirmationCode.parse(typed).is_same_as(code)


@pytest.mark.parametrize(
    "typed", ["", "0", "UUUUUUUUU", "00000000*", "00000000\u00e9", "0" * 8, "0" * 10, "-" * 9, "0" * 9999]
)
def test_what_is_no_code(typed: str) -> None:
    """Found before anything is tried."""
    with malformed("CODE_MISTYPED"):
        ConfirmationCode.parse(typed)


def test_codes_are_compared_and_not_shown() -> None:
    """One is the same as itself alone, and its text stands in no print, pickle or comparison."""
    one, other = ConfirmationCode.new(secrets.token_bytes), ConfirmationCode.new(secrets.token_bytes)
    assert one.is_same_as(ConfirmationCode.parse(one.to_secret_groups()))
    assert not one.is_same_as(other)
    assert one.to_secret_text() not in repr(one)
    wrong = one.to_secret_text()[:-1] + "*"
    with pytest.raises(MalformedInput) as caught:
        ConfirmationCode.parse(wrong)
    assert wrong[:4] not in f"{caught.value}{caught.value.metadata}"
    with pytest.raises(TypeError):
        assert one == other
