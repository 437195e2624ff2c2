"""The demo of a contract from draft to proof, run as ``make demo-contract`` runs it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from PIL import Image

from demo.drafting.proof import PICTURES
from tests.architecture.source import ROOT
from tests.demo.running import environment, processes_in, run_quickly


@pytest.mark.slow
def test_demo_holds_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """Every step holds, every attack is named for what it is, and folder and processes are gone; pictures are there."""
    for program in ("pdfsig", "pdftoppm", "pdftotext"):
        if shutil.which(program) is None:
            pytest.skip(f"no {program}")
    done = run_quickly("demo.drafting", environment(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert done.stdout.count("✓") == 14
    assert "✗" not in done.stdout
    for cause, times in (
        ("PEN_NOT_HELD", 1),
        ("CONTRACT_ANSWER_WRONG", 1),
        ("TEXT_ALTERED", 3),
        ("PDF_CHANGED_AFTER", 3),
        ("WATERMARK_OF_OTHER_CONTRACT", 1),
        ("WATERMARK_MOVED", 1),
    ):
        assert done.stdout.count(cause) == times, cause
    assert done.stdout.count("Signature is Valid.") == 2
    assert done.stdout.count("CMS Verification successful") == 2
    assert re.search(r"altered: 2\.1 .*before: 1, now: 9", done.stdout, flags=re.DOTALL)
    assert re.search(r"removed: 4\.2 ", " ".join(done.stdout.split()))
    for picture in ("contract-watermark-page.png", "contract-watermark.png"):
        with Image.open(ROOT / PICTURES / picture) as opened:
            assert opened.width > 1000
    assert max(map(len, done.stdout.splitlines())) <= 100
    assert "\x1b" not in done.stdout
    assert list(tmp_path.iterdir()) == []
    assert processes_in(tmp_path) == []
