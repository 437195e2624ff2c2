"""Joint public keys, ready for use. They never change once they are opened, so the newest used stay in memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

from mpc.four_prime_rsa import JointPublicKey, PublicShare, Role
from server.journal import Caller
from server.signing import store
from server.signing.policy import state_refusal
from server.signing.store import Key
from server.storage import Database
from wire.catalogue import ServiceError


@dataclass(frozen=True, slots=True)
class OpenedKey:
    """What of a key never changes after its generation."""

    key_id: str
    agent_id: str
    joint_key: JointPublicKey


class OpenedKeys:
    """Finds callers' keys.

    Args:
        database: where the keys are.
        capacity: how many stay in memory, at least 1.
    """

    def __init__(self, database: Database, *, capacity: int) -> None:
        if capacity < 1:
            raise ValueError("capacity must be at least 1")
        self._database = database
        self._capacity = capacity
        self._lock = threading.Lock()
        self._keys: OrderedDict[tuple[str, str], OpenedKey] = OrderedDict()

    def find(self, caller: Caller, key_id: str) -> OpenedKey:
        """A caller's own key, whatever its state after its generation. May read the database: not on an event loop.

        Raises:
            ServiceError: KEY_NOT_FOUND, also for another's key; KEY_NOT_READY, KEY_ABORTED.
        """
        name = (caller.agent_id, key_id)  # so another's key takes the same time as one that does not exist
        with self._lock:
            key = self._keys.get(name)
            if key is not None:
                self._keys.move_to_end(name)
        if key is None:
            key = _load(self._database.read_now(lambda connection: store.find_key(connection, key_id)), caller, key_id)
            with self._lock:
                self._keys[name] = key
                if len(self._keys) > self._capacity:
                    self._keys.popitem(last=False)
        return key


def _load(key: Key | None, caller: Caller, key_id: str) -> OpenedKey:
    if key is None or key.agent_id != caller.agent_id:
        raise ServiceError("KEY_NOT_FOUND", key_id=key_id)
    joint_key = joint_key_of(key)
    if joint_key is None:
        raise state_refusal(key_id, key.state, key.abort_cause)
    return OpenedKey(key_id, key.agent_id, joint_key)


def joint_key_of(key: Key) -> JointPublicKey | None:
    """The joint public key; None until the commitment was opened."""
    if key.client_modulus is None:
        return None
    return JointPublicKey(PublicShare.from_bytes(Role.CLIENT, key.purpose, key.client_modulus), server_share_of(key))


def server_share_of(key: Key) -> PublicShare:
    """The server's public share."""
    return PublicShare.from_bytes(Role.SERVER, key.purpose, key.server_modulus)
