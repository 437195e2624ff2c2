"""The demo of the guard against forged signers, run as ``make demo-guard`` runs it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.demo.running import environment, processes_in, run_quickly


@pytest.mark.slow
def test_demo_holds_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """Every step holds: held, named, shut out, released in order, not flooded; and folder and processes are gone."""
    done = run_quickly("demo.guard", environment(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert done.stdout.count("✓") == 17
    assert "✗" not in done.stdout
    shown = " ".join(done.stdout.split())
    assert re.search(
        "- Carol: is the table ready[?] .*- Alice: ten more chairs[.] - Alice: and deliver on Friday[.]", shown
    )
    assert "- Alice: our account has changed" not in shown
    for cause, times in (
        ("refused: PROOF_REQUIRED", 1),
        ("refused: CHANNEL_BLACK_LISTED", 4),
        (" x SIGNATURE_INVALID, ", 1),
        ("(signed by an impostor's key)", 1),
        ("carol: released, one-has-history; the impostor is agent eve at", 1),
        ("│ held ", 3),
        ("│ quarantined ", 1),
        (" of alice is held by your gateway", 3),
    ):
        assert done.stdout.count(cause) == times, cause
    assert max(map(len, done.stdout.splitlines())) <= 100
    assert "\x1b" not in done.stdout
    assert list(tmp_path.iterdir()) == []
    assert processes_in(tmp_path) == []
