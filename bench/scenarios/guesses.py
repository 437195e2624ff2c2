"""A thief with a stolen key store that a PIN guards, who guesses at its server as fast as it answers.

Many guesses at once; at the first answer the server is killed, and started again for the second half of them. However
many there are, no more are evaluated than the server allows before it locks the guard.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import grpc
from fourseal.v1 import pin_service_pb2 as pb
from fourseal.v1.pin_service_pb2_grpc import PinServiceStub

from bench.context import Bench
from bench.errors import BenchFailed
from bench.harness.results import Outcome, Result
from bench.rig.agent import AgentHome, set_up_agent
from bench.rig.server import ServerProcess
from mpc.oprf import Blinded
from signer_agent.client.agent import LocalAgent
from signer_agent.home import Home
from signer_agent.keystore.header import PinGuard
from signer_agent.keystore.store import KeyStore
from wire.limits import channel_options
from wire.status import error_from_rpc
from wire.tls import channel_credentials

if TYPE_CHECKING:  # it exists for the type checker only
    from fourseal.v1.pin_service_pb2_grpc import PinServiceAsyncStub

GROUP: Final = "Guesses at a PIN"
ALLOWED: Final = 3
"""Wrong ones before the guard is locked for hours."""
_PIN: Final = "492761"
_AT_ONCE: Final = 64
_SECONDS: Final = 30.0


@dataclass(slots=True)
class _Thief:
    """Guesses, and counts what came of it."""

    guard: PinGuard
    numbers: Iterator[int]
    found: Counter[str] = field(default_factory=Counter)
    answered: asyncio.Event = field(default_factory=asyncio.Event)

    async def guess(self, server: str, count: int) -> None:
        """So many guesses, as many at a time as may be; fewer where the server ends."""
        credentials = channel_credentials(self.guard.authority_pem)
        async with grpc.aio.secure_channel(server, credentials, channel_options()) as channel:
            stub: PinServiceAsyncStub = PinServiceStub(channel)
            left = iter(range(count))
            await asyncio.gather(*(self._go_on(stub, left) for _ in range(_AT_ONCE)))

    async def _go_on(self, stub: PinServiceAsyncStub, left: Iterator[int]) -> None:
        for _ in left:
            element = Blinded(str(next(self.numbers)).encode()).element
            request = pb.EvaluatePinRequest(guard_id=self.guard.guard_id, blinded_element=element)
            try:
                await stub.EvaluatePin(request, timeout=_SECONDS, wait_for_ready=False)
            except grpc.aio.AioRpcError as error:
                self.found[error_from_rpc(error).reason] += 1
                if error.code() is grpc.StatusCode.UNAVAILABLE:
                    return
            else:
                self.found["evaluated"] += 1
            self.answered.set()


def run(bench: Bench) -> Outcome:
    """Guess as often as the plan says."""
    guesses = bench.plan.guesses
    if not guesses:
        return Outcome()
    bench.progress.begin(f"{guesses} guesses at a PIN", 4)
    folder = bench.workspace / "guesses"
    folder.mkdir()
    with ServerProcess(folder / "server", bench.cores.all) as server:
        thief = _Thief(asyncio.run(_guarded(set_up_agent(server, folder))), iter(range(10**9)))
        bench.progress.step()
        seconds = asyncio.run(_steal(bench, server, thief, guesses))
    evaluated, locked = thief.found["evaluated"], thief.found["PIN_LOCKED"]
    if not 1 <= evaluated <= ALLOWED or thief.found.keys() - {"evaluated", "PIN_LOCKED", "SERVER_UNAVAILABLE"}:
        raise BenchFailed(f"of {guesses} guesses at a PIN {evaluated} were evaluated: {dict(thief.found)}")
    lost = guesses - evaluated - locked
    rate = Result("pin_guesses", f"{guesses} guesses, {evaluated} evaluated", GROUP, "1/s", (guesses / seconds,))
    remark = (
        f"Of {guesses} guesses at a PIN, {_AT_ONCE} at a time, {evaluated} were evaluated and {locked} refused; {lost} "
        "met a server that had been killed, which was then started again."
    )
    return Outcome([rate], remarks=[remark])


async def _guarded(home: AgentHome) -> PinGuard:
    passphrase = home.passphrase_file.read_text(encoding="utf-8")
    agent = await LocalAgent.open_store(Home(home.folder), passphrase)
    try:
        await agent.set_pin(_PIN)
    finally:
        await agent.close()
    guard = KeyStore.header(Home(home.folder)).guard
    if guard is None:
        raise BenchFailed("the key store has no guard")
    return guard


async def _steal(bench: Bench, server: ServerProcess, thief: _Thief, guesses: int) -> float:
    """Guess, with the server killed in between; how long it took."""
    began = time.monotonic()
    first = guesses // 2
    guessing = asyncio.create_task(thief.guess(server.enrolment_address, first))
    await thief.answered.wait()
    server.kill()
    await guessing
    bench.progress.step()
    await asyncio.to_thread(server.start)
    bench.progress.step()
    await thief.guess(server.enrolment_address, guesses - thief.found.total())
    bench.progress.step()
    return time.monotonic() - began
