"""Shared by the tests of the terminal: a shop, whose customer Alice has a device, at a real back end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest
import pytest_asyncio

from signer_agent.signing_device import case
from tests import cheap
from tests.terminal.shop import Shop, shop_in


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has to look at a page for a second."""
    monkeypatch.setattr(case, "SETTLED", timedelta())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    """Shared: each test makes its own transactions. Key stores cost little."""
    async with AsyncExitStack() as stack:
        with cheap.cheap_stores():
            opened = await stack.enter_async_context(shop_in(tmp_path_factory.mktemp("shop")))
        yield opened
