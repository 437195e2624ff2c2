"""Runs the product's command lines as their users do, apart from the settings of whoever runs the benchmark."""

from __future__ import annotations

import os
import subprocess
import sys

from bench.errors import BenchFailed

SERVER = [sys.executable, "-c", "from server.cli import main; main()"]
AGENT = [sys.executable, "-c", "from signer_agent.cli import main; main()"]
_PREFIX = "FOURSEAL_"


def environment(**settings: str) -> dict[str, str]:
    """Return the environment with these settings and no others: a database that somebody uses is not measured with."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_PREFIX)} | settings


def operate(command: list[str], arguments: list[str], settings: dict[str, str]) -> str:
    """Run a command to its end; returns what it printed.

    Raises:
        BenchFailed: it refused; its output is in the message.
    """
    done = subprocess.run(
        [*command, *arguments], env=settings, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BenchFailed(f"the command {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout
