"""Where the agent keeps its things: one folder, and the names in it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from wire.client.repetition import socket_address

HOME_VARIABLE: Final = "FOURSEAL_HOME"
"""Environment variable that names the folder."""


@dataclass(frozen=True, slots=True)
class Home:
    """The agent's folder.

    Args:
        folder: absolute path; need not exist.
    """

    folder: Path

    @classmethod
    def find(cls, folder: Path | str | None = None) -> Home:
        """The folder given, else that of FOURSEAL_HOME, else ~/.local/share/fourseal."""
        chosen = folder or os.environ.get(HOME_VARIABLE) or Path.home() / ".local" / "share" / "fourseal"
        return cls(Path(chosen).expanduser().absolute())

    @property
    def keys(self) -> Path:
        """Folder of the sealed keys."""
        return self.folder / "keys"

    @property
    def generations(self) -> Path:
        """Folder of the generations that are not finished."""
        return self.folder / "generations"

    @property
    def lease_lock(self) -> Path:
        """The file that whoever takes a lease holds locked."""
        return self.folder / ".lease.lock"

    @property
    def run(self) -> Path:
        """Folder of what lives as long as a daemon."""
        return self.folder / "run"

    @property
    def socket(self) -> Path:
        """The daemon's Unix socket."""
        return self.run / "agent.sock"

    @property
    def socket_address(self) -> str:
        """The same as gRPC takes it."""
        return socket_address(self.socket)

    @property
    def daemon_lock(self) -> Path:
        """The file that a running daemon holds locked."""
        return self.run / "agent.lock"

    @property
    def daemon_log(self) -> Path:
        """The log of a detached daemon."""
        return self.run / "agent.log"

    @property
    def device_socket(self) -> Path:
        """The signing device's Unix socket."""
        return self.run / "device.sock"

    @property
    def device_lock(self) -> Path:
        """The file that a running signing device holds locked."""
        return self.run / "device.lock"

    @property
    def device_log(self) -> Path:
        """The log of a signing device, whose terminal shows other things."""
        return self.run / "device.log"
