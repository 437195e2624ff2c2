"""People with a key store each, enrolled with a real server, registered and logged in."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

import pyotp

from signer_agent.client.agent import LocalAgent
from signer_agent.contracts.contracts import Contracts
from signer_agent.contracts.signer_keys import KeyChoice
from signer_agent.home import Home
from signer_agent.keystore.sealing import Passphrase
from signer_agent.keystore.store import KeyStore
from tests.signer_agent.real import RealServer
from tests.signer_agent.stores import PASSPHRASE

PASSWORD: Final = "a password that only tests have"  # noqa: S105
HALVES: Final = KeyChoice(bits=2048)
_STEP_SECONDS: Final = 30
_LATE_SECONDS: Final = 6


@dataclass
class Person:
    """Somebody with an agent of their own.

    Args:
        name: of the account.
        home: of the agent.
    """

    name: str
    home: Home
    secret: str = ""
    used_steps: set[int] = field(default_factory=set)

    def code(self) -> str:
        """A code that was not used yet: of this time step, or of the next or the last, which the server takes too."""
        step, passed = divmod(time.time(), _STEP_SECONDS)
        late = _STEP_SECONDS - passed < _LATE_SECONDS  # the last step's code may be two steps old when the server looks
        first = int(step) if late else int(step) - 1
        free = max(first, max(self.used_steps, default=0) + 1)
        if free > step + 1:
            time.sleep(_STEP_SECONDS - passed)
        self.used_steps.add(free)
        return pyotp.TOTP(self.secret).generate_otp(free)

    def set_up(self, uri: str) -> None:
        """Take the secret of an authenticator app."""
        self.secret = parse_qs(urlsplit(uri).query)["secret"][0]

    def store(self) -> KeyStore:
        """The key store, opened."""
        return KeyStore.open(self.home, Passphrase(PASSPHRASE))

    @asynccontextmanager
    async def contracts(self) -> AsyncIterator[Contracts]:
        """What the key store has of accounts and sessions."""
        agent = LocalAgent(await asyncio.to_thread(self.store))
        try:
            yield await agent.contracts()
        finally:
            await agent.close()


async def register(contracts: Contracts, person: Person) -> None:
    """Register an account and confirm its second factor, which logs in."""
    _, setup = await contracts.accounts.register(person.name, person.name.title(), PASSWORD)
    person.set_up(setup.totp_uri)
    await contracts.accounts.confirm_factor(person.name, setup.factor.factor_id, PASSWORD, code=person.code())


async def log_in(contracts: Contracts, person: Person) -> None:
    """Log in, and prove possession where there are keys."""
    attempt = await contracts.logins.begin(person.name, PASSWORD)
    (factor,) = attempt.second_factors
    await contracts.logins.finish(attempt, factor.factor_id, code=person.code())


def new_person(server: RealServer, folder: Path, name: str, choice: KeyChoice = HALVES) -> Person:
    """Somebody who is registered, logged in, has keys and has proved them."""
    person = Person(name, Home.find(folder / name))
    server.enrolled(person.home)

    async def prepare() -> None:
        async with person.contracts() as contracts:
            await register(contracts, person)
            await contracts.keys.make(choice)
            await contracts.logins.prove()

    asyncio.run(prepare())
    return person
