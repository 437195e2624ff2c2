"""What the library of contract sessions speaks of: accounts, logins, sessions as they were verified."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from contract.certificates import SessionCertificate, SignerCertificate
from contract.session_info import Scheme, SessionInfo
from mpc.secret import Secret
from wire.catalogue import ServiceError


class FactorKind(StrEnum):
    """A kind of second factor."""

    TOTP = "totp"
    SMS = "sms"
    WEBAUTHN = "webauthn"
    UNKNOWN = "unknown"
    """A kind that a newer server has and this version does not know."""


class AccountState(StrEnum):
    """Where an account stands."""

    AWAITING_FACTOR = "awaiting-factor"
    ACTIVE = "active"
    DISABLED = "disabled"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """A second factor, without its secret.

    Args:
        factor_id: names it.
        kind: which kind.
        hint: what its owner knows it by.
    """

    factor_id: str
    kind: FactorKind
    hint: str


class FactorSetup(Secret):
    """What its owner needs to set a second factor up; shown once.

    Args:
        factor: which.
        totp_uri: TOTP: otpauth URI with the secret; else empty.
        webauthn_options_json: WebAuthn: creation options; else empty.
    """

    __slots__ = ("factor", "totp_uri", "webauthn_options_json")

    def __init__(self, factor: SecondFactor, totp_uri: str, webauthn_options_json: str) -> None:
        self.factor = factor
        self.totp_uri = totp_uri
        self.webauthn_options_json = webauthn_options_json

    def _public_summary(self) -> str:
        return f"factor_id={self.factor.factor_id}"


@dataclass(frozen=True, slots=True)
class Account:
    """A person or system that signs.

    Args:
        name: for ever.
        display_name: what people call it.
        state: where it stands.
        second_factors: that it can log in with.
        create_time: when it was registered, UTC.
    """

    name: str
    display_name: str
    state: AccountState
    second_factors: tuple[SecondFactor, ...]
    create_time: datetime


@dataclass(frozen=True, slots=True)
class Login:
    """A login, without its token.

    Args:
        login_id: names it.
        agent_id: where it was made, and works.
        create_time: when, UTC.
        expire_time: when it ends unless it is used, UTC.
        use_time: when it was used last, UTC.
        proven: whether possession of the signer keys was proved.
        is_own: whether it is the one that asks.
    """

    login_id: str
    agent_id: str
    create_time: datetime
    expire_time: datetime
    use_time: datetime
    proven: bool
    is_own: bool


class SessionState(StrEnum):
    """Where a session stands."""

    OPEN = "open"
    CLOSED = "closed"
    UNKNOWN = "unknown"


class MemberState(StrEnum):
    """Where somebody stands in a session."""

    INVITED = "invited"
    JOINED = "joined"
    LEFT = "left"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class MemberCertificates:
    """The certificates that a member uses in a session; verified.

    Args:
        sign_certificate: for signing.
        encrypt_certificate: for encryption.
        revoke_time: when the first of them was revoked, UTC; None if neither was.
    """

    sign_certificate: SignerCertificate
    encrypt_certificate: SignerCertificate
    revoke_time: datetime | None

    @property
    def expire_time(self) -> datetime:
        """When the first of them expires, UTC."""
        certificates = (self.sign_certificate.certificate, self.encrypt_certificate.certificate)
        return min(each.not_valid_after_utc for each in certificates)

    def has_expired(self, now: datetime) -> bool:
        """Whether one of them has expired."""
        return self.expire_time < now


@dataclass(frozen=True, slots=True)
class SessionRevision:
    """One revision of a session; verified.

    Args:
        sign_certificate: of the session, for signing.
        encrypt_certificate: of the session, for encryption.
        members: who joined, by name.
    """

    sign_certificate: SessionCertificate
    encrypt_certificate: SessionCertificate
    members: Mapping[str, MemberCertificates] = field(repr=False)

    @property
    def info(self) -> SessionInfo:
        """What both certificates say."""
        return self.sign_certificate.info

    @property
    def session_id(self) -> str:
        """Its id."""
        return self.info.session_id

    @property
    def revision(self) -> int:
        """Counts the changes of members, from 1."""
        return self.info.revision

    def member(self, name: str) -> MemberCertificates:
        """The certificates of a member.

        Raises:
            ServiceError: NOT_A_MEMBER.
        """
        found = self.members.get(name)
        if found is None:
            raise ServiceError("NOT_A_MEMBER", name=name)
        return found


@dataclass(frozen=True, slots=True)
class Counters:
    """What the server says it signed in a session.

    Args:
        last_sequence: highest sequence number of ours.
        messages_to_me: how many messages to us were signed, by author.
        messages_from_me: how many of ours were signed, by recipient.
        last_sequences: highest sequence number, by author.
    """

    last_sequence: int
    messages_to_me: Mapping[str, int]
    messages_from_me: Mapping[str, int]
    last_sequences: Mapping[str, int]

    def number_to(self, name: str) -> int:
        """How many messages of ours to somebody were signed."""
        return self.messages_from_me.get(name, 0)


@dataclass(frozen=True, slots=True)
class VerifiedSession(SessionRevision):
    """A session as the server showed it just now, verified.

    Args:
        state: where it stands.
        close_time: when it was closed, UTC; None while it is open.
        relay_address: "host:port" of the media server.
        me: our account.
        people: where everybody stands, by name.
        counters: what was signed in it.
    """

    state: SessionState
    close_time: datetime | None
    relay_address: str
    me: str
    people: Mapping[str, MemberState] = field(repr=False)
    counters: Counters = field(repr=False)


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """A session in a list: what the server says of it, without certificates that would prove it.

    Args:
        session_id: its id.
        subject: what it is about.
        state: where it stands.
        scheme: joint or separate.
        begin: from when on it can be signed, UTC.
        end: until when, UTC.
        creator: who made it.
        people: where everybody stands, by name.
    """

    session_id: str
    subject: str
    state: SessionState
    scheme: Scheme
    begin: datetime
    end: datetime
    creator: str
    people: Mapping[str, MemberState]
