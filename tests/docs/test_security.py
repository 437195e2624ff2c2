"""Every promise of docs/security.md names tests that exist, or says that it is part of a later system."""

from __future__ import annotations

import ast
import re

import pytest

from tests.architecture.source import ROOT

PAGE = (ROOT / "docs/security.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))
POINTS = re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_named_test_exists(file: str, name: str) -> None:
    """A test function of that name stands in that file."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert name in functions
    assert name.startswith("test_")


def test_all_eight_points_are_there() -> None:
    """Numbered as in the design."""
    assert [point[:2] for point in POINTS if point[0].isdigit()] == [f"{number}." for number in range(1, 9)]


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.partition("\n")[0])
def test_every_point_names_a_test_or_a_later_system(point: str) -> None:
    """No promise stands there alone."""
    assert "::test_" in point.partition("\n## ")[0] or "art of a later system" in point
