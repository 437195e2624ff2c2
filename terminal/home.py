"""Where a terminal keeps its things: one folder, and the names in it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HOME_VARIABLE: Final = "FOURSEAL_TERMINAL_HOME"
"""Environment variable that names the folder."""


@dataclass(frozen=True, slots=True)
class Home:
    """A terminal's folder.

    Args:
        folder: absolute path; need not exist.
    """

    folder: Path

    @classmethod
    def find(cls, folder: Path | str | None = None) -> Home:
        """The folder given, else that of FOURSEAL_TERMINAL_HOME, else ~/.local/share/fourseal-terminal."""
        chosen = folder or os.environ.get(HOME_VARIABLE) or Path.home() / ".local" / "share" / "fourseal-terminal"
        return cls(Path(chosen).expanduser().absolute())

    @property
    def transactions(self) -> Path:
        """Folder of the transactions that were prepared here."""
        return self.folder / "transactions"

    @property
    def requests(self) -> Path:
        """Folder that says which transaction a request id is of."""
        return self.folder / "requests"
