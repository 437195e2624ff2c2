"""People with agents, at a real server, and a session of theirs."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.signer_agent.contracts.company import Company, gathered


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def company(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Company]:
    """Alice, Bob and Carol."""
    async with gathered(tmp_path_factory.mktemp("company")) as company:
        yield company


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def session_id(company: Company) -> str:
    """A session of theirs."""
    return await company.session()
