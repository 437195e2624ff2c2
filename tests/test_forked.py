"""What tests fork does what a program does that a user starts."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests import forked, programs


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
    command = [str(programs.INSTALLED / forked.NAMES[program]), *arguments]
    started = subprocess.run(command, env=environment, capture_output=True, check=False)
    run = forked.run(program, arguments, environment)
    assert (run.returncode, run.stdout, run.stderr) == (started.returncode, started.stdout, started.stderr)
    assert run.returncode in (1, 2)
    assert run.stderr


def test_a_file_that_stands_for_a_program(tmp_path: Path) -> None:
    """Arguments, folder, environment, streams and status are the program's; a signal reaches it; killed, it ends it."""
    environment = os.environ | {"FOURSEAL_HOME": str(tmp_path / "home")}
    with programs.quick_programs(cheap=False) as quick:
        made, installed = (
            subprocess.run(
                [folder / "fourseal", "key", "\udcff"], check=False, cwd=tmp_path, env=environment, capture_output=True
            )
            for folder in (quick, programs.INSTALLED)
        )
        assert (made.returncode, made.stdout, made.stderr) == (installed.returncode, installed.stdout, installed.stderr)
        subprocess.run([quick / "fourseal-server", "init", "--home", "server"], cwd=tmp_path, check=True)
        for number in (signal.SIGTERM, signal.SIGKILL):
            serve = [str(quick / "fourseal-server"), "run", "--home", "server"]
            settings = os.environ | {"FOURSEAL_LISTEN": "127.0.0.1:0", "FOURSEAL_ENROLMENT_LISTEN": "127.0.0.1:0"}
            with (tmp_path / "log").open("wb") as log:
                server = subprocess.Popen(serve, cwd=tmp_path, env=settings, stdout=subprocess.PIPE, stderr=log)
            with server:
                assert server.stdout
                assert server.stdout.readline()
                server.send_signal(number)
                assert server.wait() == (0 if number is signal.SIGTERM else -number)
                with (tmp_path / "server" / "server.lock").open() as lock:
                    fcntl.flock(lock, fcntl.LOCK_EX)  # as soon as the server lives no more
