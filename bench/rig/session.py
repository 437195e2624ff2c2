"""An evidence server, a media server, and a contract session between signers, for as long as a context lasts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.context import Bench
from bench.rig.company import register
from bench.rig.outpost import OutpostProcess, free_address
from bench.rig.server import ServerProcess
from signer_agent.contracts.signer_keys import KeyChoice
from signer_agent.home import Home


@dataclass(frozen=True, slots=True)
class Meeting:
    """Both servers, and the folders of people who are logged in."""

    folder: Path
    evidence: ServerProcess
    media: OutpostProcess
    homes: tuple[Home, ...]


@contextmanager
def meeting(bench: Bench, name: str, people: Sequence[str], half_bits: int) -> Iterator[Meeting]:
    """Start the servers and register people; nothing is pinned to a core: every process works for every envelope."""
    folder = bench.workspace / name
    folder.mkdir()
    address = free_address()
    with (
        ServerProcess(folder / "evidence", bench.cores.all, FOURSEAL_RELAY_ADDRESS=address) as evidence,
        OutpostProcess("media", folder / "media", folder / "evidence", address) as media,
    ):
        homes = []
        for person in people:
            homes.append(register(evidence, folder, person, KeyChoice(bits=half_bits)))
            bench.progress.step()
        yield Meeting(folder, evidence, media, tuple(homes))
