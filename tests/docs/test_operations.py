"""docs/operations.md lists every option of the server, with its default, and every state of a key."""

from __future__ import annotations

import re

import pytest
from pydantic import SecretStr

from server.config import Settings
from server.signing.states import REFUSALS, KeyState
from tests.architecture.source import ROOT

PAGE = (ROOT / "docs/operations.md").read_text(encoding="utf-8")


def _rows(section: str) -> list[list[str]]:
    text = PAGE.partition(f"## {section}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (.+) \|$", text, flags=re.MULTILINE)
    return [[cell.strip() for cell in row.split("|")] for row in rows[1:]]


def _shown(default: object) -> str:
    if isinstance(default, SecretStr):
        default = default.get_secret_value()
    if isinstance(default, list):
        return ", ".join(f"`{item}`" for item in default) or "empty"
    if isinstance(default, str):
        return f"`{default}`" if default else "empty"
    return str(default).lower() if isinstance(default, bool) else str(default)


def test_every_option_is_listed_with_its_default() -> None:
    """In the order of the code."""
    listed = [(row[0], row[1]) for row in _rows("Configuration")]
    assert listed == [(f"`{name}`", _shown(field.default)) for name, field in Settings.model_fields.items()]


@pytest.mark.parametrize("state", list(KeyState))
def test_every_state_is_listed_with_its_refusal(state: KeyState) -> None:
    """By the name that the catalogue gives it."""
    (row,) = [row for row in _rows("Keys") if row[0] == state.value.replace("_", " ")]
    refusal = REFUSALS.get(state)
    assert row[1] == (f"refused: `{refusal}`" if refusal else "allowed by the key's policy")
