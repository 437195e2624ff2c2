"""Alice and Bob in a contract session, on a server of their own that relays too."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.context import Bench
from bench.rig.company import Person, arrived, meet, register
from bench.rig.server import ServerProcess
from signer_agent.contracts.signer_keys import KeyChoice

PEOPLE: Final = ("alice", "bob")


@dataclass(frozen=True, slots=True)
class Acquainted:
    """Alice, her session with Bob, and the folder of their server."""

    alice: Person
    session_id: str
    server_folder: Path


@contextmanager
def acquainted(bench: Bench, runner: asyncio.Runner, name: str, half_bits: int) -> Iterator[Acquainted]:
    """Start a server, pinned to no core, and have both meet; everything lies in a folder of that name.

    One step of progress for each of ``PEOPLE``.
    """
    folder = bench.workspace / name
    folder.mkdir()
    with ServerProcess(folder / "server", bench.cores.all) as server, ExitStack() as leaving:
        homes = []
        for person in PEOPLE:
            homes.append(register(server, folder, person, KeyChoice(bits=half_bits)))
            bench.progress.step()
        people = AsyncExitStack()
        leaving.callback(lambda: runner.run(people.aclose()))
        alice, bob = [runner.run(people.enter_async_context(arrived(home))) for home in homes]
        yield Acquainted(alice, runner.run(meet([alice, bob])), folder / "server")
