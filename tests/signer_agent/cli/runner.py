"""A signer at the command line."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import ClassVar

from signer_agent.home import Home
from tests.signer_agent.real import FOURSEAL, Ran, fourseal
from tests.signer_agent.stores import PASSPHRASE

_WRITTEN = Path("written-by-the-runner")


class Signer:
    """Runs commands for one agent.

    Args:
        home: of the agent.
        folder: for the file with the passphrase.
        passphrase_file: that file; None where no passphrase is to be had.
    """

    PROGRAM: ClassVar = FOURSEAL

    def __init__(self, home: Home, folder: Path, passphrase_file: Path | None = _WRITTEN) -> None:
        self.home = home
        self.passphrase_file = passphrase_file
        if passphrase_file is _WRITTEN:
            self.passphrase_file = folder / "passphrase"
            self.passphrase_file.write_text(PASSPHRASE + "\n")

    @property
    def environment(self) -> dict[str, str]:
        """For a process that is started otherwise."""
        return {**os.environ, "FOURSEAL_HOME": str(self.home.folder)}

    def run(self, *arguments: str | Path) -> Ran:
        """Run a command that must succeed."""
        ran = fourseal(self.home, *arguments, passphrase=self.passphrase_file)
        assert ran.status == 0, ran.err
        assert "Traceback" not in ran.err
        return ran

    def refused(self, reason: str, *arguments: str | bytes | Path, stdin: bytes = b"") -> Ran:
        """Run a command that must be refused: status 1, the reason, something to do, no traceback."""
        ran = fourseal(self.home, *arguments, passphrase=self.passphrase_file, stdin=stdin)
        assert ran.status == 1, (ran.status, ran.out, ran.err)
        assert "Traceback" not in ran.err
        if b"--json" in [os.fsencode(argument) for argument in arguments]:
            assert json.loads(ran.err)["error"]["reason"] == reason
        else:
            assert "Error: " in ran.err
            assert f"Reason: {reason}" in ran.err
        return ran
