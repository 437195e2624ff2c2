"""The media server as an operator runs it: a process with a folder and a certificate of its own."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.errors import BenchFailed
from bench.rig.command import SERVER, environment, operate

_ADDRESS = "127.0.0.2"  # no name of the evidence server's


def free_address() -> str:
    """An address and port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind((_ADDRESS, 0))
        return f"{_ADDRESS}:{probe.getsockname()[1]}"


class MediaProcess:
    """A running media server, for as long as the context lasts.

    Args:
        home: its folder.
        evidence_home: of the evidence server, which certifies it.
        address: where it listens.
    """

    def __init__(self, home: Path, evidence_home: Path, address: str) -> None:
        self._home = home
        self._evidence_home = evidence_home
        self._settings = environment(FOURSEAL_LISTEN=address)

    def __enter__(self) -> Self:
        bundle = self._home.with_suffix(".pem")
        self._operate("init", "--server-name", _ADDRESS, "--home", str(self._home))
        request = str(self._home / "media.csr")
        self._operate("certify", "--request", request, "--out", str(bundle), "--home", str(self._evidence_home))
        self._operate("accept", "--certificate", str(bundle), "--home", str(self._home))
        log = self._home.with_suffix(".log")
        with log.open("wb") as file:
            self._process = subprocess.Popen(
                [*SERVER, "media", "run", "--home", str(self._home)],
                env=self._settings,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=file,
            )
        line = self._process.stdout.readline() if self._process.stdout is not None else b""
        if not line:
            self._process.wait()
            raise BenchFailed(f"fourseal-server media run ended:\n{log.read_text(encoding='utf-8')}")
        json.loads(line)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.communicate()

    @property
    def process_id(self) -> int:
        """The media server's process id."""
        return self._process.pid

    def _operate(self, *arguments: str) -> None:
        operate(SERVER, ["media", *arguments], self._settings)
