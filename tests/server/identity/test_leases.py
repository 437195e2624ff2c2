"""Leases at a real server: who copied a key store is found, and whoever is honest is not."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import grpc
import pytest
from fourseal.v1 import key_service_pb2
from fourseal.v1 import lease_service_pb2 as pb
from fourseal.v1.lease_service_pb2_grpc import LeaseServiceStub

from server.config import load_settings
from server.errors import OperatorError
from server.identity import AgentState, list_agents, revoke
from server.identity.leases import LEASE_LIFETIME
from server.root.application import Server
from server.root.home import Home, Serving
from server.storage import Database
from server.storage.backend import backend_of
from tests.server.harness import (
    Client,
    ClientKey,
    MovableClock,
    ServerProcess,
    call,
    enrol,
    enrolled,
    make_ticket,
    query,
    running_server,
    sign_request,
    silent_log,
)
from wire.ids import new_request_id
from wire.peer import LEASE_KEY
from wire.status import RemoteError


class Copy:
    """A copy of an agent's key store: its certificate, and the baton that it has."""

    def __init__(self, client: Client, baton: bytes = b"") -> None:
        self.client = client
        self.baton = baton
        self.lease = b""

    def copied(self) -> Copy:
        """Another one, as the key store is on the disk: leases are not there."""
        return Copy(self.client, self.baton)

    async def take(self, request_id: str = "") -> pb.TakeLeaseResponse:
        """Take a lease, and keep what it was given with."""
        answer = await take(self.client, self.baton, request_id)
        self.baton, self.lease = answer.next_baton, answer.lease
        return answer

    async def use(self, lease: bytes | None = None) -> None:
        """An operation."""
        await use(self.client, self.lease if lease is None else lease)


async def take(client: Client, baton: bytes, request_id: str = "") -> pb.TakeLeaseResponse:
    """TakeLease."""
    request = pb.TakeLeaseRequest(request_id=request_id or new_request_id(), baton=baton)
    return await call(LeaseServiceStub(client.channel).TakeLease, request)


async def use(client: Client, *leases: bytes) -> None:
    """An operation that needs nothing but a caller."""
    metadata = tuple((LEASE_KEY, lease) for lease in leases if lease)
    await call(partial(client.keys.ListKeys, metadata=metadata), key_service_pb2.ListKeysRequest())


def refused(reason: str) -> pytest.RaisesExc[RemoteError]:
    """An answer with that reason."""
    return pytest.RaisesExc(RemoteError, check=lambda error: error.reason == reason)


@asynccontextmanager
async def connected(serving: Serving, client: Client) -> AsyncIterator[Client]:
    """The same agent's line to a server that was started again."""
    async with Client(serving, client.identity) as again:
        yield again


async def test_who_has_taken_a_lease_needs_one(home: Home, mallory: Client) -> None:
    """Its own, whole and not expired: no other, and not those of before an enrolment. What is wrong blocks nobody."""
    clock = MovableClock()
    async with running_server(home, clock=clock) as server, await enrolled(home, server, "alice") as client:
        alice = Copy(client)
        await alice.use(b"")  # whoever has not begun needs none
        first = await take(client, b"", "the-first-request")
        assert 0 < first.remaining_seconds <= LEASE_LIFETIME.total_seconds()
        assert await take(client, b"", "the-first-request") == first
        alice.baton, alice.lease = first.next_baton, first.lease
        await alice.use()
        async with Client(server.serving, mallory.identity) as other:
            theirs = await take(other, b"")
            with refused("LEASE_REQUIRED"):
                await use(client)
            with refused("LEASE_REQUIRED"):
                await use(client, alice.lease, alice.lease)
            flipped = bytes([*alice.lease[:-1], alice.lease[-1] ^ 1])
            later = bytes([*alice.lease[:14], alice.lease[14] ^ 0x40, *alice.lease[15:]])
            for wrong in (theirs.lease, flipped, later, alice.lease[:-1], alice.lease + b"\0", alice.baton):
                with refused("LEASE_WRONG"):
                    await alice.use(wrong)
            for wrong in (theirs.next_baton, alice.baton[:-1], alice.baton + b"\0", alice.lease, bytes(40)):
                with refused("FIELD_INVALID"):
                    await take(client, wrong)
        clock.move(LEASE_LIFETIME)
        with refused("LEASE_EXPIRED"):
            await alice.use()
        late = await take(client, b"", "the-first-request")
        assert (late.lease, late.remaining_seconds) == (first.lease, 0)  # repeated for ever it gives nothing
        await alice.take()
        await alice.use()
        with refused("LEASE_OUTDATED"):  # it was under way for long
            await take(client, b"", "the-first-request")
        await alice.use()
        again = Copy(Client(server.serving, await enrol(make_ticket(home, "alice", server.serving))))
        async with again.client:
            with refused("LEASE_WRONG"):
                await again.use(alice.lease)
            with refused("FIELD_INVALID"):
                await take(again.client, alice.baton)
            await again.take()
            await again.use()


