"""Requests into what the rules take, keys into what callers read."""

from __future__ import annotations

from typing import Any, Final

import grpc
from fourseal.v1 import key_pb2

from mpc.four_prime_rsa import Purpose, SignatureAlgorithm
from server.signing.states import KeyState
from server.signing.store import Key
from wire.catalogue import ServiceError
from wire.convert import (
    purpose_to_proto,
    signature_algorithm_from_proto,
    signature_algorithm_to_proto,
    timestamp_of,
)

Context = grpc.aio.ServicerContext[Any, Any]

MAX_DAILY_LIMIT: Final = 1_000_000_000

_STATES: Final = {
    KeyState.AWAITING_OPENING: key_pb2.KEY_STATE_AWAITING_OPENING,
    KeyState.ENABLED: key_pb2.KEY_STATE_ENABLED,
    KeyState.DISABLED: key_pb2.KEY_STATE_DISABLED,
    KeyState.DESTRUCTION_SCHEDULED: key_pb2.KEY_STATE_DESTRUCTION_SCHEDULED,
    KeyState.DESTROYED: key_pb2.KEY_STATE_DESTROYED,
    KeyState.ABORTED: key_pb2.KEY_STATE_ABORTED,
}


def policy_from_proto(policy: key_pb2.KeyPolicy, purpose: Purpose) -> tuple[tuple[SignatureAlgorithm, ...], int]:
    """Allowed algorithms and daily limit.

    Raises:
        MalformedInput: ALGORITHM_UNKNOWN.
        ServiceError: FIELD_INVALID.
    """
    algorithms = tuple(map(signature_algorithm_from_proto, policy.algorithms))
    if algorithms and purpose is not Purpose.SIGN:
        raise ServiceError("FIELD_INVALID", field="policy.algorithms", problem="must be empty for a decryption key")
    if len(set(algorithms)) != len(algorithms):
        raise ServiceError("FIELD_INVALID", field="policy.algorithms", problem="names an algorithm twice")
    if not 0 <= policy.daily_limit <= MAX_DAILY_LIMIT:
        raise ServiceError("FIELD_INVALID", field="policy.daily_limit", problem=f"not in 0 to {MAX_DAILY_LIMIT}")
    return algorithms, policy.daily_limit


def key_to_proto(key: Key) -> key_pb2.Key:
    """A key as its owner sees it."""
    return key_pb2.Key(
        key_id=key.key_id,
        purpose=purpose_to_proto(key.purpose),
        state=_STATES[key.state],
        half_bits=key.half_bits,
        client_modulus=key.client_modulus or b"",
        server_modulus=key.server_modulus,
        joint_public_key_der=key.joint_public_key or b"",
        policy=key_pb2.KeyPolicy(
            algorithms=[signature_algorithm_to_proto(algorithm) for algorithm in key.algorithms],
            daily_limit=key.daily_limit,
        ),
        create_time=timestamp_of(key.create_time),
        destroy_time=None if key.destroy_time is None else timestamp_of(key.destroy_time),
        replaces_key_id=key.replaces_key_id or "",
        replaced_by_key_id=key.replaced_by_key_id or "",
    )
