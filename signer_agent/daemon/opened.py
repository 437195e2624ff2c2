"""The opened key store of a daemon: the agent, and the account that is logged in, for as long as it is unlocked.

Messages of an account stay open, with their lines to media servers, until the login or the keys change.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from signer_agent.client.agent import LocalAgent
from signer_agent.contracts.contracts import Contracts
from signer_agent.contracts.messages import Messages
from signer_agent.contracts.signer import Signer
from signer_agent.usage import Usage


class Opened:
    """What an unlocked daemon works with. Belongs to the event loop that it was made on.

    Args:
        agent: with the opened key store.
    """

    def __init__(self, agent: LocalAgent) -> None:
        self.agent = agent
        self.closing = asyncio.Event()
        """Set when the agent is being locked: what only waits ends then."""
        self._usage = Usage()
        self._turn = asyncio.Lock()
        self._standing: tuple[object, ...] = ()
        self._account: tuple[Signer, Messages] | None = None
        self._former: list[Messages] = []

    @asynccontextmanager
    async def account(self) -> AsyncIterator[tuple[Signer, Messages]]:
        """The account that is logged in, for one call, which is finished before the agent is locked.

        Raises:
            FoursealError: AGENT_CLOSED; as ``LocalAgent.contracts`` and ``Signer.open``.
        """
        with self._usage.call():
            async with self._turn:
                account = await self._current()
            yield account

    @asynccontextmanager
    async def contracts(self) -> AsyncIterator[Contracts]:
        """What the key store has of accounts, for one call, logged in or not. Raises as ``account``."""
        with self._usage.call():
            yield await self.agent.contracts()

    async def close(self) -> None:
        """Finish what is in flight and forget every secret."""
        self.closing.set()
        await self._usage.end()
        for messages in (*self._former, *([self._account[1]] if self._account else [])):
            await messages.close()
        await self.agent.close()

    async def _current(self) -> tuple[Signer, Messages]:
        contracts = await self.agent.contracts()
        standing = await contracts.standing()
        if self._account is None or standing != self._standing:
            signer = await contracts.signer()
            if self._account is not None:
                self._former.append(self._account[1])  # somebody may be sending by it
            self._account = signer, await asyncio.to_thread(Messages, signer, contracts.store)
            self._standing = standing
        return self._account