async def test_two_copies_are_found(home: Home, server: Server, key: ClientKey, alice: Client) -> None:
    """Whoever comes first, and whenever the copy was made; then both are refused at once, with every lease."""

    async def comes_first(owner: Copy) -> tuple[Copy, Copy]:
        clone = owner.copied()
        await clone.take()
        return clone, owner

    async def alternates(owner: Copy) -> tuple[Copy, Copy]:
        clone = owner.copied()
        await owner.take()
        await owner.take()
        return owner, clone

    async def waits_until_the_owner_has_stopped(owner: Copy) -> tuple[Copy, Copy]:
        clone = owner.copied()
        await clone.take()
        await clone.take()  # and stays alone for long: the owner finds it when it is back
        return clone, owner

    async def from_before_the_first_lease(owner: Copy) -> tuple[Copy, Copy]:
        return owner, Copy(owner.client)

    for number, clone_that in enumerate(
        (comes_first, alternates, waits_until_the_owner_has_stopped, from_before_the_first_lease)
    ):
        async with await enrolled(home, server, f"owner-{number}") as client:
            owner = Copy(client)
            await owner.take()
            leases = [owner.lease]
            first, second = await clone_that(owner)
            leases.append(first.lease)
            unused = make_ticket(home, f"owner-{number}", server.serving)
            with refused("CLONE_FOUND"):
                await second.take()
            for lease in (*leases, b""):
                with refused("CLONE_FOUND"):
                    await first.use(lease)
            with refused("CLONE_FOUND"):
                await first.take()
            with pytest.raises(grpc.aio.AioRpcError, match="token"):
                await enrol(unused)
    rows = query(home, "SELECT state, block_cause, block_time > 0 FROM agents WHERE agent_id LIKE 'owner-%'")
    assert rows == [("blocked", "clone", 1)] * 4
    await call(alice.signing.SignDigest, sign_request(key))  # nobody else is


async def test_a_joint_operation_needs_the_lease_too(alice: Client, key: ClientKey) -> None:
    """And its repeat; a block ends it."""
    owner = Copy(alice)
    clone = owner.copied()
    await owner.take()
    with refused("LEASE_REQUIRED"):
        await call(alice.signing.SignDigest, sign_request(key))
    request = sign_request(key)
    for _ in range(2):
        await alice.signing.SignDigest(request, metadata=((LEASE_KEY, owner.lease),))
    with refused("CLONE_FOUND"):
        await clone.take()
    with pytest.raises(grpc.aio.AioRpcError, match="copies"):
        await alice.signing.SignDigest(request, metadata=((LEASE_KEY, owner.lease),))


async def test_a_new_ticket_begins_anew(home: Home, server: Server, alice: Client) -> None:
    """An operator's, who says that the agent shall come back; the copies have the old certificate."""
    owner = Copy(alice)
    clone = owner.copied()
    await owner.take()
    with refused("CLONE_FOUND"):
        await clone.take()
    with pytest.raises(OperatorError, match="blocked"):
        make_ticket(home, "alice", server.serving)
    ticket = make_ticket(home, "alice", server.serving, reinstate=True)
    async with Client(server.serving, await enrol(ticket)) as again:
        back = Copy(again)
        await back.use(b"")
        await back.take()
        await back.take()
        await back.use()
    with refused("CALLER_UNKNOWN"):
        await owner.use()
    with refused("CALLER_UNKNOWN"):
        await clone.take()


async def test_a_killed_server_goes_on_where_it_was(home: Home, tmp_path: Path) -> None:
    """What was answered is durable, so an old baton stays old; a database from a backup believes a newer one."""
    with ServerProcess(home) as process:
        ticket = make_ticket(home, "alice", process.serving)
        client = Client(process.serving, await enrol(ticket))
        owner = Copy(client)
        await owner.take()
        clone = owner.copied()
        process.kill()
    backup = Home(Path(shutil.copytree(home.folder, tmp_path / "backup")))
    with ServerProcess(home) as process:
        async with connected(process.serving, client) as again:
            owner.client = clone.client = again
            await owner.use()  # leases outlive the process: their key is in the database
            lost = await take(again, owner.baton, "lost-with-the-server")
            process.kill()
    with ServerProcess(home) as process:
        async with connected(process.serving, client) as again:
            owner.client = clone.client = again
            repeated = await owner.take("lost-with-the-server")
            assert (repeated.lease, repeated.next_baton) == (lost.lease, lost.next_baton)
            await owner.take()
            with refused("CLONE_FOUND"):
                await clone.take()
            process.kill()
    with ServerProcess(backup) as process:
        async with connected(process.serving, client) as again:
            owner.client = clone.client = again
            await owner.take()
            await owner.use()
            with refused("CLONE_FOUND"):
                await clone.take()
    await client.channel.close()


async def test_revoked_stays_revoked(home: Home, alice: Client) -> None:
    """Also where two copies were found before."""
    owner = Copy(alice)
    clone = owner.copied()
    await owner.take()
    with refused("CLONE_FOUND"):
        await clone.take()
    database = Database(backend_of(home.database_url(load_settings(home.folder))), silent_log())
    try:
        database.write_now(lambda connection: revoke(connection, "alice", MovableClock()()))
        (agent,) = database.read_now(list_agents)
    finally:
        database.close()
    assert agent.state is AgentState.REVOKED
    with refused("CALLER_UNKNOWN"):
        await owner.use()
