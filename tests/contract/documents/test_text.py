"""Canonical text: what a format adds does not count, what somebody writes does."""

from __future__ import annotations

import hashlib
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from contract.documents.text import canonical_text, text_digest

SPECIAL = "ab-\u2014/ \t\n\u3000\u00a0條か\u3099\uff0cﬁ⼀é\u0301"
texts = st.text(alphabet=st.one_of(st.sampled_from(SPECIAL), st.characters(codec="utf-8")))
words = st.text(alphabet="ab條\uff0c1-/\u2014", min_size=1, max_size=5)
spaces = st.text(alphabet=" \t\n\u3000\u00a0", min_size=1, max_size=3)


@given(texts)
@example("か \u3099")
@settings(max_examples=150, deadline=None)
def test_canonical_text_stays(text: str) -> None:
    """It is its own canonical text, composed, and has no white space but single spaces inside."""
    found = canonical_text(text)
    assert canonical_text(found) == found == unicodedata.normalize("NFC", found)
    assert found.split(" ") == found.split() or not found
    assert text_digest(text) == hashlib.sha256(found.encode("utf-8")).digest() == text_digest(found)


@given(st.lists(words, min_size=1, max_size=8), st.lists(spaces, min_size=9, max_size=9), st.data())
@settings(max_examples=100, deadline=None)
def test_kind_and_amount_of_white_space_do_not_count(said: list[str], between: list[str], data: st.DataObject) -> None:
    """Lines may be broken anywhere between words; and inside a line of Chinese, where nobody wrote a space."""
    plain = " ".join(said)
    other = between[-1] + "".join(each + gap for each, gap in zip(said, between, strict=False))
    assert canonical_text(other) == canonical_text(plain)
    place = data.draw(st.integers(0, len(plain)))
    if "條" in (plain[:place][-1:], plain[place:][:1]):
        assert canonical_text(plain[:place] + "\n" + plain[place:]) == canonical_text(plain)


@given(st.text(alphabet="ab條1 .", max_size=12), st.text(alphabet="ab條1.", min_size=1, max_size=1), st.data())
@settings(max_examples=100, deadline=None)
def test_whatever_is_not_white_space_counts(text: str, character: str, data: st.DataObject) -> None:
    """A character more is another text."""
    place = data.draw(st.integers(0, len(text)))
    assert text_digest(text[:place] + character + text[place:]) != text_digest(text)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("", ""),
        (" \n ", ""),
        ("  The\tseller \n\n pays ", "The seller pays"),
        ("第 1 條\n甲方\uff0cLtd.\n乙方", "第1條甲方\uff0cLtd.乙方"),
        ("대한 민국", "대한민국"),
        ("long-\nterm and/ or A \u2014 B", "long-term and/or A\u2014B"),
        ("- item", "-item"),
        ("10 -5", "10 -5"),
        ("ﬁnal ⼀⼆", "final一二"),
        ("e\u0301te\u0301", "\u00e9t\u00e9"),
        ("m\u00b2 \u2460", "m\u00b2 \u2460"),
    ],
)
def test_examples(text: str, canonical: str) -> None:
    """What is dropped, what is exchanged, and what is not."""
    assert canonical_text(text) == canonical
