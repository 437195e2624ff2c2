"""A signer agent as its owner sets it up: by its command line, with a key store of its own."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from bench.rig.command import AGENT, environment, operate
from bench.rig.server import ServerProcess
from signer_agent.blocking import Agent


@dataclass(frozen=True, slots=True)
class AgentHome:
    """An enrolled agent's folder, and the file with its passphrase."""

    folder: Path
    passphrase_file: Path

    def open(self) -> Agent:
        """Open the key store in this process."""
        return Agent.open(passphrase=self.passphrase_file.read_text(encoding="utf-8"), home=self.folder)


def set_up_agent(server: ServerProcess, folder: Path) -> AgentHome:
    """Make a key store and enrol it with the server."""
    home = AgentHome(folder / "agent", folder / "passphrase")
    home.passphrase_file.write_text(secrets.token_urlsafe(), encoding="utf-8")
    home.passphrase_file.chmod(0o600)
    ticket = server.make_ticket("agent", folder / "agent.ticket")
    _operate(home, "init")
    _operate(home, "enrol", "--ticket", str(ticket))
    return home


def _operate(home: AgentHome, verb: str, *arguments: str) -> None:
    options = ["--home", str(home.folder), "--passphrase-file", str(home.passphrase_file)]
    operate(AGENT, [verb, *arguments, *options], environment())
