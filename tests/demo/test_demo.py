"""The demo, run as ``make demo`` runs it: holds, fails when something does not hold, and cleans up after itself."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source import ROOT
from tests.demo.running import environment, processes_in, run_quickly
from tests.server.custody.pkcs11.softhsm import require_softhsm


@pytest.mark.slow
def test_demo_holds_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """Every step holds, every attack is refused, and folder and processes are gone."""
    done = run_quickly("demo", environment(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert done.stdout.count("✓") == 29
    assert "✗" not in done.stdout
    assert done.stdout.count("Verified OK") == 2
    assert "verify OK" in done.stdout
    assert len(re.findall(r"refused: openssl dgst: Verification failure", done.stdout)) == 6
    assert len(re.findall(r"refused: .*PARTIAL_SIGNATURE_INVALID, to blame: the client", done.stdout)) == 5
    assert "refused: CALLER_UNKNOWN" in done.stdout
    assert len(re.findall(r"refused: Reason: (SESSION_CLOSED|POSTING_NOT_ALLOWED)", done.stdout)) == 3
    assert done.stdout.count("refused: SESSION_CLOSED") == 3
    assert done.stdout.count("refused: SIGNATURE_INVALID, 6 times") == 3
    assert "Everything holds: every check passed." in done.stdout
    assert re.search(r"refused: Error: The bundle is refused: a content that is not the one described", done.stdout)
    assert re.search(r"refused: check \d+, signature: ", done.stdout)
    assert "LOG_REWOUND" in done.stdout
    assert done.stdout.count(": nowhere") == 16
    assert max(map(len, done.stdout.splitlines())) <= 100
    assert "\x1b" not in done.stdout
    assert list(tmp_path.iterdir()) == []
    assert processes_in(tmp_path) == []


@pytest.mark.slow
def test_demo_fails_when_openssl_accepts_everything(tmp_path: Path) -> None:
    """A judge that says yes to an altered contract makes the demo fail, and it still cleans up."""
    programs, temporary = tmp_path / "programs", tmp_path / "temporary"
    programs.mkdir()
    temporary.mkdir()
    (programs / "openssl").write_text("#!/bin/sh\necho Verified OK\n", encoding="utf-8")
    (programs / "openssl").chmod(0o755)
    done = run_quickly("demo", environment(temporary, programs))
    assert done.returncode == 1
    assert "✗ FAILED" in done.stdout
    assert "altered.pdf did not answer 'Verification failure'" in " ".join(done.stdout.split())
    assert "What was done" in done.stdout
    assert list(temporary.iterdir()) == []
    assert processes_in(temporary) == []


@pytest.mark.parametrize(("module", "number"), [("demo", signal.SIGINT), ("demo.hsm", signal.SIGTERM)])
def test_demo_cleans_up_when_it_is_interrupted(tmp_path: Path, module: str, number: signal.Signals) -> None:
    """Ctrl-C while the server runs: exit status 130, folder and server are gone."""
    if module == "demo.hsm":
        require_softhsm()
    with subprocess.Popen(
        [sys.executable, "-m", module], cwd=ROOT, env=environment(tmp_path), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "serves on" in line:
                break
        assert processes_in(tmp_path) != []
        process.send_signal(number)
        rest = process.stdout.read()
    assert process.returncode == 130
    assert "Interrupted" in rest
    assert list(tmp_path.iterdir()) == []
    assert processes_in(tmp_path) == []
