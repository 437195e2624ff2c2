"""A guard and two gateways as real processes: of those who send, and of those who receive. Its server relays itself.

Accounts have certified keys without having been registered, and gateways remember the genuine ones from an hour ago.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import structlog

from bench.context import Bench
from bench.rig.announcer import Announcer, Certifier
from bench.rig.outpost import OutpostProcess
from bench.rig.posting import Agent, Desk
from bench.rig.server import ServerProcess
from contract.announcements.contents import Side
from contract.announcements.history import Entry, HistoryFact, Identity
from contract.names import new_session_id
from server.clock import system_clock
from server.config import load_settings
from server.gateway.store.histories import put_facts
from server.root.ground import open_database, open_ground
from server.root.home import Home
from server.storage.backend import backend_of

SOURCE: Final = "192.0.2.7"
"""Address that senders claim."""
_AGO: Final = timedelta(hours=1)
_ANY_PORT: Final = ":0"


@dataclass(frozen=True, slots=True)
class Case:
    """Somebody who sends to somebody, and another who got into that login.

    Args:
        session_id: in which they do.
        destination: account of the receiver.
        genuine, forged: keys of the sender's account.
        agent, impostor: agents that bring them.
    """

    session_id: str
    destination: str
    genuine: Announcer
    forged: Announcer
    agent: Agent
    impostor: Agent

    @property
    def members(self) -> tuple[str, str]:
        """Both accounts."""
        return self.genuine.account, self.destination

    def history(self, now: datetime) -> Entry:
        """That the genuine one has sent there."""
        then = (now - _AGO).replace(microsecond=0)
        fact = HistoryFact(Identity(self.genuine.fingerprint, self.agent.channel), then, then, 3)
        return Entry(self.genuine.account, self.destination, fact)


@dataclass(frozen=True, slots=True)
class Watched:
    """All that runs.

    Args:
        folder: for files.
        guard: the server with the guard.
        senders, receivers: gateways.
        desk: hands out certificates and passes.
        cases: nobody has announced anything in any of them.
        reader: the agent of all receivers.
    """

    folder: Path
    guard: ServerProcess
    senders: OutpostProcess
    receivers: OutpostProcess
    desk: Desk
    cases: Sequence[Case]
    reader: Agent


class Events:
    """What a process logs from now on.

    Args:
        path: of its log.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = path.stat().st_size

    def new(self) -> list[dict[str, Any]]:
        """What it has logged since it was asked last."""
        with self._path.open("rb") as file:
            file.seek(self._at)
            whole, _, _ = file.read().rpartition(b"\n")
        self._at += len(whole) + 1 if whole else 0
        return [json.loads(line) for line in whole.splitlines()]


def time_of(event: dict[str, Any]) -> float:
    """When something was logged, seconds since 1970."""
    return datetime.fromisoformat(event["time"]).timestamp()


@contextmanager
def watched(bench: Bench, name: str, count: int) -> Iterator[Watched]:
    """Start all of it, with so many cases, in a folder of that name; nothing is pinned to a core."""
    folder = bench.workspace / name
    folder.mkdir()
    with ExitStack() as stack:
        guard = stack.enter_context(ServerProcess(folder / "guard", bench.cores.all))
        known = {f"FOURSEAL_{name}_ADDRESS": guard.address for name in ("RELAY", "GUARD")}
        desk, cases = _prepare(folder / "guard", count)
        gateways = []
        for side, host in ((Side.SENDER, "127.0.0.3"), (Side.RECEIVER, "127.0.0.4")):
            home = folder / f"gateway-{side.value}"
            gateway = OutpostProcess("gateway", home, folder / "guard", host + _ANY_PORT, **known)
            gateway.set_up()
            _remember(home, side, cases)
            gateways.append(stack.enter_context(gateway))
        senders, receivers = gateways
        yield Watched(folder, guard, senders, receivers, desk, cases, desk.agent("receivers"))


def _prepare(folder: Path, count: int) -> tuple[Desk, list[Case]]:
    """Have all certified; the server runs meanwhile."""
    home, now = Home(folder), system_clock()
    with open_ground(home, load_settings(folder), structlog.get_logger()) as ground:
        certifier = Certifier(ground)
        desk = Desk(certifier.authority, now)
        announcers = iter(certifier.certify([f"alice-{number // 2}" for number in range(2 * count)]))
    return desk, [
        Case(
            new_session_id(secrets.token_bytes),
            f"bob-{number}",
            next(announcers),
            next(announcers),
            desk.agent(f"alice-{number}"),
            desk.agent(f"mallory-{number}"),
        )
        for number in range(count)
    ]


def _remember(folder: Path, side: Side, cases: Sequence[Case]) -> None:
    """Give a gateway its history, before it runs."""
    home, now = Home(folder), system_clock()
    entries = [case.history(now) for case in cases]
    database = open_database(backend_of(home.database_url(load_settings(folder))), structlog.get_logger())
    try:
        database.write_now(lambda connection: put_facts(connection, side, entries))
    finally:
        database.close()
