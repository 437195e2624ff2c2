"""An agent takes leases by itself: an honest one is never taken for a copy, whatever the network and crashes do."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum, auto
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from fourseal.v1 import lease_service_pb2 as pb
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from server.clock import system_clock
from server.config import load_settings
from server.identity import NO_OBSERVERS, Agent, AgentState, Leases
from server.identity.store.agents import put_agent
from server.identity.store.leases import drop_leases
from server.journal import Caller
from server.storage import Database
from server.storage.backend import backend_of
from signer_agent import AsyncAgent
from signer_agent.client.agent import LocalAgent
from signer_agent.client.leases import Lease
from signer_agent.home import Home
from signer_agent.keystore.entries import Baton
from signer_agent.keystore.sealing import Passphrase
from signer_agent.keystore.store import KeyStore
from tests.server.harness import MovableClock, make_home, silent_log
from tests.signer_agent.authority import Authority
from tests.signer_agent.client.scene import Scene
from tests.signer_agent.real import RealServer
from tests.signer_agent.refusals import refused
from tests.signer_agent.stores import PASSPHRASE
from wire.catalogue import ServiceError

STEPS = 30
STOPPING = """
import asyncio, sys, time
from signer_agent import AsyncAgent
from signer_agent.keystore.store import KeyStore

point, home, passphrase = sys.argv[1:]
save = KeyStore.save_baton

def save_and_stop(store, baton):
    if baton.request_id:
        save(store, baton)
    if point == ("request" if baton.request_id else "answer"):
        print(point, flush=True)
        time.sleep(600)
    elif not baton.request_id:
        save(store, baton)

KeyStore.save_baton = save_and_stop

async def main():
    async with AsyncAgent.open(passphrase=passphrase, home=home) as agent:
        await agent.list_key_page()

asyncio.run(main())
"""


class Fault(Enum):
    """What happens to a lease that is taken."""

    NONE = auto()
    REQUEST_LOST = auto()
    ANSWER_LOST = auto()
    CALLED_OFF = auto()
    KILLED_BEFORE_ITS_REQUEST_IS_STORED = auto()
    KILLED_AFTER_IT = auto()
    KILLED_BEFORE_THE_ANSWER_IS_STORED = auto()
    KILLED_AFTER_IT_IS = auto()


class Lost(Exception):
    """The server could not be reached for so long that the agent has given up."""


class Killed(BaseException):
    """The process ends here."""


class MortalStore(KeyStore):
    """A key store whose process is killed where a test says."""

    fault = Fault.NONE

    def save_baton(self, baton: Baton) -> None:
        """Store it, or end before or after that."""
        before, after = (
            (Fault.KILLED_BEFORE_ITS_REQUEST_IS_STORED, Fault.KILLED_AFTER_IT)
            if baton.request_id
            else (Fault.KILLED_BEFORE_THE_ANSWER_IS_STORED, Fault.KILLED_AFTER_IT_IS)
        )
        if self.fault is before:
            raise Killed
        super().save_baton(baton)
        if self.fault is after:
            raise Killed


@dataclass
class Net:
    """A bad network before the server's rules, for one agent."""

    leases: Leases
    caller: Caller
    fault: Fault = Fault.NONE
    sent: list[pb.TakeLeaseRequest] = field(default_factory=list)

    async def ask(self, request: pb.TakeLeaseRequest) -> pb.TakeLeaseResponse:
        """TakeLease, once."""
        if self.fault is Fault.REQUEST_LOST:
            raise Lost
        self.sent.append(request)
        taken = await self.leases.take(self.caller, request.request_id, request.baton)
        if self.fault is Fault.ANSWER_LOST:
            raise Lost
        if self.fault is Fault.CALLED_OFF:
            raise asyncio.CancelledError
        return pb.TakeLeaseResponse(
            lease=taken.lease, next_baton=taken.next_baton, remaining_seconds=int(taken.remaining.total_seconds())
        )


