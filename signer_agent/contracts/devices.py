"""Devices: the agents at which the account has ever logged in, and blocking one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from fourseal.v1 import device_service_pb2 as pb

from signer_agent.contracts.login import LoginLine
from wire.client.blame import answer_malformed

_STATES: Final = {
    pb.DEVICE_STATE_ACTIVE: "active",
    pb.DEVICE_STATE_BLOCKED: "blocked",
    pb.DEVICE_STATE_REVOKED: "revoked",
}


@dataclass(frozen=True, slots=True)
class Device:
    """An agent at which the account has logged in.

    Args:
        agent_id: its name.
        state: active, blocked, revoked; or unknown, of a newer server.
        block_cause: clone, revocation secret, account; or empty.
        end_time: since when it is blocked or revoked; None if it is neither.
        enrol_time: when it was enrolled last.
        login_time: when the account logged in there last.
        lease_time: when it took its last lease; None if it has taken none.
        key_ids: joint keys that it has the client half of, and that are not destroyed.
        is_own: whether it is this one.
    """

    agent_id: str
    state: str
    block_cause: str
    end_time: datetime | None
    enrol_time: datetime
    login_time: datetime
    lease_time: datetime | None
    key_ids: tuple[str, ...]
    is_own: bool


class Devices:
    """What concerns devices. Every method raises FoursealError, what the server refuses among them.

    Args:
        line: with the login.
    """

    def __init__(self, line: LoginLine) -> None:
        self._line = line
        self._rpc = line.line.devices

    async def list(self) -> list[Device]:
        """All devices of the account, by the time of the first login there."""
        found: list[Device] = []
        token = ""
        while True:
            answer = await self._line.call(self._rpc.ListDevices, pb.ListDevicesRequest(page_token=token))
            found += [_from_proto(each, self._line.line.identity.agent_id) for each in answer.devices]
            token = answer.next_page_token
            if not token:
                return found

    async def block(self, agent_id: str) -> None:
        """Block one, at once; it may be this one. Raises DEVICE_NOT_FOUND."""
        await self._line.call(self._rpc.BlockDevice, pb.BlockDeviceRequest(agent_id=agent_id))


def _from_proto(device: pb.Device, own: str) -> Device:
    try:
        return Device(
            device.agent_id,
            _STATES.get(device.state, "unknown"),
            device.block_cause,
            device.end_time.ToDatetime(UTC) if device.HasField("end_time") else None,
            device.enrol_time.ToDatetime(UTC),
            device.login_time.ToDatetime(UTC),
            device.lease_time.ToDatetime(UTC) if device.HasField("lease_time") else None,
            tuple(key.key_id for key in device.keys),
            device.agent_id == own,
        )
    except (ValueError, OverflowError) as error:
        raise answer_malformed("a time of it is none") from error
