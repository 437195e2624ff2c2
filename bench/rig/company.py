"""Signers with accounts, keys and logins, each with an agent's folder of their own, in contract sessions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp

from bench.rig.server import ServerProcess
from signer_agent.client.server_line import ServerLine
from signer_agent.contracts.contracts import Contracts
from signer_agent.contracts.messages import Messages
from signer_agent.contracts.sessions import Sessions
from signer_agent.contracts.signer import Signer
from signer_agent.contracts.signer_keys import KeyChoice
from signer_agent.evidence.evidence import Evidence
from signer_agent.home import Home
from signer_agent.keystore.sealing import Passphrase
from signer_agent.keystore.store import KeyStore
from wire.client.enrolment import enrol
from wire.client.ticket import Ticket

PASSPHRASE = "correct horse battery staple"  # noqa: S105  # of key stores that live as long as a run
_PASSWORD = "another correct horse"  # noqa: S105
_LIFETIME = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is logged in."""

    name: str
    home: Home
    signer: Signer
    messages: Messages
    evidence: Evidence


def register(server: ServerProcess, folder: Path, name: str, keys: KeyChoice) -> Home:
    """Make an agent's folder with an account that is logged in and has proved its keys."""
    ticket = server.make_ticket(f"agent-of-{name}", folder / f"{name}.ticket")
    home = Home.find(folder / name)
    asyncio.run(_register(home, Ticket.parse(ticket.read_bytes(), ticket.name, datetime.now(UTC)), name, keys))
    return home


async def _register(home: Home, ticket: Ticket, name: str, keys: KeyChoice) -> None:
    store = KeyStore.create(home, Passphrase(PASSPHRASE))
    identity = await enrol(store, ticket)
    line = ServerLine(identity, store)
    try:
        contracts = await Contracts.of(store, line)
        _, setup = await contracts.accounts.register(name, name.title(), _PASSWORD)
        app = pyotp.parse_uri(setup.totp_uri)
        if not isinstance(app, pyotp.TOTP):
            raise TypeError("the second factor is no app")
        await contracts.accounts.confirm_factor(name, setup.factor.factor_id, _PASSWORD, code=app.now())
        await contracts.keys.make(keys)
        await contracts.logins.prove()
    finally:
        await line.close()


@asynccontextmanager
async def arrived(home: Home) -> AsyncIterator[Person]:
    """Somebody who was registered, in this process."""
    async with AsyncExitStack() as stack:
        store = await asyncio.to_thread(KeyStore.open, home, Passphrase(PASSPHRASE))
        identity = await asyncio.to_thread(store.identity)
        if identity is None:
            raise ValueError("nobody is enrolled here")
        line = ServerLine(identity, store)
        stack.push_async_callback(line.close)
        signer = await Signer.open(store, line)
        messages = await stack.enter_async_context(Messages.of(signer, store))
        yield Person(signer.name, home, signer, messages, await Evidence.of(signer, store))


async def meet(people: Sequence[Person], step: Callable[[], None] = lambda: None) -> str:
    """A session that the first of them makes and all join; its id."""
    creator, *others = people
    end = datetime.now(UTC).replace(microsecond=0) + _LIFETIME
    made = await Sessions(creator.signer).create("A benchmark", [each.name for each in others], end)
    for person in others:
        await Sessions(person.signer).join(made.session_id)
        step()
    await creator.signer.session(made.session_id, refresh=True)
    return made.session_id
