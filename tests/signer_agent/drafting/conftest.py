"""One server for all of these tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.signer_agent.drafting.people import Table, seated


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def table(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Table]:
    """Alice and Bob."""
    async with seated(tmp_path_factory.mktemp("table")) as table:
        yield table
