"""What changed, as a terminal shows it."""

from __future__ import annotations

import pytest

from contract.documents.diff import Change, ChangeKind
from signer_agent.cli.contract_text import show_changes


def test_wide_spaces_are_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    """Headings in Chinese have them; what could steer the terminal is not drawn."""
    show_changes([Change(ChangeKind.INSERT, "\u7b2c\u4e00\u6761\u3000\u6807\u7684\x1b")])
    assert capsys.readouterr().out == "[+\u7b2c\u4e00\u6761\u3000\u6807\u7684?+]\n"
