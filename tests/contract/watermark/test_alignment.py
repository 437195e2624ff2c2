"""Two texts side by side: what is called the same is the same, and the alterations make one of the other."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.watermark import alignment
from contract.watermark.alignment import Alteration, align

texts = st.text(alphabet="ab條\n", max_size=40)


@given(texts, texts)
@settings(max_examples=150, deadline=None)
def test_alterations_make_the_found_text(original: str, found: str) -> None:
    """Applied to the original from its end on; and each character that is called the same is."""
    aligned = align(original, found)
    for place, origin in enumerate(aligned.origins()):
        assert origin is None or original[origin] == found[place]
    made = original
    for each in reversed(aligned.alterations()):
        assert made[each.place : each.place + len(each.before)] == each.before
        made = made[: each.place] + each.after + made[each.place + len(each.before) :]
    assert made == found
    assert (aligned.similarity == 1) == (original == found)


def test_paragraphs_are_aligned_each_with_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """All are altered, and the text is too long to be aligned at once; beyond that a paragraph counts as new."""
    monkeypatch.setattr(alignment, "_MAX_TABLE", 200)
    original = "\n".join(f"{number}. Costs 10" for number in range(9))
    altered = align(original, original.replace("10", "90")).alterations()
    assert [(each.paragraph, each.before, each.after) for each in altered] == [(n, "1", "9") for n in range(1, 10)]
    monkeypatch.setattr(alignment, "_MAX_TABLE", 20)
    assert align("The price is 10", "The price is 90").stretches == ()


def test_clause_that_is_there_twice_is_missed_once() -> None:
    """What repeats is no difference."""
    clause = "The seller pays.\n"
    altered = align(clause * 3, clause * 2).alterations()
    assert altered == [Alteration(3, 2 * len(clause), clause, "")]
