"""The check of what is on the machine, without apt-get and with nothing but what each test puts there."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "require.sh"
BASH = shutil.which("bash") or "/bin/bash"


def _require(path: Path, *names: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([BASH, SCRIPT, *names], env={"PATH": str(path)}, capture_output=True, text=True, check=False)


def _program(path: Path, name: str, text: str) -> None:
    program = path / name
    program.write_text(f"#!{BASH}\n{text}\n")
    program.chmod(0o755)


def test_silent_when_all_is_there(tmp_path: Path) -> None:
    """A repeat of make says nothing about it."""
    (tmp_path / "python3").symlink_to(sys.executable)
    _program(tmp_path, "openssl", "")
    run = _require(tmp_path, "python", "openssl")
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("name", "package"), [("openssl", "openssl"), ("node", "nodejs"), ("npm", "npm"), ("pkcs11-tool", "opensc")]
)
def test_says_what_to_install(tmp_path: Path, name: str, package: str) -> None:
    """The package's name is not always the program's."""
    run = _require(tmp_path, name)
    assert run.returncode == 1
    assert run.stderr.splitlines() == [
        f"Missing: the program {name}",
        f"On Debian or Ubuntu: sudo apt-get install {package}",
    ]


def test_goes_on_without_what_is_only_wanted(tmp_path: Path) -> None:
    """It says what is missing, and does not fail: the tests that need it are skipped, and CI fails for that."""
    run = _require(tmp_path, "--wanted", "softhsm2-util")
    assert run.returncode == 0
    assert "sudo apt-get install softhsm2" in run.stderr
    assert _require(tmp_path, "softhsm2-util").returncode == 1


def test_old_python_is_refused_with_its_version(tmp_path: Path) -> None:
    """Python 3.10 would fail later and less clearly."""
    _program(tmp_path, "python3", '[[ $1 == --version ]] && echo "Python 3.10.9"')
    run = _require(tmp_path, "python")
    assert run.returncode == 1
    assert "Python 3.11 or newer" in run.stderr
    assert "Python 3.10.9" in run.stderr
    assert "apt-get install python3 python3-venv" in run.stderr


def test_missing_python_is_named(tmp_path: Path) -> None:
    """No Python at all, which the message must survive."""
    run = _require(tmp_path, "python")
    assert run.returncode == 1
    assert "Python 3.11 or newer" in run.stderr
