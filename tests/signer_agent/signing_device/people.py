"""Alice with a device, Bob whom she pays, and a terminal, at a real back end with a ledger."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import grpc
import pytest
from fourseal.v1 import signing_device_service_pb2 as pb
from fourseal.v1.signing_device_service_pb2_grpc import SigningDeviceServiceStub

from contract.transactions.binding import SignedBinding
from contract.transactions.transaction import Transaction
from server.clock import system_clock
from server.root.application import Server
from server.transactions.executors.ledger import open_account
from signer_agent.contracts.signer_keys import EncryptKind, KeyChoice, SignKind
from signer_agent.home import Home
from signer_agent.signing_device.desk import Desk
from signer_agent.signing_device.serving import open_to_terminals
from tests.server.harness import call, enrolled, make_home, running_server
from tests.server.transactions.people import Terminal
from tests.signer_agent.trusteeship.people import Trustee, arrive
from wire.client.repetition import socket_address

OVERDRAFT: Final = 10**9
QUICK: Final = KeyChoice(SignKind.P256, EncryptKind.X25519)
SIZE: Final = (60, 12)


@dataclass
class Scene:
    """All of them."""

    server: Server
    alice: Trustee
    bob: Trustee
    terminal: Terminal

    def transaction(self, **changed: Any) -> Transaction:  # noqa: ANN401  # fields
        """What the terminal proposes to Alice."""
        return self.terminal.transaction(kind="transfer", **changed)

    @asynccontextmanager
    async def device(self, *, own_key: bool = False) -> AsyncIterator[Device]:
        """Alice's device, to which terminals come by its socket."""
        office = await self.alice.contracts.signing_office(self.alice.agent, own_key=own_key)
        desk = Desk(office, SIZE)
        async with open_to_terminals(desk, self.alice.home), reached(self.alice.home) as stub:
            yield Device(desk, stub)

    @contextmanager
    def told(self, service: str, method: str, lie: Callable[[Any], None]) -> Iterator[None]:
        """Have the server's answers to Alice's agent changed on their way; before her device is made."""
        stub = getattr(self.alice.contracts._line, service)
        honest = getattr(stub, method)

        async def lying(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401
            answer = await honest(*arguments, **named)
            lie(answer)
            return answer

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(stub, method, lying)
            yield


@dataclass
class Device:
    """A device, and the way that terminals have to it."""

    desk: Desk
    stub: Any

    async def present(self, transaction: Transaction) -> SignedBinding:
        """A terminal presents."""
        answer = await call(
            self.stub.PresentTransaction, pb.PresentTransactionRequest(transaction_der=transaction.to_der())
        )
        return SignedBinding.from_der(answer.binding_der)

    async def collect(self, transaction: Transaction) -> str:
        """A terminal waits for the code."""
        request = pb.CollectCodeRequest(transaction_sha256=transaction.digest)
        code: str = (await call(self.stub.CollectCode, request)).code
        return code

    async def read_and_confirm(self) -> None:
        """The user does."""
        while (view := self.desk.view).number < view.count:
            self.desk.forward(view.revision)
        while not (view := self.desk.view).may_confirm:
            await self.desk.changed(view.revision)
        await self.desk.confirm(view.revision)


@asynccontextmanager
async def reached(home: Home) -> AsyncIterator[Any]:
    """The service of a device, as terminals reach it."""
    async with grpc.aio.insecure_channel(socket_address(home.device_socket)) as channel:
        yield SigningDeviceServiceStub(channel)


@asynccontextmanager
async def scene_in(folder: Path) -> AsyncIterator[Scene]:
    """A server, and everybody there."""
    home = make_home(folder / "server", transaction_executors=["transfer=ledger"])
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(running_server(home))
        alice, bob = await asyncio.gather(
            *(arrive(stack, server, home, folder / name, name) for name in ("alice", "bob"))
        )
        for each, overdraft in ((alice, OVERDRAFT), (bob, 0)):
            await each.contracts.keys.make(QUICK)
            await each.contracts.logins.prove()
            opened = partial(
                open_account, account=each.name, currency="EUR", overdraft=overdraft, now=datetime.now(UTC)
            )
            await asyncio.to_thread(server._ground.database.write_now, opened)
        till = await stack.enter_async_context(await enrolled(home, server, "till"))
        yield Scene(server, alice, bob, Terminal(till, system_clock))
