"""The home folder: where a server keeps its configuration, its master key, its database."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from server.config import CONFIG_NAME, Settings
from server.errors import OperatorError

HOME_VARIABLE: Final = "FOURSEAL_SERVER_HOME"
_SERVING_NAME: Final = "serving.json"


def default_home() -> Path:
    """FOURSEAL_SERVER_HOME, or ~/.local/share/fourseal-server."""
    named = os.environ.get(HOME_VARIABLE)
    return Path(named) if named else Path.home() / ".local" / "share" / "fourseal-server"


@dataclass(frozen=True, slots=True)
class Home:
    """The paths of a home folder."""

    folder: Path

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self.folder / CONFIG_NAME

    @property
    def serving(self) -> Path:
        """The file that is there while a server serves: see ``Serving``."""
        return self.folder / _SERVING_NAME

    @property
    def server_lock(self) -> Path:
        """The lock of the server that runs here, whatever processes it has."""
        return self.folder / "server.lock"

    @property
    def upkeep_lock(self) -> Path:
        """The lock of the process that keeps house for all."""
        return self.folder / "upkeep.lock"

    @property
    def counts(self) -> Path:
        """The folder where several processes keep what they count, for metrics."""
        return self.folder / "counts"

    @property
    def token_lock(self) -> Path:
        """The lock of the process that logs in to the token."""
        return self.folder / "token.lock"

    @property
    def refused_pin(self) -> Path:
        """The file that is there after the token has refused a PIN."""
        return self.folder / "token.refused"

    @property
    def ahead_lock(self) -> Path:
        """The lock of the process that makes halves ahead in the token."""
        return self.folder / "ahead.lock"

    def master_key(self, settings: Settings) -> Path:
        """The master key file."""
        return Path(settings.master_key_file) if settings.master_key_file else self.folder / "master.key"

    def database_url(self, settings: Settings) -> str:
        """The database."""
        return settings.database_url or f"sqlite:///{self.folder / 'fourseal.db'}"


@dataclass(frozen=True, slots=True)
class Serving:
    """What a serving server says of itself: process id, and "host:port" of its listeners, with the real ports."""

    process_id: int
    server: str
    enrolment_server: str
    status_server: str = ""
    """Where to ask about certificates; empty: nowhere."""
    metrics_server: str = ""
    """Where to ask for metrics; empty: nowhere."""

    def to_line(self) -> str:
        """A line of JSON."""
        return json.dumps(asdict(self)) + "\n"

    @classmethod
    def from_line(cls, line: str | bytes) -> Serving:
        """Read ``to_line``. Raises ValueError, TypeError."""
        return cls(**json.loads(line))

    def write(self, path: Path) -> None:
        """Put it into a file, whole or not at all."""
        draft = path.with_name(f"{path.name}.{self.process_id}")
        draft.write_text(self.to_line(), encoding="utf-8")
        draft.replace(path)

    @classmethod
    def read(cls, path: Path) -> Serving | None:
        """The content of such a file; None if there is none, so no server serves.

        Raises:
            OperatorError: the file holds something else.
        """
        try:
            return cls.from_line(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError):
            raise OperatorError(f"{path} cannot be read", "Remove it and start the server again.") from None
