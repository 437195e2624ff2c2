"""The demo of custody in a token, run as ``make demo-hsm`` runs it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.demo.running import environment, processes_in, run_quickly
from tests.server.custody.pkcs11.softhsm import require_softhsm


@pytest.mark.slow
def test_demo_holds_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """Every step holds, nothing comes out of the token, and folder and processes are gone."""
    require_softhsm()
    done = run_quickly("demo.hsm", environment(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert done.stdout.count("✓") == 12
    assert "✗" not in done.stdout
    assert "sensitive, always sensitive, never extractable, local" in done.stdout
    assert len(re.findall(r"refused: (AttributeSensitive|KeyUnextractable|PKCS11Error)", done.stdout)) == 6
    assert done.stdout.count("Verified OK") == 2
    assert "alice.certificate.pem: OK" in done.stdout
    for certificate, reason in (("alice.certificate", "superseded"), ("acme", "cessationOfOperation")):
        assert re.search(rf"(?s){certificate}.pem: good.*{certificate}.pem: revoked.*{reason}", done.stdout)
    assert "error 23 at 0 depth lookup: certificate revoked" in done.stdout
    assert re.search(r"[1-9]\d* times UNAVAILABLE", done.stdout)
    assert max(map(len, done.stdout.splitlines())) <= 100
    assert "\x1b" not in done.stdout
    assert list(tmp_path.iterdir()) == []
    assert processes_in(tmp_path) == []
