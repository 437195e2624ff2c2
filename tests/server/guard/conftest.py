"""Fixtures: a guard with three gateways that a module's tests share. Each test has accounts of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
import pytest_asyncio

from server.guard import outbox
from server.root.home import Home
from tests.server.guard.people import Net, TestGateway
from tests.server.harness import MovableClock, enrolled, make_home, running_server
from tests.server.trusteeship.people import authority_of


@pytest.fixture(scope="session", autouse=True)
def _rounds() -> Iterator[None]:
    """Guards of this process do by themselves what was woken; what is due, when a test says so."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outbox, "_ROUND_SECONDS", 3600.0)
        yield


@asynccontextmanager
async def open_net(home: Home, clock: MovableClock | None = None) -> AsyncIterator[Net]:
    """A guard, and three gateways that watch."""
    time = clock or MovableClock()
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(running_server(home, clock=time))
        agent = await stack.enter_async_context(await enrolled(home, server, "somebody"))
        made = list[TestGateway]()
        for name in ("gateway-a", "gateway-b", "gateway-m"):
            gateway = TestGateway(authority_of(server), time, name)
            made.append((await stack.enter_async_context(gateway.at(server.serving.server))).watch())
        for gateway in made:
            await gateway.all_told()
        yield Net(home, server, time, agent, made[0], made[1], made[2])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def net(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Net]:
    """A guard with its gateways."""
    low = {"guard_announcements_per_agent": 16, "guard_announcements_per_minute": 1000, "metrics_listen": "127.0.0.1:0"}
    async with open_net(make_home(tmp_path_factory.mktemp("guard") / "server", **low)) as opened:
        yield opened
