"""A media server or a gateway as an operator runs it: a process with a folder and a certificate of its own."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self

import psutil

from bench.errors import BenchFailed
from bench.rig.command import SERVER, environment, operate

MEDIA_HOST: Final = "127.0.0.2"  # no name of the evidence server's


def free_address(host: str = MEDIA_HOST) -> str:
    """An address and port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return f"{host}:{probe.getsockname()[1]}"


class OutpostProcess:
    """A running process, for as long as the context lasts.

    Args:
        kind: which.
        home: its folder; its log goes beside it.
        evidence_home: of the evidence server, which certifies it.
        address: where it listens, "host:port".
        settings: environment variables beside that one.
    """

    def __init__(
        self, kind: Literal["media", "gateway"], home: Path, evidence_home: Path, address: str, **settings: str
    ) -> None:
        self.home = home
        self._kind = kind
        self._evidence_home = evidence_home
        self._host = address.rpartition(":")[0]
        self._settings = environment(FOURSEAL_LISTEN=address, **settings)
        self.log = home.with_suffix(".log")

    def __enter__(self) -> Self:
        if not self.home.exists():
            self.set_up()
        return self._start()

    def set_up(self) -> None:
        """Make its folder, and have it certified; before it is entered, if something is to be put there."""
        bundle = self.home.with_suffix(".pem")
        self.operate("init", "--server-name", self._host)
        request = str(self.home / f"{self._kind}.csr")
        self.operate("certify", "--request", request, "--out", str(bundle), home=self._evidence_home)
        self.operate("accept", "--certificate", str(bundle))

    def _start(self) -> Self:
        with self.log.open("wb") as file:
            self._process = subprocess.Popen(
                [*SERVER, self._kind, "run", "--home", str(self.home)],
                env=self._settings,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=file,
            )
        line = self._process.stdout.readline() if self._process.stdout is not None else b""
        if not line:
            self._process.wait()
            text = self.log.read_text(encoding="utf-8")
            raise BenchFailed(f"fourseal-server {self._kind} run ended:\n{text}")
        said: dict[str, Any] = json.loads(line)
        self.address: str = said["server"]
        self._usage = psutil.Process(self._process.pid)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.communicate()

    @property
    def process_id(self) -> int:
        """Of the process."""
        return self._process.pid

    def processor_seconds(self) -> float:
        """The processor time that it has spent so far."""
        times = self._usage.cpu_times()
        return times.user + times.system

    def operate(self, verb: str, *arguments: str, home: Path | None = None) -> str:
        """Have the operator run a command; returns what it printed.

        Args:
            verb: the command.
            arguments: its.
            home: on whose folder; None: on its own.
        """
        arguments = (*arguments, "--home", str(home or self.home))
        return operate(SERVER, [self._kind, verb, *arguments], self._settings)
