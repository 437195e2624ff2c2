"""Control messages: what guard, gateways and receivers tell each other about an alarm. Signed, so they can be kept.

One signature by whoever says it, over all of it: alarm and claim, issuer and recipient, number and time. So it is taken
from nobody else, by nobody else, about nothing else, and not again: ``require_fresh``. The transparency log keeps them
as bodies of entries of the kind ``guard``.

Its reader (1) reads it, (2) finds the issuer's certificate among those it trusts in that role, and MUST see that it was
not revoked, (3) calls ``SignedControl.check`` with its key, (4) calls ``require_fresh``, and only then acts; (5) of a
``Block`` it calls ``Block.check``.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Self

from cryptography.hazmat import asn1

from contract import der
from contract.announcements.claim import CLOCK_DIFFERENCE, Claim, ClaimStructure, check_alarm_id, check_party_name
from contract.announcements.contents import (
    MAX_CONTENT_BYTES,
    REASON,
    Block,
    Check,
    Content,
    Decision,
    EarlyWarning,
    Feedback,
    Unblock,
)
from contract.errors import VerificationFailed
from contract.signer_keys import MAX_SIGNATURE_BYTES, SignerPrivateKey, check_signature_alone, sign_alone

MAX_CONTROL_BYTES: Final = MAX_CONTENT_BYTES + (2 << 10)
"""Longest control message that is looked at, with its signature."""
MAX_AGE: Final = timedelta(minutes=3)
"""How long one may be on its way. Who repeats it later signs it anew, with the next number."""

_PROTOCOL: Final = "fourseal/v1/guard control"


class Kind(StrEnum):
    """What a control message is. The value stands in it."""

    BLOCK = "block"
    CHECK = "check"
    FEEDBACK = "feedback"
    DECISION = "decision"
    UNBLOCK = "unblock"
    WARNING = "warning"


class IssuerRole(StrEnum):
    """In which role somebody issues. The value stands in the message."""

    GUARD = "guard"
    GATEWAY = "gateway"
    RECEIVER = "receiver"


_CONTENTS: Final[dict[Kind, type[Content]]] = {
    Kind.BLOCK: Block,
    Kind.CHECK: Check,
    Kind.FEEDBACK: Feedback,
    Kind.DECISION: Decision,
    Kind.UNBLOCK: Unblock,
    Kind.WARNING: EarlyWarning,
}
_KINDS: Final = {content: kind for kind, content in _CONTENTS.items()}
MAY_ISSUE: Final = {
    Kind.BLOCK: {IssuerRole.GUARD, IssuerRole.RECEIVER},
    Kind.CHECK: {IssuerRole.GUARD, IssuerRole.GATEWAY},
    Kind.FEEDBACK: {IssuerRole.GATEWAY},
    Kind.DECISION: {IssuerRole.GUARD, IssuerRole.GATEWAY, IssuerRole.RECEIVER},
    Kind.UNBLOCK: {IssuerRole.GUARD, IssuerRole.RECEIVER},
    Kind.WARNING: {IssuerRole.GUARD, IssuerRole.GATEWAY},
}
"""Who may say what. A receiver only about what is sent to itself."""


def kind_of(content: Content) -> Kind:
    """What a message with this content is."""
    return _KINDS[type(content)]


def content_from_der(kind: Kind, data: bytes) -> Content:
    """Read what a message of some kind says. Raises as its ``from_der`` does."""
    return _CONTENTS[kind].from_der(data)


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who says it.

    Args:
        role: of its certificate.
        name: of guard or gateway; the receiver's account.
        certificate: SHA-256 of the certificate whose key signs, 32 bytes.

    Raises:
        MalformedInput: CONTROL_MALFORMED.
    """

    role: IssuerRole
    name: str
    certificate: bytes

    def __post_init__(self) -> None:
        check_party_name(self.name, reason=REASON)
        der.require_digest(self.certificate, "the issuer's certificate", reason=REASON)


