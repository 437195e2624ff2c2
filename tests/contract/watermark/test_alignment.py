"""Two texts side by side: what is called the same is the same, and the alterations make one of the other."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.documents.text import canonical_text
from contract.watermark import alignment
from contract.watermark.alignment import Alteration, align

texts = st.text(alphabet="ab條\n -", max_size=40)


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
    assert canonical_text(made) == canonical_text(found)
    assert bool(aligned.alterations()) == (canonical_text(original) != canonical_text(found))
    assert (aligned.similarity == 1) == (original == found)


def test_paragraphs_are_aligned_each_with_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """All are altered, and the text is too long to be aligned at once; beyond that a paragraph counts as new."""
    monkeypatch.setattr(alignment, "_MAX_TABLE", 200)
    original = "\n".join(f"{number}. Costs 10" for number in range(9))
    altered = align(original, original.replace("10", "90")).alterations()
    assert [(each.paragraph, each.before, each.after) for each in altered] == [(n, "1", "9") for n in range(1, 10)]
    monkeypatch.setattr(alignment, "_MAX_TABLE", 20)
    monkeypatch.setattr(alignment, "_WINDOW", 4)
    assert align("The price is 10", "The price is 90").alterations() == [Alteration(1, 13, "1", "9")]


WORDS = [f"{number * 7919 % 1009}-" for number in range(1000)]


@pytest.mark.parametrize("clause", ["".join(WORDS), "It repeats itself. " * 200])
@given(st.randoms(use_true_random=False))
@settings(max_examples=10, deadline=None)
def test_long_text_without_paragraphs_is_aligned(clause: str, chance: random.Random) -> None:
    """A page has no line feeds: by what stands there once, or window by window where nothing does."""
    place = chance.randrange(len(clause) - 400)
    found = clause[:place] + clause[place + 350 :]
    for _ in range(20):
        at = chance.randrange(len(found))
        found = found[:at] + "#" + found[at + chance.randrange(2) :]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(alignment, "_MAX_TABLE", 1 << 20)
        patch.setattr(alignment, "_WINDOW", 1 << 10)
        aligned = align(clause, found)
    made = clause
    for each in reversed(aligned.alterations()):
        made = made[: each.place] + each.after + made[each.place + len(each.before) :]
    assert made == found
    assert sum(len(each.before) + len(each.after) for each in aligned.alterations()) < 450


def test_clause_that_is_there_twice_is_missed_once() -> None:
    """What repeats is no difference."""
    clause = "The seller pays.\n"
    altered = align(clause * 3, clause * 2).alterations()
    assert altered == [Alteration(3, 2 * len(clause), clause, "")]
