"""The demo of an organisation's keys in trust, run as ``make demo-trust`` runs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.demo.running import environment, processes_in, run_quickly
from tests.server.custody.pkcs11.softhsm import require_softhsm


@pytest.mark.slow
def test_demo_holds_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """Every step holds, every refusal is the right one, and folder and processes are gone."""
    require_softhsm()
    done = run_quickly("demo.trust", environment(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert done.stdout.count("✓") == 13
    assert "✗" not in done.stdout
    assert "Verified OK" in done.stdout
    for cause, times in (("GRANT_NOT_APPROVED", 4), ("KIND_OUTSIDE_GRANT", 4), ("GRANT_REVOKED", 1)):
        assert done.stdout.count(cause) == times, cause
    assert done.stdout.count("Reason: CLONE_FOUND") == 2
    assert 'outcome: "passed"' in done.stdout
    assert '{"number": 3, "last": 3, "check": "number", "reason": "RECORD_MISSING"}' in " ".join(done.stdout.split())
    assert max(map(len, done.stdout.splitlines())) <= 100
    assert "\x1b" not in done.stdout
    assert list(tmp_path.iterdir()) == []
    assert processes_in(tmp_path) == []
