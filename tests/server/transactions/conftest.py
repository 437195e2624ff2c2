"""Fixtures: a bank that a module's tests share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from server.root.home import Home
from server.transactions import execution
from server.transactions.executors import registry
from tests.server.harness import MovableClock, enrolled, make_home, running_server
from tests.server.identity.accounts.people import Person
from tests.server.transactions.book import PLACE
from tests.server.transactions.people import KIND, Bank, Terminal, device_of


@pytest.fixture(scope="session", autouse=True)
def _book_and_time() -> Iterator[None]:
    """The tests' executor has the name "book"; and servers of this process resume nothing by themselves."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(execution, "_RESUME_SECONDS", 3600.0)
        patch.setitem(registry.BUILT_IN, "book", PLACE)
        yield


def make_bank_home(folder: Path, **settings: object) -> Home:
    """A folder of a back end that has the book execute notes; logins stay, for tests move the clock."""
    chosen = {"transaction_executors": [f"{KIND}=book"], "login_idle_seconds": 6 * 3600}
    return make_home(folder, **(chosen | settings))


@asynccontextmanager
async def open_bank(home: Home) -> AsyncIterator[Bank]:
    """A server, with Alice and Bob registered, and two terminals."""
    clock = MovableClock()
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(running_server(home, clock=clock))
        clients = {
            name: await stack.enter_async_context(await enrolled(home, server, name))
            for name in ("till", "mallory", "alice-phone", "bob-phone")
        }
        alice = await device_of(Person("alice", clients["alice-phone"], clock))
        bob = await device_of(Person("bob", clients["bob-phone"], clock))
        till, mallory = Terminal(clients["till"], clock), Terminal(clients["mallory"], clock)
        yield Bank(home, server, clock, till, mallory, alice, bob)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bank(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bank]:
    """A bank."""
    async with open_bank(make_bank_home(tmp_path_factory.mktemp("bank") / "server")) as opened:
        yield opened
