"""The server as an operator runs it: a process, made and started by its command line, with a folder of its own.

One is made, and copied for each: nothing that is measured is different with a name and keys of its own.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Collection
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from bench.errors import BenchFailed
from bench.harness.cores import pinned_to
from bench.rig.command import SERVER, environment, operate

_FREE_PORT = "127.0.0.1:0"
_OF_CUSTODY = frozenset(
    ("SOFTHSM2_CONF", *(f"FOURSEAL_{name}" for name in ("CUSTODY", "PKCS11_MODULE", "PKCS11_TOKEN", "PKCS11_PIN")))
)


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
        self.log = home.with_suffix(".log")
        self._where_keys_live = tuple(sorted((name, settings[name]) for name in _OF_CUSTODY & settings.keys()))
        self._settings = environment(FOURSEAL_LISTEN=_FREE_PORT, FOURSEAL_ENROLMENT_LISTEN=_FREE_PORT, **settings)

    def __enter__(self) -> Self:
        shutil.copytree(_set_up_once(self._where_keys_live), self._home)
        self.start()
        return self

    def start(self) -> None:
        """Start it; again, after ``kill``."""
        with self.log.open("ab") as log, pinned_to(self._cores):
            self._process = subprocess.Popen(
                [*SERVER, "run", "--home", str(self._home)],
                env=self._settings,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        output = self._process.stdout
        said = b"" if output is None else output.readline()  # the line that a server prints when it serves
        if not said:
            self._process.communicate()
            raise BenchFailed(f"fourseal-server run ended:\n{self.log.read_text(encoding='utf-8')}")
        addresses = json.loads(said)
        self.address: str = addresses["server"]
        self.enrolment_address: str = addresses["enrolment_server"]
        self._usage = psutil.Process(self._process.pid)

    def kill(self) -> None:
        """End it as a power failure would."""
        self._process.kill()
        self._process.communicate()

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
        self.operate("ticket", name, "--out", str(path))
        return path

    def operate(self, *arguments: str) -> str:
        """Have the operator run a command on the server's folder; returns what it printed. Raises BenchFailed."""
        return operate(SERVER, [*arguments, "--home", str(self._home)], self._settings)

    def processor_seconds(self) -> float:
        """Return the processor time that the server has spent so far, with the processes that it started."""
        times = [process.cpu_times() for process in self._processes()]
        ended = times[0].children_user + times[0].children_system
        return ended + sum(each.user + each.system for each in times)

    def move_to(self, cores: Collection[int]) -> None:
        """Have it go on on these cores, with all its threads and processes."""
        for process in self._processes():
            for thread in process.threads():
                os.sched_setaffinity(thread.id, cores)

    def resident_bytes(self) -> int:
        """Return the memory that the server has resident now."""
        return int(self._usage.memory_info().rss)

    def signing_calls(self) -> int:
        """Return how many calls for signatures its access log tells of so far."""
        return self.log.read_bytes().count(b"SigningService/")

    def _processes(self) -> list[psutil.Process]:
        return [self._usage, *self._usage.children(recursive=True)]


@cache
def _set_up_once(where_keys_live: tuple[tuple[str, str], ...]) -> Path:
    made = Path(tempfile.mkdtemp(prefix="fourseal-bench-"))
    atexit.register(shutil.rmtree, made)
    operate(SERVER, ["init", "--home", str(made)], environment(**dict(where_keys_live)))
    return made
