"""What the agent's library speaks of: keys, their states and changes, signatures asked for and made."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from mpc.errors import FoursealError
from mpc.four_prime_rsa import JointPublicKey, Purpose, SignatureAlgorithm
from wire.catalogue import ServiceError
from wire.ids import new_request_id


class KeyState(StrEnum):
    """Where a joint key stands in its life."""

    AWAITING_OPENING = "awaiting-opening"
    ENABLED = "enabled"
    DISABLED = "disabled"
    DESTRUCTION_SCHEDULED = "destruction-scheduled"
    DESTROYED = "destroyed"
    ABORTED = "aborted"
    UNKNOWN = "unknown"
    """A state that a newer server has and this version does not know."""


class KeyChange(StrEnum):
    """What can be done to a key's state."""

    ENABLE = "enable"
    DISABLE = "disable"
    SCHEDULE_DESTRUCTION = "schedule-destruction"
    CANCEL_DESTRUCTION = "cancel-destruction"
    DESTROY = "destroy"
    """Erases the server share and the client share. Cannot be undone."""


@dataclass(frozen=True, slots=True)
class AgentKey:
    """A joint key, as the server has it now. Public.

    Args:
        key_id: the server's name of the key.
        label: the name for people, or empty.
        purpose: what it does.
        state: where it stands in its life.
        half_bits: size of each half; the joint modulus has twice as many bits.
        joint_key: both public shares; None until the generation is finished.
        algorithms: what the server allows; empty for all.
        daily_limit: operations a day that the server allows; 0 for no limit.
        create_time: when the generation began, UTC.
        destroy_time: from when on it can be destroyed, UTC; None unless its destruction is scheduled.
        replaces_key_id: the key that this one replaces; empty for none.
        replaced_by_key_id: the key that has replaced this one; empty for none.
    """

    key_id: str
    label: str
    purpose: Purpose
    state: KeyState
    half_bits: int
    joint_key: JointPublicKey | None
    algorithms: tuple[SignatureAlgorithm, ...]
    daily_limit: int
    create_time: datetime
    destroy_time: datetime | None
    replaces_key_id: str = ""
    replaced_by_key_id: str = ""

    def require_joint_key(self) -> JointPublicKey:
        """Return the joint public key.

        Raises:
            ServiceError: KEY_NOT_READY: the generation is not finished.
        """
        if self.joint_key is None:
            raise ServiceError("KEY_NOT_READY", key_id=self.key_id)
        return self.joint_key

    def public_key(self) -> RSAPublicKey:
        """The joint public key as ``cryptography`` has it. Raises as ``require_joint_key`` does."""
        return self.require_joint_key().to_cryptography()


@dataclass(frozen=True, slots=True)
class KeyPage:
    """Some keys of a list.

    Args:
        keys: oldest first.
        next_page_token: names the next page; empty on the last.
    """

    keys: tuple[AgentKey, ...]
    next_page_token: str


@dataclass(frozen=True, slots=True)
class DigestToSign:
    """One signature of a batch.

    Args:
        key: id of the key, or its label where one key alone has it.
        algorithm: padding and hash.
        digest: of the document, exactly the hash's length.
        request_id: chosen once for this signature; by default a fresh one.
    """

    key: str
    algorithm: SignatureAlgorithm
    digest: bytes
    request_id: str = field(default_factory=new_request_id)


@dataclass(frozen=True, slots=True)
class SignedDigest:
    """A joint signature, verified.

    Args:
        key_id: the key that signed.
        signature: big-endian, exactly the length of the joint modulus.
    """

    key_id: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class SigningResult:
    """What became of one signature of many.

    Args:
        index: place of the item, from 0.
        item: what was asked for. Who asks for it again, with its request id, gets one signature, not two.
        outcome: the signature, or why there is none.
    """

    index: int
    item: DigestToSign
    outcome: SignedDigest | FoursealError


@dataclass(frozen=True, slots=True)
class AgentState:
    """How an agent is.

    Args:
        locked: whether its key store is closed; only a daemon can be locked.
        version: of the software.
        agent_id: the name in its certificate; empty before enrolment and while locked.
        server_address: "host:port" of its server; empty before enrolment and while locked.
        process_id: of the process that holds the key store.
        wrong_pins: attempts at its PIN that came to nothing before the right one that opened it; 0 while locked.
    """

    locked: bool
    version: str
    agent_id: str
    server_address: str
    process_id: int
    wrong_pins: int
