"""Alice and Bob, who negotiate: agents with personal certificates, at a real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from contract.documents.draft import DraftFormat
from server.root.application import Server
from signer_agent.contracts.contracts import Contracts
from signer_agent.drafting.drafting import Drafting
from signer_agent.drafting.model import Contract, DraftFile
from signer_agent.home import Home
from tests.contract.watermark.contracts import ENGLISH
from tests.server.harness import make_home, running_server
from tests.signer_agent.trusteeship.people import Trustee, arrive

TEXT: Final = "\n\n".join(ENGLISH)
"""A contract with room for a watermark."""
Lie = Callable[[Any], None]
"""Changes an answer in place."""


def markdown(text: str = TEXT) -> DraftFile:
    """A draft."""
    return DraftFile(text.encode(), DraftFormat.MARKDOWN)


@dataclass
class Negotiator:
    """Somebody with an agent of their own."""

    name: str
    home: Home
    contracts: Contracts
    drafting: Drafting

    @contextmanager
    def told(self, method: str, lie: Lie) -> Iterator[None]:
        """Have the server's answers to this agent changed on their way."""
        stub = self.drafting._rpc
        honest = getattr(stub, method)

        async def call(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401
            answer = await honest(*arguments, **named)
            lie(answer)
            return answer

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(stub, method, call)
            yield


@dataclass
class Table:
    """A running server, and who sits at it."""

    server: Server
    alice: Negotiator
    bob: Negotiator

    async def locked(self, text: str = TEXT) -> Contract:
        """A contract that both have confirmed."""
        made = await self.alice.drafting.create("Lease of a room", ["bob"], markdown(text))
        for each in (self.alice, self.bob):
            made = await each.drafting.confirm(made.contract_id, 1)
        return made

    async def signed(self, text: str = TEXT) -> Contract:
        """The same, signed by both."""
        found = await self.locked(text)
        for each in (self.alice, self.bob):
            found = await each.drafting.sign(found, await each.drafting.draft(found.contract_id, 1))
        return found

    async def finished(self, text: str = TEXT) -> Contract:
        """The same, with consents and documents; nobody has signed the PDF."""
        found = await self.signed(text)
        for each in (self.alice, self.bob):
            found = await each.drafting.consent(found)
        return await self.alice.drafting.finish(found.contract_id)

    async def complete(self, text: str = TEXT) -> Contract:
        """The same, with the PDF signed by both."""
        found = await self.finished(text)
        for each in (self.alice, self.bob):
            await each.drafting.documents.sign_pdf(await each.drafting.contract(found.contract_id))
        return await self.alice.drafting.contract(found.contract_id)


@asynccontextmanager
async def seated(folder: Path) -> AsyncIterator[Table]:
    """A server, and both logged in."""
    home = make_home(folder / "server")
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(running_server(home))
        people: list[Trustee] = await asyncio.gather(
            *(arrive(stack, server, home, folder / name, name) for name in ("alice", "bob"))
        )
        alice, bob = (
            Negotiator(each.name, each.home, each.contracts, each.contracts.drafting(each.agent)) for each in people
        )
        yield Table(server, alice, bob)
