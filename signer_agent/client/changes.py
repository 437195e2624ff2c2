"""Changes of a key's state at the server."""

from __future__ import annotations

from fourseal.v1 import key_pb2, key_service_pb2

from signer_agent.client.server_line import ServerLine
from signer_agent.model import KeyChange
from wire.ids import new_request_id


async def request_change(line: ServerLine, key_id: str, change: KeyChange) -> key_pb2.Key:
    """Ask the server for a change, and return the key as it is then, not yet checked.

    Raises:
        FoursealError: what the server refuses.
    """
    names = {"key_id": key_id, "request_id": new_request_id()}
    match change:
        case KeyChange.ENABLE:
            return (await line.call(line.keys.EnableKey, key_service_pb2.EnableKeyRequest(**names))).key
        case KeyChange.DISABLE:
            return (await line.call(line.keys.DisableKey, key_service_pb2.DisableKeyRequest(**names))).key
        case KeyChange.SCHEDULE_DESTRUCTION:
            scheduling = key_service_pb2.ScheduleKeyDestructionRequest(**names)
            return (await line.call(line.keys.ScheduleKeyDestruction, scheduling)).key
        case KeyChange.CANCEL_DESTRUCTION:
            cancelling = key_service_pb2.CancelKeyDestructionRequest(**names)
            return (await line.call(line.keys.CancelKeyDestruction, cancelling)).key
        case KeyChange.DESTROY:
            return (await line.call(line.keys.DestroyKey, key_service_pb2.DestroyKeyRequest(**names))).key
