"""A running server, and a client that is enrolled with it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.context import Bench
from bench.load.target import Target
from bench.rig.client import enrol
from bench.rig.server import ServerProcess


@dataclass(frozen=True, slots=True)
class Site:
    """What a scenario over gRPC works with.

    Args:
        folder: for the scenario's files.
        server: the running server.
        target: whom to call, and as whom.
    """

    folder: Path
    server: ServerProcess
    target: Target

    @property
    def server_folder(self) -> Path:
        """Where the server keeps its records."""
        return self.folder / "server"


@contextmanager
def serving(bench: Bench, name: str, cores: Collection[int] | None = None, **settings: str) -> Iterator[Site]:
    """Run a server for as long as the context lasts, in a folder of that name.

    ``cores``: the measured one unless others are named. ``settings``: see ``ServerProcess``.
    """
    folder = bench.workspace / name
    folder.mkdir()
    with ServerProcess(folder / "server", cores or {bench.cores.measured}, **settings) as server:
        yield Site(folder, server, enrol(server.make_ticket("load", folder / "load.ticket"), folder))
