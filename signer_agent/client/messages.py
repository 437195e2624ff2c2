"""Keys in protobuf messages, and back, strictly: what the other end sends wrong is its fault."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from typing import Final

from fourseal.v1 import agent_service_pb2, key_pb2

from mpc.errors import FoursealError
from mpc.four_prime_rsa import HALF_BITS, JointPublicKey, PublicShare, Purpose, Role, SignatureAlgorithm
from signer_agent.model import AgentKey, KeyChange, KeyState
from wire.client.blame import answer_malformed
from wire.convert import (
    purpose_from_proto,
    purpose_to_proto,
    signature_algorithm_from_proto,
    signature_algorithm_to_proto,
    timestamp_of,
)
from wire.ids import check_key_id

_STATES: Final = {
    key_pb2.KEY_STATE_AWAITING_OPENING: KeyState.AWAITING_OPENING,
    key_pb2.KEY_STATE_ENABLED: KeyState.ENABLED,
    key_pb2.KEY_STATE_DISABLED: KeyState.DISABLED,
    key_pb2.KEY_STATE_DESTRUCTION_SCHEDULED: KeyState.DESTRUCTION_SCHEDULED,
    key_pb2.KEY_STATE_DESTROYED: KeyState.DESTROYED,
    key_pb2.KEY_STATE_ABORTED: KeyState.ABORTED,
}
_STATES_BACK: Final = {ours: proto for proto, ours in _STATES.items()}
_CHANGES: Final = {
    agent_service_pb2.KEY_STATE_CHANGE_ENABLE: KeyChange.ENABLE,
    agent_service_pb2.KEY_STATE_CHANGE_DISABLE: KeyChange.DISABLE,
    agent_service_pb2.KEY_STATE_CHANGE_SCHEDULE_DESTRUCTION: KeyChange.SCHEDULE_DESTRUCTION,
    agent_service_pb2.KEY_STATE_CHANGE_CANCEL_DESTRUCTION: KeyChange.CANCEL_DESTRUCTION,
    agent_service_pb2.KEY_STATE_CHANGE_DESTROY: KeyChange.DESTROY,
}
_CHANGES_BACK: Final = {ours: proto for proto, ours in _CHANGES.items()}
_OPENED: Final = (KeyState.ENABLED, KeyState.DISABLED, KeyState.DESTRUCTION_SCHEDULED)


def key_from_proto(key: key_pb2.Key, label: str) -> AgentKey:
    """Read a key that the server sent.

    Args:
        key: of an answer.
        label: what the agent calls it.

    Raises:
        PeerMisbehaved: ANSWER_MALFORMED; the culprit is the server.
    """
    try:
        return _key_from_proto(key, label)
    except (FoursealError, ValueError, OverflowError) as error:
        raise answer_malformed(f"a key of it does not hold: {error}") from error


def key_to_proto(key: AgentKey) -> agent_service_pb2.AgentKey:
    """A key as the daemon sends it."""
    message = key_pb2.Key(
        key_id=key.key_id,
        purpose=purpose_to_proto(key.purpose),
        state=_STATES_BACK.get(key.state, key_pb2.KEY_STATE_UNSPECIFIED),
        half_bits=key.half_bits,
        policy=policy_to_proto(key.algorithms, key.daily_limit),
        create_time=timestamp_of(key.create_time),
        destroy_time=timestamp_of(key.destroy_time) if key.destroy_time else None,
        replaces_key_id=key.replaces_key_id,
        replaced_by_key_id=key.replaced_by_key_id,
    )
    if key.joint_key is not None:
        message.client_modulus = key.joint_key.client.to_bytes()
        message.server_modulus = key.joint_key.server.to_bytes()
        message.joint_public_key_der = key.joint_key.to_der()
    return agent_service_pb2.AgentKey(key=message, label=key.label)


def policy_to_proto(algorithms: Sequence[SignatureAlgorithm], daily_limit: int) -> key_pb2.KeyPolicy:
    """What the server shall allow."""
    return key_pb2.KeyPolicy(
        algorithms=[signature_algorithm_to_proto(algorithm) for algorithm in algorithms], daily_limit=daily_limit
    )


def algorithms_from_proto(policy: key_pb2.KeyPolicy) -> tuple[SignatureAlgorithm, ...]:
    """Raises MalformedInput (ALGORITHM_UNKNOWN)."""
    return tuple(signature_algorithm_from_proto(algorithm) for algorithm in policy.algorithms)


def change_to_proto(change: KeyChange) -> agent_service_pb2.KeyStateChange.ValueType:
    """The proto's value."""
    return _CHANGES_BACK[change]


def change_from_proto(value: agent_service_pb2.KeyStateChange.ValueType) -> KeyChange | None:
    """Our value, None for one that is not set or not known."""
    return _CHANGES.get(value)


def _key_from_proto(key: key_pb2.Key, label: str) -> AgentKey:
    purpose, state = purpose_from_proto(key.purpose), _STATES.get(key.state, KeyState.UNKNOWN)
    if key.half_bits not in HALF_BITS:
        raise ValueError("no size of a half")
    if state in _OPENED and not key.joint_public_key_der:
        raise ValueError("its joint public key is missing")
    return AgentKey(
        key_id=check_key_id(key.key_id),
        label=label,
        purpose=purpose,
        state=state,
        half_bits=key.half_bits,
        joint_key=_joint_key(key, purpose) if key.joint_public_key_der else None,
        algorithms=algorithms_from_proto(key.policy),
        daily_limit=key.policy.daily_limit,
        create_time=key.create_time.ToDatetime(UTC),
        destroy_time=key.destroy_time.ToDatetime(UTC) if key.HasField("destroy_time") else None,
        replaces_key_id=key.replaces_key_id and check_key_id(key.replaces_key_id),
        replaced_by_key_id=key.replaced_by_key_id and check_key_id(key.replaced_by_key_id),
    )


def _joint_key(key: key_pb2.Key, purpose: Purpose) -> JointPublicKey:
    client = PublicShare.from_bytes(Role.CLIENT, purpose, key.client_modulus)
    server = PublicShare.from_bytes(Role.SERVER, purpose, key.server_modulus)
    joint_key = JointPublicKey(client, server)
    if joint_key.half_bits != key.half_bits or joint_key.to_der() != key.joint_public_key_der:
        raise ValueError("its parts do not belong together")
    return joint_key
