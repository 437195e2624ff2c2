"""Where the load goes, and as whom."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import grpc

from wire import tls


@dataclass(frozen=True, slots=True)
class Target:
    """Where to connect, and as whom: the one argument of ``bench.load``, as JSON.

    Args:
        address: "host:port".
        authority, key, certificate: PEM files: the server's authority, the agent's own key and certificate.
    """

    address: str
    authority: str
    key: str
    certificate: str

    def to_json(self) -> str:
        """JSON."""
        return json.dumps(asdict(self))

    def credentials(self) -> grpc.ChannelCredentials:
        """Read the files."""
        files = (Path(self.authority), Path(self.key), Path(self.certificate))
        return tls.channel_credentials(*(file.read_bytes() for file in files))

    @classmethod
    def from_json(cls, text: str) -> Target:
        """Read ``to_json``."""
        return cls(**json.loads(text))
