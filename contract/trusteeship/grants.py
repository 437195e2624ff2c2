"""Grants: a user asks to use an organisation's key, and administrators decide.

A request says everything that a grant allows; administrators sign its digest. A grant holds from the moment at which
as many of them approved it as it says, in its present round. A suspension opens the next round: approvals of earlier
ones say nothing any more.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Self

from cryptography.hazmat import asn1

from contract import der
from contract.joint_statement import MAX_STATEMENT_BYTES
from contract.names import check_account_name, check_why
from mpc.four_prime_rsa import Purpose

MAX_USES: Final = 1_000_000
"""Most uses of one grant."""
MAX_KINDS: Final = 16
"""Most kinds of document in one grant."""
MAX_DIGESTS: Final = 256
"""Most digests in one grant."""
MAX_ADMINISTRATORS: Final = 64
"""Most administrators of an organisation."""
REASON: Final = "TRUST_STATEMENT_MALFORMED"
"""Of every statement that is refused."""
NONCE_BYTES: Final = 16
"""Random bytes that make two requests for the same two requests."""

_REQUEST_PROTOCOL: Final = "fourseal/v1/grant request"
_ORDER_PROTOCOL: Final = "fourseal/v1/grant order"
_KEY_ID: Final = re.compile(r"orgkey-[a-z2-7]{16}", re.ASCII)
_KIND: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,30}[a-z0-9])?", re.ASCII)
_ID_DIGITS: Final = 32


def grant_id(digest: bytes) -> str:
    """A grant's name: "grant-" and the first 32 hexadecimal digits of its request's digest."""
    return f"grant-{digest.hex()[:_ID_DIGITS]}"


def check_organisation_key_id(key_id: str) -> str:
    """Return it. Raises MalformedInput (TRUST_STATEMENT_MALFORMED) unless "orgkey-" and 16 characters of [a-z2-7]."""
    der.require_that(_KEY_ID.fullmatch(key_id), "no name of an organisation's key", reason=REASON)
    return key_id


def check_document_kind(kind: str) -> str:
    """Return it. Raises TRUST_STATEMENT_MALFORMED unless 1 to 32 of [a-z0-9.-], the first and the last no sign."""
    der.require_that(_KIND.fullmatch(kind), "no kind of document", reason=REASON)
    return kind


@dataclass(frozen=True, slots=True)
class GrantRequest:
    """What a user asks for, and what the grant allows.

    Args:
        organisation: its name.
        key_id: of the organisation's key.
        key_certificate: SHA-256 of that key's certificate, 32 bytes.
        purpose: what the key does.
        user: account that asks.
        user_certificate: SHA-256 of its personal certificate for signing, 32 bytes.
        document_kinds: what may be signed or decrypted, rising; none: any kind.
        digests: SHA-256 of documents, or of ciphertexts, to which it is limited, rising; none: any.
        uses: at most so many, 1 to 1,000,000.
        begin: from when on; UTC, whole seconds.
        end: until when; after ``begin``.
        approvals: how many administrators must approve, 1 to 64: the organisation's policy.
        reason: for them to read, 1 to 1024 bytes.
        nonce: 16 random bytes.

    Raises:
        MalformedInput: TRUST_STATEMENT_MALFORMED, ACCOUNT_NAME_MALFORMED, WHY_MALFORMED.
    """

    organisation: str
    key_id: str
    key_certificate: bytes
    purpose: Purpose
    user: str
    user_certificate: bytes
    document_kinds: tuple[str, ...]
    digests: tuple[bytes, ...]
    uses: int
    begin: datetime
    end: datetime
    approvals: int
    reason: str
    nonce: bytes

    def __post_init__(self) -> None:
        check_account_name(self.organisation)
        check_organisation_key_id(self.key_id)
        der.require_digest(self.key_certificate, "the key's certificate", reason=REASON)
        check_account_name(self.user)
        der.require_digest(self.user_certificate, "the user's certificate", reason=REASON)
        _require_rising(self.document_kinds, MAX_KINDS, "kinds of document")
        for kind in self.document_kinds:
            check_document_kind(kind)
        _require_rising(self.digests, MAX_DIGESTS, "digests")
        for digest in self.digests:
            der.require_digest(digest, "a digest", reason=REASON)
        der.require_that(1 <= self.uses <= MAX_USES, f"not 1 to {MAX_USES} uses", reason=REASON)
        der.require_time(self.begin, "the begin", reason=REASON)
        der.require_time(self.end, "the end", reason=REASON)
        der.require_that(self.begin < self.end, "it ends before it begins", reason=REASON)
        der.require_that(1 <= self.approvals <= MAX_ADMINISTRATORS, "a wrong number of approvals", reason=REASON)
        check_why(self.reason)
        der.require_that(len(self.nonce) == NONCE_BYTES, f"the nonce has not {NONCE_BYTES} bytes", reason=REASON)

    @property
    def signer(self) -> str:
        """The user."""
        return self.user

    @property
    def signer_certificate(self) -> bytes:
        """The user's."""
        return self.user_certificate

    @property
    def digest(self) -> bytes:
        """SHA-256 of its DER: what orders and uses name."""
        return hashlib.sha256(self.to_der()).digest()

    def to_der(self) -> bytes:
        """DER of GrantRequest: docs/formats.md."""
        return der.write_structure(
            _GrantRequest(
                version=der.VERSION,
                protocol=_REQUEST_PROTOCOL,
                organisation=self.organisation,
                key_id=self.key_id,
                key_certificate=self.key_certificate,
                purpose=self.purpose.value,
                user=self.user,
                user_certificate=self.user_certificate,
                document_kinds=list(self.document_kinds),
                digests=list(self.digests),
                uses=self.uses,
                begin=der.to_generalized_time(self.begin),
                end=der.to_generalized_time(self.end),
                approvals=self.approvals,
                reason=self.reason,
                nonce=self.nonce,
            )
        )

    @classmethod
    def from_der(cls, data: bytes) -> Self:
        """Read ``to_der``. Raises as the constructor does."""
        read = der.read_structure(_GrantRequest, data, MAX_STATEMENT_BYTES, reason=REASON)
        der.require_version(read.version, reason=REASON)
        der.require_that(read.protocol == _REQUEST_PROTOCOL, "it is no request for a grant", reason=REASON)
        der.require_that(read.purpose in frozenset(Purpose), "this purpose does not exist", reason=REASON)
        request = cls(
            organisation=read.organisation,
            key_id=read.key_id,
            key_certificate=read.key_certificate,
            purpose=Purpose(read.purpose),
            user=read.user,
            user_certificate=read.user_certificate,
            document_kinds=tuple(read.document_kinds),
            digests=tuple(read.digests),
            uses=read.uses,
            begin=der.from_generalized_time(read.begin),
            end=der.from_generalized_time(read.end),
            approvals=read.approvals,
            reason=read.reason,
            nonce=read.nonce,
        )
        der.require_canonical(data, request.to_der(), reason=REASON)
        return request


