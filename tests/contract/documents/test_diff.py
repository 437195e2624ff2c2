"""What changed between two texts, as people read it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.documents.diff import Change, ChangeKind, word_diff

_LOOK = {ChangeKind.EQUAL: "{}", ChangeKind.DELETE: "[-{}]", ChangeKind.INSERT: "[+{}]"}
_TEXTS = st.text(st.sampled_from("甲乙丙ab 12.\n"), max_size=40)


def _shown(changes: list[Change]) -> str:
    return "".join(_LOOK[each.kind].format(each.text) for each in changes)


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("价款为 146,400.00 元。", "价款为 164,400.00 元。", "价款为 [-146,400.00][+164,400.00] 元。"),
        ("付款期五日内。", "付款期七日内。", "付款期[-五][+七]日内。"),
        ("The Seller’s goods", "The Buyer’s goods", "The [-Seller’s][+Buyer’s] goods"),
        ("甲。\n丙。\n", "甲。\n乙。\n丙。\n", "甲。\n[+乙。\n]丙。\n"),
        ("x\nsame.\nsame.\nsame.\n", "x\nsame.\nsame.\n", "x\nsame.\nsame.\n[-same.\n]"),
        ("应付款。应付款。完", "应付款。应付款。应付款。完", "[+应付款。]应付款。应付款。完"),
        ("", "new", "[+new]"),
        ("same", "same", "same"),
        ("甲方承担全部运费和税费", "乙方支付一半运费和税费", "[-甲方承担全部][+乙方支付一半]运费和税费"),
    ],
)
def test_changes_are_those_that_people_see(before: str, after: str, shown: str) -> None:
    """Numbers and words as wholes; a clause among equal ones as a clause."""
    assert _shown(word_diff(before, after)) == shown


@given(_TEXTS, _TEXTS)
def test_both_texts_are_in_it(before: str, after: str) -> None:
    """Either can be put together again."""
    changes = word_diff(before, after)
    assert "".join(each.text for each in changes if each.kind is not ChangeKind.INSERT) == before
    assert "".join(each.text for each in changes if each.kind is not ChangeKind.DELETE) == after
    assert all(each.text for each in changes)
    kinds = [each.kind for each in changes]
    assert all(one is not other for one, other in pairwise(kinds))
    assert (ChangeKind.INSERT, ChangeKind.DELETE) not in list(pairwise(kinds))


def test_long_texts_that_differ_everywhere_are_cut_at_what_they_share() -> None:
    """No table of words by words would have room."""
    clauses = [f"第{number}条 甲方应当在{number}日内交付货物{number}件，逾期支付违约金。\n" for number in range(1500)]
    before, after = "".join(clauses), "".join(each.replace("甲方", "卖方") for each in clauses[1:])
    changes = word_diff(before, after)
    deleted = sum(len(each.text) for each in changes if each.kind is ChangeKind.DELETE)
    assert deleted < 2 * len(clauses) + len(clauses[0])
