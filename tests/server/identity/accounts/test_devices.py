"""Devices: what an account sees of the agents at which it logged in, and may block."""

from __future__ import annotations

import pytest
from fourseal.v1 import device_service_pb2 as pb
from fourseal.v1 import lease_service_pb2
from fourseal.v1.device_service_pb2_grpc import DeviceServiceStub
from fourseal.v1.lease_service_pb2_grpc import LeaseServiceStub
from google.protobuf.timestamp_pb2 import Timestamp

from server.root.application import Server
from server.root.home import Home
from tests.server.harness import Client, MovableClock, call, enrolled, query
from tests.server.identity.accounts.people import Person
from wire.ids import new_request_id
from wire.status import RemoteError


def refused(reason: str) -> pytest.RaisesExc[RemoteError]:
    """An answer with that reason."""
    return pytest.RaisesExc(RemoteError, check=lambda error: error.reason == reason)


async def devices(person: Person, page_size: int = 0, page_token: str = "") -> pb.ListDevicesResponse:
    """ListDevices."""
    request = pb.ListDevicesRequest(page_size=page_size, page_token=page_token)
    return await person.call(DeviceServiceStub(person.client.channel).ListDevices, request)


async def block(person: Person, agent_id: str) -> None:
    """BlockDevice."""
    await person.call(DeviceServiceStub(person.client.channel).BlockDevice, pb.BlockDeviceRequest(agent_id=agent_id))


def at(person: Person, client: Client) -> Person:
    """The same person at another agent."""
    return Person(person.name, client, person.clock, factor_id=person.factor_id, app=person.app)


async def test_an_account_blocks_where_it_has_logged_in_and_nowhere_else(
    account_home: Home, account_server: Server, alice: Person, thief: Client, clock: MovableClock
) -> None:
    """Another account neither sees nor blocks; a block acts at once, on the login there too, and shows why and when."""
    mallory = Person("mallory", thief, clock)
    await mallory.register()
    key = await alice.client.generate()
    async with await enrolled(account_home, account_server, "phone") as client:
        phone = at(alice, client)
        await phone.log_in()
        request = lease_service_pb2.TakeLeaseRequest(request_id=new_request_id())
        await call(LeaseServiceStub(alice.client.channel).TakeLease, request)
        first, second = (await devices(phone)).devices
        assert (first.agent_id, second.agent_id) == ("laptop", "phone")
        assert [each.key_id for each in first.keys] == [key.key_id]
        assert not second.keys
        assert (first.HasField("lease_time"), second.HasField("lease_time")) == (True, False)
        assert first.state == second.state == pb.DEVICE_STATE_ACTIVE
        page = await devices(phone, page_size=1)
        (rest,) = (await devices(phone, 1, page.next_page_token)).devices
        assert (page.devices[0], rest) == (first, second)

        assert [each.agent_id for each in (await devices(mallory)).devices] == ["thief"]
        for agent_id in ("laptop", "phone", "nobody"):
            with refused("DEVICE_NOT_FOUND"):
                await block(mallory, agent_id)
        stolen = Person("alice", thief, clock, token=phone.token)
        with refused("LOGIN_REQUIRED"):  # a token is good at its agent alone
            await block(stolen, "laptop")
        with refused("LOGIN_REQUIRED"):
            await block(Person("alice", client, clock), "laptop")

        for _ in range(2):
            await block(phone, "laptop")
        with refused("AGENT_BLOCKED"):
            await devices(alice)
        with refused("AGENT_BLOCKED"):
            await call(LeaseServiceStub(alice.client.channel).TakeLease, request)
        blocked, other = (await devices(phone)).devices
        assert (blocked.state, blocked.block_cause, other.state) == (
            pb.DEVICE_STATE_BLOCKED,
            "account",
            pb.DEVICE_STATE_ACTIVE,
        )
        assert blocked.end_time != Timestamp()
        await block(phone, "phone")
        with refused("AGENT_BLOCKED"):
            await devices(phone)
    await devices(mallory)
    rows = query(account_home, "SELECT account, agent_id, detail FROM account_events WHERE event = 'device_blocked'")
    assert rows == [("alice", "phone", "laptop"), ("alice", "phone", "phone")]
