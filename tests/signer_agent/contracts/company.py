"""Alice, Bob and Carol with agents, accounts and keys of their own, at a real server that runs in this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pyotp

from server.root.application import Server
from server.root.home import Home as ServerHome
from signer_agent.client.server_line import ServerLine
from signer_agent.contracts.account import Accounts
from signer_agent.contracts.entries import Drawers
from signer_agent.contracts.login import LoginLine, Logins
from signer_agent.contracts.messages import Message, Messages, NotReceived
from signer_agent.contracts.model import VerifiedSession
from signer_agent.contracts.sessions import Sessions
from signer_agent.contracts.signer import Signer
from signer_agent.contracts.signer_keys import KeyChoice, SignerKeyring
from signer_agent.home import Home
from signer_agent.keystore.sealing import Passphrase
from signer_agent.keystore.store import KeyStore
from tests.server.harness import make_home, make_ticket, running_server
from tests.server.identity.accounts.people import PASSWORD
from tests.signer_agent.stores import PASSPHRASE
from wire.client.enrolment import enrol
from wire.client.ticket import Ticket


class App:
    """An app with one-time codes: the present one and then the next, which the server takes as well."""

    def __init__(self, uri: str) -> None:
        self._codes = pyotp.TOTP(parse_qs(urlsplit(uri).query)["secret"][0])
        self._last = 0

    def code(self) -> str:
        """A code that was not used yet."""
        self._last = max(int(datetime.now(UTC).timestamp()) // self._codes.interval, self._last + 1)
        return self._codes.generate_otp(self._last)


@dataclass
class Person:
    """Somebody who is logged in."""

    name: str
    home: Home
    store: KeyStore
    line: ServerLine
    signer: Signer
    messages: Messages

    async def received(self, session_id: str) -> list[Message | NotReceived]:
        """All that comes now."""
        return [each async for each in self.messages.receive(session_id)]

    async def received_messages(self, session_id: str) -> list[Message]:
        """All that comes now, when nothing may be wrong."""
        found = await self.received(session_id)
        assert all(isinstance(each, Message) and each.verdict.verified for each in found), found
        return [each for each in found if isinstance(each, Message)]

    async def content(self, number: int) -> bytes:
        """The content of a message."""
        pieces: list[bytes] = []
        await self.messages.write_content(number, pieces.append)
        return b"".join(pieces)


@dataclass
class Company:
    """Everybody, and the server."""

    server: Server
    people: dict[str, Person]

    async def session(self, names: Sequence[str] = ("alice", "bob", "carol"), *, hours: float = 1.0) -> str:
        """A session that the first of them made and all have joined; its id."""
        creator, *others = names
        end = (datetime.now(UTC) + timedelta(hours=hours)).replace(microsecond=0)
        made = await Sessions(self.people[creator].signer).create("Sale of a house", others, end)
        for name in others:
            await Sessions(self.people[name].signer).join(made.session_id)
        await self.people[creator].signer.session(made.session_id, refresh=True)
        return made.session_id

    async def look(self, name: str, session_id: str) -> VerifiedSession:
        """A session as somebody sees it now."""
        return await self.people[name].signer.session(session_id, refresh=True)


@asynccontextmanager
async def gathered(folder: Path, names: Sequence[str] = ("alice", "bob", "carol")) -> AsyncIterator[Company]:
    """A server, and everybody logged in."""
    home = make_home(folder / "server")
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(running_server(home))
        made = [await _arrive(stack, server, home, folder, name) for name in names]
        yield Company(server, {person.name: person for person in made})


async def _arrive(stack: AsyncExitStack, server: Server, server_home: ServerHome, folder: Path, name: str) -> Person:
    home = Home.find(folder / name)
    store = KeyStore.create(home, Passphrase(PASSPHRASE))
    ticket = await asyncio.to_thread(make_ticket, server_home, f"agent-of-{name}", server.serving)
    identity = await enrol(store, Ticket.parse(ticket.to_json().encode(), "ticket", datetime.now(UTC)))
    line = ServerLine(identity, store)
    stack.push_async_callback(line.close)
    with_login = LoginLine(line, Drawers(store))
    accounts, logins = Accounts(with_login), Logins(with_login)
    _, setup = await accounts.register(name, name.title(), PASSWORD)
    app = App(setup.totp_uri)
    await accounts.confirm_factor(name, setup.factor.factor_id, PASSWORD, code=app.code())
    attempt = await logins.begin(name, PASSWORD)
    await logins.finish(attempt, setup.factor.factor_id, code=app.code())
    await SignerKeyring(with_login).make(KeyChoice(bits=2048))
    await logins.prove()
    signer = await Signer.open(store, line)
    messages = await stack.enter_async_context(Messages.of(signer, store))
    return Person(name, home, store, line, signer, messages)
