"""What tests fork does what a program does that a user starts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import forked


@pytest.mark.parametrize(
    ("program", "arguments"),
    [
        ("server.cli", ("ra", "list", "--home", "nowhere")),
        ("server.cli", ("authority", "accept", "nothing", "--home", "nowhere")),
        ("signer_agent.cli", ("encrypt", "nothing", "--public-key", "nothing")),
        ("signer_agent.cli", ("key", "\udcff")),
    ],
)
def test_a_fork_answers_as_the_program_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, arguments: tuple[str, ...]
) -> None:
    """The same status, output and error: also of commands that no page shows."""
    monkeypatch.chdir(tmp_path)
    environment = os.environ | {"FOURSEAL_HOME": "nowhere", "COLUMNS": "100"}
    command = [sys.executable, "-c", f"from {program} import main; main()", *arguments]
    started = subprocess.run(command, env=environment, capture_output=True, check=False)
    run = forked.run(program, arguments, environment)
    assert (run.returncode, run.stdout, run.stderr) == (started.returncode, started.stdout, started.stderr)
    assert run.returncode in (1, 2)
    assert run.stderr
