"""Real logs that grow, and who watches them."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from contract.log_entry import EntryKind
from server.clock import Clock, system_clock
from server.journal.log import stage
from server.root.application import Server
from server.root.home import Home as ServerHome
from signer_agent.client.server_line import ServerLine
from signer_agent.home import Home
from signer_agent.keystore.sealing import Passphrase
from signer_agent.keystore.store import KeyStore
from signer_agent.log.watch import LogWatch
from tests.server.harness import make_ticket
from tests.signer_agent.stores import PASSPHRASE
from transparency.checkpoint import Checkpoint, verify_checkpoint
from transparency.keys import VerifierKey
from transparency.note import Note
from wire.client.enrolment import enrol
from wire.client.identity import Identity
from wire.client.ticket import Ticket

CALL_SECONDS = 1.0


async def grow(server: Server, entries: int = 1) -> None:
    """Let a log grow, by entries that no other log has."""
    for _ in range(entries):
        await server._ground.database.write(_stage)


def _stage(connection: Connection) -> int:
    return stage(connection, EntryKind.PERMISSION, b"body", system_clock()).index


async def enrol_agent(folder: Path, home: ServerHome, server: Server, name: str) -> None:
    """Make an agent with its folder below ``folder``."""
    store = KeyStore.create(Home.find(folder / name), Passphrase(PASSPHRASE))
    ticket = await asyncio.to_thread(make_ticket, home, name, server.serving)
    await enrol(store, Ticket.parse(ticket.to_json().encode(), "ticket", datetime.now(UTC)))


def opened(folder: Path) -> KeyStore:
    """An agent's key store."""
    return KeyStore.open(Home.find(folder), Passphrase(PASSPHRASE))


def moved(store: KeyStore, address: str) -> Identity:
    """An agent's identity, for a server that is at another address now."""
    known = store.identity()
    assert known is not None
    return Identity(known.agent_id, address, known.authority_pem, known.certificate_pem, known.private_key)


@asynccontextmanager
async def watching(
    store: KeyStore, address: str, silent_after: timedelta | None = None, clock: Clock = system_clock
) -> AsyncIterator[LogWatch]:
    """An agent's watch, at whatever address the server is now."""
    line = ServerLine(moved(store, address))
    try:
        yield await LogWatch.of(store, line, silent_after, seconds=CALL_SECONDS, clock=clock)
    finally:
        await line.close()


def copied(home: ServerHome, folder: Path) -> ServerHome:
    """A backup of a server that does not run."""
    return ServerHome(shutil.copytree(home.folder, folder))


def verified(proof: Path) -> tuple[dict[str, Any], list[Checkpoint]]:
    """The proof of an alarm, as anybody reads it, and the checkpoints in it that the log signed."""
    document = json.loads(proof.read_bytes())
    key = VerifierKey.from_text(document["verifier_key"])
    notes = [document[name] for name in ("kept", "shown") if document[name]]
    return document, [verify_checkpoint(Note.from_bytes(note.encode()), key) for note in notes]