@dataclass
class World:
    """The server's rules over a real database, and a key store on a real disk."""

    database: Database
    clock: MovableClock
    leases: Leases
    store: MortalStore
    authority: Authority

    async def honest_hour(self, random: Random, steps: list[tuple[Fault, int]]) -> None:
        """Two processes of one home; in every step a fault, and then a call that goes well, after some minutes."""
        pem = self.authority.issue(ec.generate_private_key(ec.SECP256R1()).public_key(), "alice").public_bytes(
            Encoding.PEM
        )
        certificate = x509.load_pem_x509_certificate(pem)
        digest = sha256(certificate.public_bytes(Encoding.DER)).digest()
        net = Net(self.leases, Caller("alice", digest))
        await self.database.write(lambda connection: self._enrol(connection, digest))
        loop, offset = asyncio.get_running_loop(), 0.0
        monotonic = loop.time
        loop.time = lambda: monotonic() + offset  # type: ignore[method-assign]
        processes = [Lease(self.store, pem, net.ask) for _ in range(2)]
        for fault, seconds in steps:
            number = random.randrange(2)
            self.store.fault = net.fault = fault
            try:
                await processes[number].current()
            except (Lost, asyncio.CancelledError):
                pass
            except Killed:
                processes[number] = Lease(self.store, pem, net.ask)
            self.store.fault = net.fault = Fault.NONE
            if net.sent:  # one that was under way for long arrives
                late = random.choice(net.sent)
                with suppress(ServiceError):
                    await self.leases.take(net.caller, late.request_id, late.baton)
            number = random.randrange(2)
            lease = await processes[number].current()
            assert self.leases.admit(net.caller, lease).leased
            offset += seconds
            self.clock.move(timedelta(seconds=seconds))
        for process in processes:
            await process.close()

    def _enrol(self, connection: Connection, digest: bytes) -> None:
        now = system_clock()
        drop_leases(connection, "alice")
        put_agent(connection, Agent("alice", AgentState.ACTIVE, digest, now, now + timedelta(days=365)))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A database with one agent."""
    folder = tmp_path_factory.mktemp("leases")
    server_home = make_home(folder / "server")
    database = Database(backend_of(server_home.database_url(load_settings(server_home.folder))), silent_log())
    clock = MovableClock()
    leases = Leases(database, bytes(32), clock, silent_log(), NO_OBSERVERS)
    store = MortalStore.create(Home.find(folder / "agent"), Passphrase(PASSPHRASE))
    assert isinstance(store, MortalStore)
    yield World(database, clock, leases, store, Authority())
    database.close()


@settings(max_examples=25, deadline=None)
@given(
    steps=st.lists(st.tuples(st.sampled_from(Fault), st.integers(0, 700)), min_size=1, max_size=STEPS),
    seed=st.integers(0, 2**64 - 1),  # what is drawn must not depend on how far a call that is called off came
)
def test_an_honest_agent_on_a_bad_network_is_never_taken_for_a_copy(
    world: World, steps: list[tuple[Fault, int]], seed: int
) -> None:
    """Whatever is lost, late, called off or killed: the next call goes well, for hours."""
    asyncio.run(world.honest_hour(Random(seed), steps))  # noqa: S311  # chooses among cases


def kill_at(point: str, home: Home) -> None:
    """Have a process of the key store take a lease, and kill it when it has come to that point."""
    command = (sys.executable, "-c", STOPPING, point, str(home.folder), PASSPHRASE)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"{point}\n"
        process.kill()


@pytest.mark.full_cost
async def test_a_killed_process_is_no_copy(server: RealServer, home: Home) -> None:
    """Killed where nothing but what it had stored can help: with the request on the way, and with the answer lost."""
    await asyncio.to_thread(server.enrolled, home)
    for point in ("request", "answer", "answer"):
        await asyncio.to_thread(kill_at, point, home)
    async with AsyncAgent.open(passphrase=PASSPHRASE, home=home.folder) as agent:
        await agent.list_key_page()


async def test_a_copy_is_found_and_both_are_told(server: RealServer, home: Home, tmp_path: Path) -> None:
    """Processes of one key store side by side are none; a copy of its folder is."""
    store = await asyncio.to_thread(server.enrolled, home)
    agents = [LocalAgent(store), LocalAgent(KeyStore.open(home, Passphrase(PASSPHRASE)))]
    for agent in (*agents, *agents):
        await agent.list_key_page()
    shutil.copytree(home.folder, tmp_path / "copy")
    thief = LocalAgent(KeyStore.open(Home.find(tmp_path / "copy"), Passphrase(PASSPHRASE)))
    await thief.list_key_page()
    for agent in agents:
        await agent.list_key_page()  # these have leases: nobody has come second yet
    late = LocalAgent(store)
    for agent in (late, *agents, thief):
        with refused("CLONE_FOUND"):
            await agent.list_key_page()
        await agent.close()


async def test_a_lease_that_the_server_finds_expired_is_taken_anew(scene: Scene) -> None:
    """As after a sleep of the machine, which its clock has not counted: once for a call, and the call goes well."""
    scene.server.behaviour.refused_once["ListKeys"] = ServiceError("LEASE_EXPIRED")
    before = len(scene.server.behaviour.calls("TakeLease"))
    await scene.agent.list_key_page()
    assert len(scene.server.behaviour.calls("TakeLease")) == before + 1
    scene.server.behaviour.refusals["ListKeys"] = ServiceError("LEASE_EXPIRED")
    with refused("LEASE_EXPIRED"):
        await scene.agent.list_key_page()
    scene.server.behaviour.refusals.clear()
    await scene.agent.list_key_page()


async def test_a_server_that_gives_no_lease_is_blamed(scene: Scene) -> None:
    """And the baton that was there stays, to be presented again."""

    def nothing(_: pb.TakeLeaseRequest, answer: pb.TakeLeaseResponse) -> None:
        answer.ClearField("next_baton")

    scene.server.behaviour.lies["TakeLease"] = nothing
    agent = LocalAgent(scene.store)
    for _ in range(2):
        with refused("ANSWER_MALFORMED"):
            await agent.list_key_page()
    first, second = scene.server.behaviour.calls("TakeLease")
    assert first == second
    assert first.baton
    scene.server.behaviour.lies.clear()
    await agent.list_key_page()
    await agent.close()
