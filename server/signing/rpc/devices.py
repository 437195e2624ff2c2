"""DeviceService: the devices of an account, with the keys that they have. Here, for identity knows no keys."""

from __future__ import annotations

from fourseal.v1 import device_service_pb2 as pb
from fourseal.v1 import device_service_pb2_grpc

from server.identity import AgentState, CallerReader, Device, Devices, Login, Logins
from server.signing.keys import Keys
from server.signing.rpc.convert import Context
from wire.convert import timestamp_of
from wire.ids import check_agent_id
from wire.peer import login_token

_STATES = {
    AgentState.ACTIVE: pb.DEVICE_STATE_ACTIVE,
    AgentState.BLOCKED: pb.DEVICE_STATE_BLOCKED,
    AgentState.REVOKED: pb.DEVICE_STATE_REVOKED,
}


class DeviceRpc(device_service_pb2_grpc.DeviceServiceServicer):
    """DeviceService.

    Args:
        callers: says who calls.
        logins: say who is logged in.
        devices: the rules.
        keys: say which ones a device has.
    """

    def __init__(self, callers: CallerReader, logins: Logins, devices: Devices, keys: Keys) -> None:
        self._callers = callers
        self._logins = logins
        self._devices = devices
        self._keys = keys

    async def ListDevices(self, request: pb.ListDevicesRequest, context: Context) -> pb.ListDevicesResponse:
        """See the proto."""
        page = await self._devices.list(await self._login(context), request.page_size, request.page_token)
        found = [_to_proto(each, await self._keys.list_ids_of(each.agent.agent_id)) for each in page.rows]
        return pb.ListDevicesResponse(devices=found, next_page_token=page.next_token)

    async def BlockDevice(self, request: pb.BlockDeviceRequest, context: Context) -> pb.BlockDeviceResponse:
        """See the proto."""
        await self._devices.block(await self._login(context), check_agent_id(request.agent_id))
        return pb.BlockDeviceResponse()

    async def _login(self, context: Context) -> Login:
        return await self._logins.read(login_token(context), self._callers.of(context))


def _to_proto(device: Device, key_ids: list[str]) -> pb.Device:
    agent = device.agent
    message = pb.Device(
        agent_id=agent.agent_id,
        state=_STATES[agent.state],
        enrol_time=timestamp_of(agent.enrol_time),
        login_time=timestamp_of(device.login_time),
        keys=[pb.DeviceKey(key_id=key_id) for key_id in key_ids],
    )
    end_time = agent.revoke_time
    if agent.state is AgentState.BLOCKED:
        message.block_cause, end_time = agent.block_cause or "", agent.block_time
    if agent.state is not AgentState.ACTIVE and end_time is not None:
        message.end_time.CopyFrom(timestamp_of(end_time))
    if device.lease_time is not None:
        message.lease_time.CopyFrom(timestamp_of(device.lease_time))
    return message
