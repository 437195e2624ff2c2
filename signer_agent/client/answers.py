"""Keys in the server's answers, compared with what the key store has of them."""

from __future__ import annotations

from fourseal.v1 import key_pb2, key_service_pb2

from signer_agent.client.messages import key_from_proto
from signer_agent.client.server_line import ServerLine
from signer_agent.keystore.entries import KeyRecord
from signer_agent.model import AgentKey
from wire.client.blame import answer_malformed


def checked_key(answer: key_pb2.Key, record: KeyRecord) -> AgentKey:
    """Read a key whose share we have.

    Raises:
        PeerMisbehaved: ANSWER_MALFORMED: malformed, or not the key that we know; the culprit is the server.
    """
    key = key_from_proto(answer, record.request.label)
    if key.key_id != record.key_id or key.joint_key != record.joint_key:
        raise answer_malformed("it is another key than the one that was generated")
    return key


async def fetch_key(line: ServerLine, key_id: str, record: KeyRecord | None) -> AgentKey:
    """Ask the server for a key; ``record`` is what we know of it, None where the share is elsewhere.

    Raises:
        FoursealError: what the server refuses; PeerMisbehaved as ``checked_key``.
    """
    response = await line.call(line.keys.GetKey, key_service_pb2.GetKeyRequest(key_id=key_id))
    return read_key(response.key, key_id, record)


def read_key(answer: key_pb2.Key, key_id: str, record: KeyRecord | None) -> AgentKey:
    """Read the key ``key_id``; see ``fetch_key``."""
    if record is not None:
        return checked_key(answer, record)
    key = key_from_proto(answer, "")
    if key.key_id != key_id:
        raise answer_malformed("it is another key than the one that was asked for")
    return key