class GrantAction(StrEnum):
    """What an administrator orders. The value stands in the order."""

    APPROVE = "approve"
    """It may be used, as far as this administrator decides. Of a suspended one: again."""
    REFUSE = "refuse"
    """It is refused, for good."""
    SUSPEND = "suspend"
    """It may not be used until it was approved again."""
    REVOKE = "revoke"
    """It may not be used any more, for good."""


@dataclass(frozen=True, slots=True)
class GrantOrder:
    """What an administrator decides about a grant.

    Args:
        grant: digest of its request, 32 bytes.
        round: of the grant, from 1 on; each suspension opens the next.
        action: what is ordered.
        administrator: account that orders.
        administrator_certificate: SHA-256 of its personal certificate for signing, 32 bytes.
        reason: why; empty, or 1 to 1024 bytes.
        time: when, by its own clock; UTC, whole seconds.

    Raises:
        MalformedInput: TRUST_STATEMENT_MALFORMED, ACCOUNT_NAME_MALFORMED, WHY_MALFORMED.
    """

    grant: bytes
    round: int
    action: GrantAction
    administrator: str
    administrator_certificate: bytes
    reason: str
    time: datetime

    def __post_init__(self) -> None:
        der.require_digest(self.grant, "the grant", reason=REASON)
        der.require_that(1 <= self.round <= der.MAX_COUNT, "no such round", reason=REASON)
        check_account_name(self.administrator)
        der.require_digest(self.administrator_certificate, "the administrator's certificate", reason=REASON)
        if self.reason:
            check_why(self.reason)
        der.require_time(self.time, "the time", reason=REASON)

    @property
    def signer(self) -> str:
        """The administrator."""
        return self.administrator

    @property
    def signer_certificate(self) -> bytes:
        """The administrator's."""
        return self.administrator_certificate

    def to_der(self) -> bytes:
        """DER of GrantOrder: docs/formats.md."""
        return der.write_structure(
            _GrantOrder(
                version=der.VERSION,
                protocol=_ORDER_PROTOCOL,
                grant=self.grant,
                round=self.round,
                action=self.action.value,
                administrator=self.administrator,
                administrator_certificate=self.administrator_certificate,
                reason=self.reason,
                time=der.to_generalized_time(self.time),
            )
        )

    @classmethod
    def from_der(cls, data: bytes) -> Self:
        """Read ``to_der``. Raises as the constructor does."""
        read = der.read_structure(_GrantOrder, data, MAX_STATEMENT_BYTES, reason=REASON)
        der.require_version(read.version, reason=REASON)
        der.require_that(read.protocol == _ORDER_PROTOCOL, "it is no order about a grant", reason=REASON)
        der.require_that(read.action in frozenset(GrantAction), "this action does not exist", reason=REASON)
        order = cls(
            grant=read.grant,
            round=read.round,
            action=GrantAction(read.action),
            administrator=read.administrator,
            administrator_certificate=read.administrator_certificate,
            reason=read.reason,
            time=der.from_generalized_time(read.time),
        )
        der.require_canonical(data, order.to_der(), reason=REASON)
        return order


def _require_rising(values: Sequence[str | bytes], maximum: int, what: str) -> None:
    der.require_that(len(values) <= maximum, f"more than {maximum} {what}", reason=REASON)
    der.require_that(list(values) == sorted(set(values)), f"{what} that do not rise", reason=REASON)


@asn1.sequence
class _GrantRequest:
    version: int
    protocol: str
    organisation: str
    key_id: str
    key_certificate: bytes
    purpose: str
    user: str
    user_certificate: bytes
    document_kinds: list[str]
    digests: list[bytes]
    uses: int
    begin: asn1.GeneralizedTime
    end: asn1.GeneralizedTime
    approvals: int
    reason: str
    nonce: bytes


@asn1.sequence
class _GrantOrder:
    version: int
    protocol: str
    grant: bytes
    round: int
    action: str
    administrator: str
    administrator_certificate: bytes
    reason: str
    time: asn1.GeneralizedTime
