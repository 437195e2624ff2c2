"""Alice, who administers acme, and Bob, who uses its keys: agents with personal certificates, at a real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
from typer.main import get_command

from mpc.four_prime_rsa import Purpose
from server.custody import KeyKind
from server.organisations import add_administrator, register_organisation
from server.registration import Office, approve
from server.root.application import Server
from server.root.home import Home as ServerHome
from signer_agent.cli.main import make_app
from signer_agent.client.agent import LocalAgent
from signer_agent.contracts.contracts import Contracts
from signer_agent.home import Home
from signer_agent.keystore.sealing import Passphrase
from signer_agent.keystore.store import KeyStore
from signer_agent.trusteeship.grants import Grant
from signer_agent.trusteeship.trusteeship import Trusteeship
from tests.server.harness import make_home, make_ticket, running_server
from tests.server.trusteeship.people import YEARS, OwnKey, authority_of, new_key
from tests.signer_agent.contracts.people import Person, register
from tests.signer_agent.stores import PASSPHRASE
from wire.client.enrolment import enrol
from wire.client.ticket import Ticket

KEYS: Final = {
    "seal": (Purpose.SIGN, KeyKind.ECDSA_P256),
    "stamp": (Purpose.SIGN, KeyKind.RSA_3072),
    "letters": (Purpose.DECRYPT, KeyKind.RSA_3072),
}
"""Of acme."""
Lie = Callable[[Any], None]
"""Changes an answer in place."""


@dataclass
class Trustee:
    """Somebody with an agent of their own."""

    name: str
    home: Home
    agent: LocalAgent
    contracts: Contracts
    trust: Trusteeship

    @contextmanager
    def told(self, method: str, lie: Lie) -> Iterator[None]:
        """Have the server's answers to this agent changed on their way."""
        stub = self.trust._rpc
        honest = getattr(stub, method)

        async def call(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401
            answer = await honest(*arguments, **named)
            lie(answer)
            return answer

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(stub, method, call)
            yield


@dataclass
class Company:
    """A running server, its people, and the keys of acme."""

    server: Server
    alice: Trustee
    bob: Trustee
    keys: dict[str, OwnKey]

    async def asked(self, key: str, **changed: Any) -> Grant:  # noqa: ANN401
        """A grant that Bob asked for."""
        wanted: dict[str, Any] = {"uses": 10, "end": in_an_hour(), "reason": "invoices of December"}
        return await self.bob.trust.request_grant("acme", self.keys[key].key_id, **(wanted | changed))

    async def granted(self, key: str, **changed: Any) -> Grant:  # noqa: ANN401
        """The same, approved by Alice."""
        return await self.alice.trust.approve(await self.asked(key, **changed))


async def command(person: Trustee, *arguments: str) -> int | None:
    """See ``command_of``."""
    return await command_of(person.home, *arguments)


async def command_of(home: Home, *arguments: str) -> int | None:
    """A command of somebody's, in this process; its exit status, if it gives a verdict. Raises FoursealError."""
    passphrase = home.folder.with_suffix(".passphrase")
    passphrase.write_text(PASSPHRASE)
    called = get_command(make_app(arguments[0]))
    options = ("--home", str(home.folder), "--passphrase-file", str(passphrase))
    status: int | None = await asyncio.to_thread(called, [*arguments, *options], standalone_mode=False)
    return status


def in_an_hour() -> datetime:
    """A time."""
    return (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0)


@asynccontextmanager
async def gathered(folder: Path) -> AsyncIterator[Company]:
    """A server, and everybody logged in."""
    home = make_home(folder / "server")
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(running_server(home))
        alice, bob = await asyncio.gather(
            *(arrive(stack, server, home, folder / name, name) for name in ("alice", "bob"))
        )
        yield Company(server, alice, bob, await asyncio.to_thread(_make_organisation, server))


async def arrive(stack: AsyncExitStack, server: Server, server_home: ServerHome, folder: Path, name: str) -> Trustee:
    """An agent with an account, a key and a personal certificate for it."""
    home = Home.find(folder)
    store = KeyStore.create(home, Passphrase(PASSPHRASE))
    ticket = await asyncio.to_thread(make_ticket, server_home, f"agent-of-{name}", server.serving)
    await enrol(store, Ticket.parse(ticket.to_json().encode(), "ticket", datetime.now(UTC)))
    agent = LocalAgent(store)
    stack.push_async_callback(agent.close)
    contracts = await agent.contracts()
    await register(contracts, Person(name, home))
    await agent.generate_key("sign", half_bits=2048, label="mine")
    asked = await contracts.personal_certificates(agent).request("mine")
    await asyncio.to_thread(_certify, server, asked.certificate_request_id)
    return Trustee(name, home, agent, contracts, contracts.trusteeship(agent))


def _certify(server: Server, request_id: str) -> None:
    office, authority, now = Office(frozenset({"dora"}), 1, YEARS), authority_of(server), datetime.now(UTC)
    server._ground.database.write_now(
        lambda connection: approve(connection, office, authority, request_id, "dora", now) and None
    )


def _make_organisation(server: Server) -> dict[str, OwnKey]:
    database, now = server._ground.database, datetime.now(UTC)
    database.write_now(lambda connection: register_organisation(connection, "acme", "Acme Works", now))
    database.write_now(lambda connection: register_organisation(connection, "other", "Other Works", now))
    database.write_now(partial(add_administrator, organisation="acme", account="alice", now=now))
    return {name: new_key(server, "acme", purpose, kind, now) for name, (purpose, kind) in KEYS.items()}
