"""The project keeps the rules of its architecture."""

from __future__ import annotations

import pytest

from tests.architecture import source
from tests.architecture.rules import RULES, Rule
from tests.architecture.words import forbidden_words


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_module_keeps_the_rule(rule: Rule) -> None:
    """No module breaks the rule, whatever package it is in."""
    modules = source.modules()
    assert {"mpc", "tests.architecture.rules"} <= {module.name for module in modules}
    assert "\n".join(wrong for module in modules for wrong in rule(module)) == ""


def test_no_file_has_a_forbidden_word() -> None:
    """The repository speaks of the project alone, and names no machine."""
    found = []
    for path in source.files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # pictures and documents
        found += list(forbidden_words(str(path.relative_to(source.ROOT)), text))
    assert "\n".join(found) == ""
