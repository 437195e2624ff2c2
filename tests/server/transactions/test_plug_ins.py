"""Executors that other packages bring."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.errors import OperatorError
from server.transactions.executors import find_executor, registry


@pytest.fixture
def _asked_anew() -> Iterator[None]:
    """What is installed is another than before, and afterwards."""
    registry._installed.cache_clear()
    yield
    registry._installed.cache_clear()


@pytest.mark.usefixtures("_asked_anew")
def test_plug_ins_are_found_by_their_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As packaging tools write it; what is missing, there twice, or broken is said so."""
    folder = tmp_path / "elsewhere-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: elsewhere\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text(
        "[fourseal.executors]\nelsewhere = plugged_elsewhere:make\nbroken = plugged_elsewhere:nothing\n"
        "gone = plugged_nowhere:make\nbook = plugged_elsewhere:make\n"
    )
    (tmp_path / "plugged_elsewhere.py").write_text("def make(means):\n    return means.settings\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert find_executor("elsewhere").__module__ == "plugged_elsewhere"
    for name, problem in (
        ("nobody", "no executor has the name nobody"),
        ("broken", "cannot be loaded"),
        ("gone", "cannot be loaded"),
        ("book", "more than one executor has the name book"),
    ):
        with pytest.raises(OperatorError, match=problem):
            find_executor(name)
    sys.modules.pop("plugged_elsewhere")
