"""An alarm about two keys that claimed to be one user's towards us, as the agent keeps it, and what is said of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, Self

from fourseal.v1 import gateway_service_pb2 as pb
from fourseal.v1 import guard_service_pb2

from contract.announcements.claim import Claim, check_alarm_id
from contract.announcements.contents import Block
from contract.der import FINGERPRINT_BYTES
from contract.names import check_session_id
from wire.client.documents import DocumentError, Fields, Json, bytes_to_text, decode, encode

IMPOSTOR: Final = "signed by an impostor's key"
"""The remark about a message, once that was found out."""


class KeyAlarmState(StrEnum):
    """How it stands."""

    ASKING = "asking"
    """The gateway was not reached yet."""
    UNHELD = "unheld"
    """Nobody holds anything: there is no gateway, or it refuses to."""
    HELD = "held"
    UNDETERMINED = "undetermined"
    """Held until a person decides."""
    RELEASED = "released"
    """It is over."""

    @property
    def is_open(self) -> bool:
        """Whether the gateway may know more of it by now."""
        return self in {KeyAlarmState.ASKING, KeyAlarmState.HELD, KeyAlarmState.UNDETERMINED}


_STATES: Final = {
    guard_service_pb2.ALARM_STATE_UNDETERMINED: KeyAlarmState.UNDETERMINED,
    guard_service_pb2.ALARM_STATE_RELEASED: KeyAlarmState.RELEASED,
}


@dataclass(frozen=True, slots=True)
class ImpostorPlace:
    """Where an impostor's key was used, as gateways say.

    Args:
        key: its fingerprint.
        agent: name of the agent.
        address: IP address that it came from.
    """

    key: bytes
    agent: str
    address: str


@dataclass(frozen=True, slots=True)
class KeyAlarm:
    """One alarm.

    Args:
        session_id: of the session in which the second key was announced.
        block: both announcements.
        certificates: that they name, in their order, DER.
        create_time: when it was noticed, UTC.
        state: how it stands.
        problem: why the gateway refuses to hold it: a reason; empty: it does not.
        rule: by which it was judged; empty: it was not.
        genuine: fingerprints of the keys that are genuine.
        impostors: of those that are not.
        places: where those were used.
        by_guard: whether the guard deals with it.
    """

    session_id: str
    block: Block
    certificates: tuple[bytes, bytes]
    create_time: datetime
    state: KeyAlarmState = KeyAlarmState.ASKING
    problem: str = ""
    rule: str = ""
    genuine: tuple[bytes, ...] = ()
    impostors: tuple[bytes, ...] = ()
    places: tuple[ImpostorPlace, ...] = ()
    by_guard: bool = False

    @property
    def alarm_id(self) -> str:
        """Its name."""
        return self.block.alarm_id

    @property
    def claim(self) -> Claim:
        """That both keys make."""
        return self.block.announcements[0].announcement.claim

    @property
    def keys(self) -> tuple[bytes, ...]:
        """Fingerprints of both, rising."""
        return tuple(sorted(each.announcement.key for each in self.block.announcements))

    @property
    def proof(self) -> pb.ConflictProof:
        """As it is shown to the gateway."""
        return pb.ConflictProof(block_der=self.block.to_der(), certificates_der=self.certificates)

    def told(self, alarm: pb.GatewayAlarm) -> Self:
        """As the gateway says that it stands."""
        status = alarm.status
        return replace(
            self,
            state=_STATES.get(status.state, KeyAlarmState.HELD),
            problem="",
            rule=status.rule,
            genuine=tuple(status.genuine),
            impostors=tuple(status.impostors),
            places=tuple(ImpostorPlace(each.key, each.agent, each.address) for each in alarm.impostor_channels),
            by_guard=alarm.of_guard,
        )

    def remark_on(self, certificate: bytes) -> str:
        """What is to be said of a message that was signed with a certificate of that fingerprint; mostly empty."""
        said = [each.announcement for each in self.block.announcements]
        key = next((each.key for each in said if each.certificate == certificate), b"")
        if not key:
            return ""
        if key in self.impostors:
            return IMPOSTOR
        if self.state is KeyAlarmState.RELEASED:
            return ""
        checked = "nobody checks which is" if self.state is KeyAlarmState.UNHELD else "being checked"
        return f"two keys claim to be {self.claim.user}: {checked}"

    def to_public(self) -> Json:
        """See ``Entry``."""
        return {}

    def to_secret_bytes(self) -> bytes:
        """See ``Entry``."""
        return encode(
            {
                "session_id": self.session_id,
                "block": bytes_to_text(self.block.to_der()),
                "certificates": [bytes_to_text(each) for each in self.certificates],
                "create_time": self.create_time.isoformat(),
                "state": self.state.value,
                "problem": self.problem,
                "rule": self.rule,
                "genuine": [each.hex() for each in self.genuine],
                "impostors": [each.hex() for each in self.impostors],
                "place_keys": [each.key.hex() for each in self.places],
                "place_agents": [each.agent for each in self.places],
                "place_addresses": [each.address for each in self.places],
                "by_guard": int(self.by_guard),
            }
        )

    @classmethod
    def load(cls, fields: Fields, secret: bytes) -> Self:
        """See ``Entry``."""
        fields.end()
        sealed = Fields(decode(secret))
        one, other = sealed.datas("certificates")
        places = zip(
            _fingerprints(sealed.texts("place_keys")),
            sealed.texts("place_agents"),
            sealed.texts("place_addresses"),
            strict=True,
        )
        found = cls(
            session_id=check_session_id(sealed.text("session_id")),
            block=Block.from_der(sealed.data("block")),
            certificates=(one, other),
            create_time=datetime.fromisoformat(sealed.text("create_time")),
            state=KeyAlarmState(sealed.text("state")),
            problem=sealed.text("problem"),
            rule=sealed.text("rule"),
            genuine=_fingerprints(sealed.texts("genuine")),
            impostors=_fingerprints(sealed.texts("impostors")),
            places=tuple(ImpostorPlace(*each) for each in places),
            by_guard=sealed.integer("by_guard") == 1,
        )
        sealed.end()
        return found


def check_alarm_name(name: str) -> str:
    """As a drawer checks it. Raises MalformedInput (ALARM_MALFORMED)."""
    return check_alarm_id(name, reason="ALARM_MALFORMED")


def _fingerprints(texts: Sequence[str]) -> tuple[bytes, ...]:
    found = tuple(map(bytes.fromhex, texts))
    if any(len(each) != FINGERPRINT_BYTES for each in found):
        raise DocumentError("a fingerprint that is none")
    return found
