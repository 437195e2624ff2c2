"""Ways to change a server's answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from fourseal.v1 import algorithms_pb2, key_pb2

from mpc.four_prime_rsa import Purpose, Role, generate_key_share
from tests.signer_agent.cheating_server import Lie

Answer = Any
"""A protobuf message of any kind, whose fields are set by name."""


def put(name: str, value: object, where: str = "") -> Lie:
    """A lie that sets a field of the answer, or of the message ``where`` in it."""

    def lie(_: object, answer: Answer) -> None:
        setattr(getattr(answer, where) if where else answer, name, value)

    return lie


def clear(name: str, where: str = "") -> Lie:
    """A lie that leaves a field out."""

    def lie(_: object, answer: Answer) -> None:
        (getattr(answer, where) if where else answer).ClearField(name)

    return lie


def change(name: str, how: Callable[[Any], Any], where: str = "") -> Lie:
    """A lie that changes a field."""

    def lie(_: object, answer: Answer) -> None:
        target = getattr(answer, where) if where else answer
        setattr(target, name, how(getattr(target, name)))

    return lie


def roots(how: Callable[[list[bytes]], list[bytes]]) -> Lie:
    """A lie that changes the server's certification."""

    def lie(_: object, answer: Answer) -> None:
        answer.server_certification_roots[:] = how(list(answer.server_certification_roots))

    return lie


def flipped(data: bytes) -> bytes:
    """The last bit turned over."""
    return data[:-1] + bytes([data[-1] ^ 1])


OTHER_MODULUS: Final = generate_key_share(Role.SERVER, Purpose.SIGN, 2048).public.to_bytes()
"""A half of nobody who takes part."""

KEY_LIES: Final[dict[str, Lie]] = {
    "another key id": put("key_id", "key-" + "a" * 26, "key"),
    "another client half": put("client_modulus", OTHER_MODULUS, "key"),
    "another server half": put("server_modulus", OTHER_MODULUS, "key"),
    "short half": change("client_modulus", lambda data: data[1:], "key"),
    "even half": change("client_modulus", flipped, "key"),
    "another joint key": change("joint_public_key_der", flipped, "key"),
    "no joint key": clear("joint_public_key_der", "key"),
    "another purpose": put("purpose", key_pb2.KEY_PURPOSE_DECRYPT, "key"),
    "no purpose": clear("purpose", "key"),
    "another size": put("half_bits", 3072, "key"),
    "absurd size": put("half_bits", -1, "key"),
    "another limit": lambda _, answer: setattr(answer.key.policy, "daily_limit", 5),
    "other algorithms": lambda _, answer: answer.key.policy.algorithms.append(
        algorithms_pb2.SIGNATURE_ALGORITHM_RSA_PSS_SHA256
    ),
    "unknown algorithm": lambda _, answer: answer.key.policy.algorithms.append(99),
    "absurd time": lambda _, answer: setattr(answer.key.create_time, "seconds", 1 << 62),
    "nothing": lambda _, answer: answer.Clear(),
}
"""About a key that the agent knows."""

POLICY_LIES: Final = frozenset({"another limit", "other algorithms"})
"""Those of them that only a generation can notice: policies are the server's."""
