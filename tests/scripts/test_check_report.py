"""A run with skipped tests, or none, is no success."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "check_report.py"


PASSED = '<testcase classname="a" name="b"/>'
SKIPPED = '<testcase classname="c" name="d"><skipped message="not installed"/></testcase>'
LACKING = '<testcase classname="c" name="d"><skipped message="no: the processor has no AVX-512 IFMA"/></testcase>'


@pytest.mark.parametrize(
    ("cases", "status", "said"),
    [
        (PASSED, 0, ""),
        ("", 1, "no test ran\n"),
        (PASSED + SKIPPED, 1, "skipped: c::d\n"),
        (PASSED + LACKING, 0, ""),
    ],
)
def test_report_is_judged(tmp_path: Path, cases: str, status: int, said: str) -> None:
    """The exit status and the names tell."""
    report = tmp_path / "report.xml"
    report.write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")
    run = subprocess.run([sys.executable, SCRIPT, report], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (status, said)


def test_report_of_pytest_itself(tmp_path: Path) -> None:
    """The form that is read is the form that pytest writes."""
    (tmp_path / "test_it.py").write_text("import pytest\n\n@pytest.mark.skip\ndef test_it(): pass\n")
    report = tmp_path / "report.xml"
    options = ["-c", "/dev/null", f"--rootdir={tmp_path}", "-p", "no:cacheprovider", f"--junitxml={report}"]
    subprocess.run([sys.executable, "-m", "pytest", *options, tmp_path], capture_output=True, check=True)
    run = subprocess.run([sys.executable, SCRIPT, report], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (1, "skipped: test_it::test_it\n")
