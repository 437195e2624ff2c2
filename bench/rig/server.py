"""The server as an operator runs it: a process, made and started by its command line, with a folder of its own."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Collection
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from bench.errors import BenchFailed
from bench.harness.cores import pinned_to
from bench.rig.command import SERVER, environment, operate

_FREE_PORT = "127.0.0.1:0"


class ServerProcess:
    """A running server, for as long as the context lasts. Everything is as by default: TLS, records, access log.

    Args:
        home: the server's folder; its log goes there too.
        cores: where it runs, with all its threads.
        settings: environment variables beside those for free ports.
    """

    def __init__(self, home: Path, cores: Collection[int], **settings: str) -> None:
        self._home = home
        self._cores = cores
        self._log = home.with_suffix(".log")
        self._settings = environment(FOURSEAL_LISTEN=_FREE_PORT, FOURSEAL_ENROLMENT_LISTEN=_FREE_PORT, **settings)

    def __enter__(self) -> Self:
        self._operate("init")
        with self._log.open("wb") as log, pinned_to(self._cores):
            self._process = subprocess.Popen(
                [*SERVER, "run", "--home", str(self._home)],
                env=self._settings,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        output = self._process.stdout
        if output is None or not output.readline():  # the line that a server prints when it serves
            self._process.wait()
            raise BenchFailed(f"fourseal-server run ended:\n{self._log.read_text(encoding='utf-8')}")
        self._usage = psutil.Process(self._process.pid)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.communicate()

    @property
    def process_id(self) -> int:
        """The server's process id."""
        return self._process.pid

    def make_ticket(self, name: str, path: Path) -> Path:
        """Have the operator make an enrolment ticket for an agent of that name."""
        self._operate("ticket", name, "--out", str(path))
        return path

    def processor_seconds(self) -> float:
        """Return the processor time that the server has spent so far."""
        times = self._usage.cpu_times()
        return times.user + times.system

    def resident_bytes(self) -> int:
        """Return the memory that the server has resident now."""
        return int(self._usage.memory_info().rss)

    def signing_calls(self) -> int:
        """Return how many calls for signatures its access log tells of so far."""
        return self._log.read_bytes().count(b"SigningService/")

    def _operate(self, verb: str, *arguments: str) -> None:
        operate(SERVER, [verb, "--home", str(self._home), *arguments], self._settings)