@dataclass(frozen=True, slots=True)
class ControlMessage:
    """One message.

    Args:
        issuer: who says it; ``MAY_ISSUE``.
        recipient: name of the guard, gateway or account that it is for, and for nobody else.
        alarm: ``Claim.alarm_id`` of the claim and the two keys that conflicted first.
        claim: of the alarm.
        number: rises with every message of this issuer to this recipient, 1 to 2^63 - 1.
        time: by the issuer's clock, UTC, whole seconds.
        content: what it says.

    Raises:
        MalformedInput: CONTROL_MALFORMED.
    """

    issuer: Issuer
    recipient: str
    alarm: str
    claim: Claim
    number: int
    time: datetime
    content: Content

    def __post_init__(self) -> None:
        check_party_name(self.recipient, reason=REASON)
        check_alarm_id(self.alarm, reason=REASON)
        der.require_that(1 <= self.number <= der.MAX_COUNT, "a number out of range", reason=REASON)
        der.require_time(self.time, "the time", reason=REASON)
        role = self.issuer.role
        der.require_that(role in MAY_ISSUE[self.kind], f"a {role} that issues a {self.kind}", reason=REASON)
        own = role is not IssuerRole.RECEIVER or self.issuer.name == self.claim.destination
        der.require_that(own, "a receiver that speaks of what another receives", reason=REASON)
        if isinstance(self.content, Block):
            named = self.content.announcements[0].announcement.claim == self.claim
            fits = named and self.content.alarm_id == self.alarm
            der.require_that(fits, "announcements of another alarm", reason=REASON)

    @property
    def kind(self) -> Kind:
        """What it is."""
        return kind_of(self.content)

    @property
    def digest(self) -> bytes:
        """SHA-256 of ``to_der``, 32 bytes."""
        return hashlib.sha256(self.to_der()).digest()

    def to_der(self) -> bytes:
        """DER of ControlMessage: docs/formats.md. What is signed."""
        return der.write_structure(
            _ControlMessage(
                version=der.VERSION,
                protocol=_PROTOCOL,
                kind=self.kind.value,
                role=self.issuer.role.value,
                issuer=self.issuer.name,
                issuer_certificate=self.issuer.certificate,
                recipient=self.recipient,
                alarm=self.alarm,
                claim=self.claim.to_structure(),
                number=self.number,
                time=der.to_generalized_time(self.time),
                content=self.content.to_der(),
            )
        )

    @classmethod
    def from_der(cls, data: bytes) -> Self:
        """Read ``to_der``. Raises as the constructor does; CLAIM_MALFORMED, and what its content raises."""
        read = der.read_structure(_ControlMessage, data, MAX_CONTROL_BYTES, reason=REASON)
        der.require_version(read.version, reason=REASON)
        der.require_that(read.protocol == _PROTOCOL, "it is no control message", reason=REASON)
        der.require_that(read.kind in frozenset(Kind), "this kind does not exist", reason=REASON)
        der.require_that(read.role in frozenset(IssuerRole), "this role does not exist", reason=REASON)
        message = cls(
            issuer=Issuer(IssuerRole(read.role), read.issuer, read.issuer_certificate),
            recipient=read.recipient,
            alarm=read.alarm,
            claim=Claim.from_structure(read.claim),
            number=read.number,
            time=der.from_generalized_time(read.time),
            content=content_from_der(Kind(read.kind), read.content),
        )
        der.require_canonical(data, message.to_der(), reason=REASON)
        return message


@dataclass(frozen=True, slots=True)
class SignedControl:
    """A message as it travels and is kept. Well-formed; whether it is genuine says ``check``.

    Args:
        message: what it says.
        signature: by the key of the issuer's certificate, 1 to 1024 bytes: ``signer_keys``.

    Raises:
        MalformedInput: CONTROL_MALFORMED.
    """

    message: ControlMessage
    signature: bytes

    def __post_init__(self) -> None:
        fits = 1 <= len(self.signature) <= MAX_SIGNATURE_BYTES
        der.require_that(fits, "a signature of a wrong length", reason=REASON)

    @classmethod
    def sign(cls, message: ControlMessage, private_key: SignerPrivateKey) -> Self:
        """Sign by the key of the issuer's certificate.

        Raises:
            MalformedInput: SIGNER_KEY_UNSUITABLE.
        """
        return cls(message, sign_alone(private_key, message.to_der()))

    def check(self, public_key: object) -> None:
        """Check the signature.

        Args:
            public_key: of the certificate that the message names, which the caller found and trusts in its role.

        Raises:
            MalformedInput: SIGNER_KEY_UNSUITABLE.
            VerificationFailed: SIGNATURE_INVALID.
        """
        check_signature_alone(public_key, self.signature, self.message.to_der())

    def to_der(self) -> bytes:
        """DER of SignedControl: docs/formats.md."""
        return der.write_structure(_SignedControl(message=self.message.to_der(), signature=self.signature))

    @classmethod
    def from_der(cls, data: bytes) -> Self:
        """Read ``to_der``. Raises as the constructor and ``ControlMessage.from_der`` do."""
        read = der.read_structure(_SignedControl, data, MAX_CONTROL_BYTES, reason=REASON)
        signed = cls(ControlMessage.from_der(read.message), read.signature)
        der.require_canonical(data, signed.to_der(), reason=REASON)
        return signed


@dataclass(frozen=True, slots=True)
class LastSeen:
    """The last message that was taken from an issuer: kept durably, together with what it did.

    Args:
        number: of it.
        digest: ``ControlMessage.digest``.
    """

    number: int
    digest: bytes


def require_fresh(message: ControlMessage, recipient: str, last: LastSeen | None, now: datetime) -> bool:
    """Check that a message is for us, of now, and not one from before. Only after its signature was checked.

    Args:
        message: checked.
        recipient: our own name.
        last: taken from this issuer, that is of its role and name; None: nothing.
        now: by our clock; aware.

    Returns:
        True: it is new, and ``last`` becomes ``LastSeen(message.number, message.digest)``. False: it is the last one
        again: answer as before, and change nothing.

    Raises:
        VerificationFailed: CONTROL_OF_OTHER_RECIPIENT, CONTROL_TIME_WRONG; CONTROL_REPLAYED: something as new or newer
            was taken before.
    """
    if message.recipient != recipient:
        raise VerificationFailed("CONTROL_OF_OTHER_RECIPIENT", "the control message is for somebody else")
    if not now - CLOCK_DIFFERENCE - MAX_AGE <= message.time <= now + CLOCK_DIFFERENCE:
        raise VerificationFailed("CONTROL_TIME_WRONG", "it is of another time: too old, or from later")
    if last is None or message.number > last.number:
        return True
    if (message.number, message.digest) == (last.number, last.digest):
        return False
    raise VerificationFailed("CONTROL_REPLAYED", "a control message as new, or newer, was taken before")


@asn1.sequence
class _ControlMessage:
    version: int
    protocol: str
    kind: str
    role: str
    issuer: str
    issuer_certificate: bytes
    recipient: str
    alarm: str
    claim: ClaimStructure
    number: int
    time: asn1.GeneralizedTime
    content: bytes


@asn1.sequence
class _SignedControl:
    message: bytes
    signature: bytes
