"""Session info: what a contract session is about, as every certificate of it carries it.

Each change of members or invitations makes a new revision, with new certificates for the same session keys. A statement
names the fingerprint of a session certificate, and that holds the fingerprints of every member's certificates: whoever
shows different members different keys is found out when two of them compare one statement.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Self

from cryptography.hazmat import asn1

from contract import der
from contract.names import check_account_name, check_place, check_session_id, check_subject
from mpc.errors import MalformedInput
from mpc.four_prime_rsa import HALF_BITS

MAX_SESSION_INFO_BYTES: Final = 64 << 10
"""Longest session info that is looked at."""
MIN_PEOPLE: Final = 2
"""Members and invited of a session, at least."""
MAX_PEOPLE: Final = 50
"""Members and invited of a session, at most."""

_INFO_REASON: Final = "SESSION_INFO_MALFORMED"


class Scheme(StrEnum):
    """How a session signs and encrypts. Fixed when it is created."""

    JOINT = "joint"
    """One signature and one encryption by the four-prime key of signer and session."""
    SEPARATE = "separate"
    """Two signatures side by side, and encryption nested; signers may have keys of other kinds."""

    @property
    def number(self) -> int:
        """As it stands in the session info: 1 or 2."""
        return _SCHEME_NUMBERS[self]


_SCHEME_NUMBERS: Final = {Scheme.JOINT: 1, Scheme.SEPARATE: 2}
_SCHEMES: Final = {number: scheme for scheme, number in _SCHEME_NUMBERS.items()}


@dataclass(frozen=True, slots=True)
class Member:
    """An account that joined, with the certificates that it uses in this session.

    Args:
        name: account.
        sign_certificate: SHA-256 of its certificate for signing, 32 bytes.
        encrypt_certificate: SHA-256 of its certificate for encryption, 32 bytes.

    Raises:
        MalformedInput: ACCOUNT_NAME_MALFORMED, SESSION_INFO_MALFORMED.
    """

    name: str
    sign_certificate: bytes
    encrypt_certificate: bytes

    def __post_init__(self) -> None:
        check_account_name(self.name)
        der.require_digest(self.sign_certificate, "a member's certificate", reason=_INFO_REASON)
        der.require_digest(self.encrypt_certificate, "a member's certificate", reason=_INFO_REASON)


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """One revision of a session's info. Public: it stands in certificates.

    Args:
        session_id: see ``names``.
        revision: 1, 2, 3, ...: one more with each change of members or invited.
        scheme: fixed for the session.
        half_bits: of the session's shares, fixed for the session: 2048, 3072 or 4096.
        subject: 1 to 200 characters.
        place: link to the meeting, a URI; may be empty.
        begin: first moment at which statements may be signed; UTC, whole seconds.
        end: the moment from which on none may be; after ``begin``.
        creator: account that created the session. May have left: then it is neither member nor invited.
        members: sorted by name; no certificate twice.
        invited: names of accounts that have not joined, sorted; none of them a member. With the members 2 to 50.
        all_is_evidence: the session's rule, fixed for it: every author deposits each message before it is delivered.

    Raises:
        MalformedInput: SESSION_INFO_MALFORMED, and what ``names`` raises.
    """

    session_id: str
    revision: int
    scheme: Scheme
    half_bits: int
    subject: str
    place: str
    begin: datetime
    end: datetime
    creator: str
    members: tuple[Member, ...]
    invited: tuple[str, ...]
    all_is_evidence: bool = False

    def __post_init__(self) -> None:
        check_session_id(self.session_id)
        der.require_that(1 <= self.revision <= der.MAX_COUNT, "the revision is out of range", reason=_INFO_REASON)
        der.require_that(self.half_bits in HALF_BITS, "halves of this size do not exist", reason=_INFO_REASON)
        check_subject(self.subject)
        check_place(self.place)
        der.require_time(self.begin, "the begin", reason=_INFO_REASON)
        der.require_time(self.end, "the end", reason=_INFO_REASON)
        der.require_that(self.begin < self.end, "the session ends before it begins", reason=_INFO_REASON)
        check_account_name(self.creator)
        self._require_people()

    def _require_people(self) -> None:
        names = tuple(member.name for member in self.members)
        for name in self.invited:
            check_account_name(name)
        der.require_rising(names, "the members", reason=_INFO_REASON)
        der.require_rising(self.invited, "the invited", reason=_INFO_REASON)
        der.require_that(set(names).isdisjoint(self.invited), "somebody is member and invited", reason=_INFO_REASON)
        people = len(names) + len(self.invited)
        der.require_that(
            MIN_PEOPLE <= people <= MAX_PEOPLE,
            f"there are not {MIN_PEOPLE} to {MAX_PEOPLE} people",
            reason=_INFO_REASON,
        )
        certificates = [each.sign_certificate for each in self.members]
        certificates += [each.encrypt_certificate for each in self.members]
        der.require_that(
            len(set(certificates)) == len(certificates), "a certificate is there twice", reason=_INFO_REASON
        )

    def member(self, name: str) -> Member:
        """The member of that name.

        Raises:
            MalformedInput: NOT_A_MEMBER.
        """
        for member in self.members:
            if member.name == name:
                return member
        raise MalformedInput("NOT_A_MEMBER", f"{name} is no member of this revision of the session", name=name)

    def to_der(self) -> bytes:
        """DER of ContractSessionInfo: docs/formats.md."""
        members = [
            _Member(name=each.name, sign=each.sign_certificate, encrypt=each.encrypt_certificate)
            for each in self.members
        ]
        return der.write_structure(
            _ContractSessionInfo(
                version=der.VERSION,
                session_id=self.session_id,
                revision=self.revision,
                scheme=self.scheme.number,
                half_bits=self.half_bits,
                subject=self.subject,
                place=self.place,
                begin=der.to_generalized_time(self.begin),
                end=der.to_generalized_time(self.end),
                creator=self.creator,
                members=members,
                invited=list(self.invited),
                all_is_evidence=self.all_is_evidence,
            )
        )

    @classmethod
    def from_der(cls, data: bytes) -> Self:
        """Read ``to_der``.

        Raises:
            MalformedInput: SESSION_INFO_MALFORMED, and what ``names`` raises.
        """
        read = der.read_structure(_ContractSessionInfo, data, MAX_SESSION_INFO_BYTES, reason=_INFO_REASON)
        der.require_version(read.version, reason=_INFO_REASON)
        der.require_that(read.scheme in _SCHEMES, "this scheme does not exist", reason=_INFO_REASON)
        info = cls(
            session_id=read.session_id,
            revision=read.revision,
            scheme=_SCHEMES[read.scheme],
            half_bits=read.half_bits,
            subject=read.subject,
            place=read.place,
            begin=der.from_generalized_time(read.begin),
            end=der.from_generalized_time(read.end),
            creator=read.creator,
            members=tuple(Member(each.name, each.sign, each.encrypt) for each in read.members),
            invited=tuple(read.invited),
            all_is_evidence=read.all_is_evidence,
        )
        der.require_canonical(data, info.to_der(), reason=_INFO_REASON)
        return info


@asn1.sequence
class _Member:
    name: str
    sign: bytes
    encrypt: bytes


@asn1.sequence
class _ContractSessionInfo:
    version: int
    session_id: str
    revision: int
    scheme: int
    half_bits: int
    subject: str
    place: str
    begin: asn1.GeneralizedTime
    end: asn1.GeneralizedTime
    creator: str
    members: list[_Member]
    invited: list[str]
    all_is_evidence: Annotated[bool, asn1.Default(False)]  # noqa: FBT003  # its only parameter
