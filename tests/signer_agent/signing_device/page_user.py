"""A desk's page, served here, and those who come to it: by HTTP, or with a browser."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from signer_agent.daemon.process import make_log
from signer_agent.signing_device.page import SIZE, open_page
from tests.signer_agent.signing_device.desks import Table, new_table
from tests.wire.page_visitor import Answer, Visitor


class Hand(Visitor):
    """Comes to a device's page."""

    async def act(self, action: str, revision: int, **more: str) -> Answer:
        """What the page does for its user."""
        return await self.post(action, revision=revision, **more)


@dataclass(frozen=True)
class Served(Hand):
    """A page, and the table that it shows."""

    table: Table
    log: io.StringIO


@asynccontextmanager
async def served(table: Table | None = None) -> AsyncIterator[Served]:
    """A page of a table, of a new one unless it is given."""
    table, log = table or new_table(size=SIZE), io.StringIO()
    async with open_page(table.desk, table.office.account, 0, make_log(log), table.clock) as url:
        yield Served(url, table, log)
