"""The demo of confirmed transactions, run as ``make demo-transaction`` runs it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.demo.running import environment, processes_in, run_quickly


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder with a short name: the device's socket lies in it, whose path has at most 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="demo-") as folder:
        yield Path(folder)


@pytest.mark.slow
def test_demo_holds_and_leaves_nothing_behind(temporary: Path) -> None:
    """Every step holds, every trick is caught for the right reason, and folder and processes are gone."""
    done = run_quickly("demo.transaction", environment(temporary))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert done.stdout.count("✓") == 15
    assert "✗" not in done.stdout
    for cause, times in (
        ("refused: TRANSACTION_CLOSED", 2),
        ("refused: BINDING_OF_OTHER_TRANSACTION", 1),
        ("refused: CODE_WRONG", 5),
        ("refused: CODE_USED", 1),
        ("refused: TRANSACTION_EXPIRED", 3),
        ("refused: CLOCKS_DIFFER", 2),
        ("3 x CODE_WRONG, 97 x TRANSACTION_CLOSED", 1),
        ("1 x executed, 99 x CODE_USED", 1),
    ):
        assert done.stdout.count(cause) == times, cause
    assert max(map(len, done.stdout.splitlines())) <= 100
    assert "\x1b" not in done.stdout
    assert list(temporary.iterdir()) == []
    assert processes_in(temporary) == []
