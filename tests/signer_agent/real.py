"""A real server, real agents enrolled with it, and the real command line."""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

from signer_agent.daemon.client import DaemonAgent
from signer_agent.daemon.start import start_daemon, wait_for_end
from signer_agent.home import Home
from signer_agent.keystore.sealing import Passphrase
from signer_agent.keystore.store import KeyStore
from tests import forked
from tests.server.harness import ServerProcess, make_home, make_ticket
from tests.signer_agent.stores import PASSPHRASE
from wire.client.enrolment import enrol
from wire.client.ticket import Ticket

FOURSEAL: Final = (sys.executable, "-c", "from signer_agent.cli import main; main()")
COMMAND_SECONDS: Final = 60


class RealServer:
    """A server process; every agent has a name of its own.

    Args:
        folder: of the server.
    """

    def __init__(self, folder: Path) -> None:
        self.home = make_home(folder)
        self.process = ServerProcess(self.home)
        self._names = (f"agent-{number}" for number in itertools.count())

    def ticket(self) -> str:
        """The content of a fresh ticket."""
        return make_ticket(self.home, next(self._names), self.process.serving).to_json()

    def enrolled(self, home: Home) -> KeyStore:
        """A new key store that is enrolled."""
        KeyStore.create(home, Passphrase(PASSPHRASE))
        return self.enrol(home)

    def enrol(self, home: Home) -> KeyStore:
        """Enrol a key store with a fresh ticket."""
        store = KeyStore.open(home, Passphrase(PASSPHRASE))
        asyncio.run(enrol(store, Ticket.parse(self.ticket().encode(), "ticket", datetime.now(UTC))))
        return store

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()


@contextmanager
def running_daemon(home: Home, *, unlocked: bool = True) -> Iterator[None]:
    """A daemon of the agent's, as ``fourseal agent start`` starts it."""
    start_daemon(home)
    try:
        if unlocked:
            asyncio.run(_ask(home, "unlock"))
        yield
    finally:
        asyncio.run(_ask(home, "stop"))
        wait_for_end(home)


async def _ask(home: Home, what: str) -> None:
    agent = DaemonAgent(home)
    try:
        await (agent.unlock(PASSPHRASE) if what == "unlock" else agent.stop())
    finally:
        await agent.close()


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    status: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        """Standard output."""
        return self.out.decode()


def fourseal(
    home: Home,
    *arguments: str | bytes | Path,
    passphrase: Path | None = None,
    environment: Mapping[str, str] | None = None,
    stdin: bytes = b"",
) -> Ran:
    """Run ``fourseal`` for the agent in ``home``; ``passphrase`` is the file that it is in."""
    more = {"FOURSEAL_HOME": str(home.folder)}
    if passphrase:
        more["FOURSEAL_PASSPHRASE_FILE"] = str(passphrase)
    ran = forked.run(
        "signer_agent.cli",
        [os.fsdecode(argument) for argument in arguments],
        os.environ | more | dict(environment or {}),
        stdin=stdin,
        seconds=COMMAND_SECONDS,
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr.decode())
