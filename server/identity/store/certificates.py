"""Certificates of signers and organisations, and the list of those that were revoked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    Connection,
    Index,
    LargeBinary,
    Row,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from mpc.four_prime_rsa import Purpose
from server.storage import Instant, metadata, row_values

_ROWS_AT_A_TIME: Final = 1000

signer_certificates = Table(
    "signer_certificates",
    metadata,
    Column("fingerprint", LargeBinary, primary_key=True),
    Column("account", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("serial_number", Text, nullable=False),
    Column("key_sha256", LargeBinary, nullable=False),
    Column("is_half", Boolean, nullable=False),
    Column("certificate", LargeBinary, nullable=False),
    Column("create_time", Instant, nullable=False),
    Column("expire_time", Instant, nullable=False),
    Column("revoke_time", Instant),
    Column("revocation_reason", Text),
    Column("revocation", BigInteger),
    Column("profile", Text, nullable=False),
    Column("organisation", Text, nullable=False),
    UniqueConstraint("key_sha256"),
    CheckConstraint("purpose IN ('sign', 'decrypt')", name="purpose"),
    CheckConstraint("profile IN ('signer', 'personal', 'organisation')", name="profile"),
    CheckConstraint("(account = '') <> (organisation = '')", name="owner"),
    CheckConstraint(
        "revocation_reason IN ('key_compromise', 'affiliation_changed', 'superseded', 'cessation_of_operation',"
        " 'privilege_withdrawn')",
        name="revocation_reason",
    ),
    Index(None, "account", "revoke_time"),
    Index(None, "account", "create_time"),
    Index(None, "revocation"),
    Index(None, "serial_number"),
)

_of_pairs: Final = signer_certificates.c.profile == "signer"
_find: Final = select(signer_certificates).where(signer_certificates.c.fingerprint == bindparam("of_fingerprint"))

revocation_lists = Table(
    "revocation_lists",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
)


class CertificateProfile(StrEnum):
    """What sort of certificate it is."""

    SIGNER = "signer"
    """One of an account's pair."""
    PERSONAL = "personal"
    """For a joint key."""
    ORGANISATION = "organisation"
    """For an organisation's key."""


class RevocationReason(StrEnum):
    """Why a certificate was revoked (RFC 5280 section 5.3.1)."""

    KEY_COMPROMISE = "key_compromise"
    AFFILIATION_CHANGED = "affiliation_changed"
    SUPERSEDED = "superseded"
    CESSATION_OF_OPERATION = "cessation_of_operation"
    PRIVILEGE_WITHDRAWN = "privilege_withdrawn"


@dataclass(frozen=True, slots=True)
class IssuedCertificate:
    """A certificate of a signer, or of an organisation.

    Args:
        fingerprint: SHA-256 of its DER.
        account: whose; empty: an organisation's.
        purpose: what its key does.
        serial_number: at most 160 bits.
        key_sha256: SHA-256 of its SubjectPublicKeyInfo, DER: no other certificate has that key.
        is_half: whether its modulus was certified, so that it can be a half of joint keys.
        certificate: DER.
        create_time: when it was issued.
        expire_time: end of its validity.
        revoke_time: None if it was not revoked.
        revocation_reason: None if it was not revoked.
        revocation: number of the revocation, which rises; None if it was not revoked.
        profile: what sort it is.
        organisation: whose; empty: an account's.
    """

    fingerprint: bytes
    account: str
    purpose: Purpose
    serial_number: int
    key_sha256: bytes
    is_half: bool
    certificate: bytes
    create_time: datetime
    expire_time: datetime
    revoke_time: datetime | None = None
    revocation_reason: RevocationReason | None = None
    revocation: int | None = None
    profile: CertificateProfile = CertificateProfile.SIGNER
    organisation: str = ""

    @property
    def owner(self) -> str:
        """Whose it is, for people and records. No account has such a name as an organisation has here."""
        return self.account or f"organisation {self.organisation}"

    def holds(self, now: datetime) -> bool:
        """Whether it was not revoked, and its time is not over."""
        return self.revoke_time is None and now < self.expire_time


@dataclass(frozen=True, slots=True)
class RevokedCertificate:
    """That a certificate was revoked: which, since when, why."""

    serial_number: int
    revoke_time: datetime
    reason: RevocationReason


def add_certificate(connection: Connection, issued: IssuedCertificate) -> None:
    """Keep a new certificate."""
    values = row_values(issued) | {"serial_number": f"{issued.serial_number:x}"}
    connection.execute(insert(signer_certificates), values)


def find_certificate(connection: Connection, fingerprint: bytes) -> IssuedCertificate | None:
    """The certificate with that fingerprint."""
    row = connection.execute(_find, {"of_fingerprint": fingerprint}).one_or_none()
    return None if row is None else _certificate(row)


def find_by_serial_number(connection: Connection, serial_number: int) -> IssuedCertificate | None:
    """The certificate with that serial number."""
    query = select(signer_certificates).where(signer_certificates.c.serial_number == f"{serial_number:x}")
    row = connection.execute(query).one_or_none()
    return None if row is None else _certificate(row)


def find_by_key(connection: Connection, key_sha256: bytes) -> IssuedCertificate | None:
    """The certificate that a key stands in, of whatever owner and state."""
    query = select(signer_certificates).where(signer_certificates.c.key_sha256 == key_sha256)
    row = connection.execute(query).one_or_none()
    return None if row is None else _certificate(row)


def is_key_known(connection: Connection, key_sha256: bytes) -> bool:
    """Whether a key stands in any certificate, of whatever account and state."""
    return find_by_key(connection, key_sha256) is not None


def all_certificates(connection: Connection) -> Iterator[tuple[str, Purpose, bytes]]:
    """Account, purpose and DER of every certificate of a pair, read bit by bit: there may be a million."""
    column = signer_certificates.c
    query = select(column.account, column.purpose, column.certificate).where(_of_pairs)
    for row in connection.execute(query.execution_options(yield_per=_ROWS_AT_A_TIME)):
        yield row.account, Purpose(row.purpose), row.certificate


def list_unrevoked(connection: Connection, account: str) -> list[IssuedCertificate]:
    """An account's pair that was not revoked; at most one certificate for each purpose."""
    column = signer_certificates.c
    query = select(signer_certificates).where(column.account == account, column.revoke_time.is_(None), _of_pairs)
    return [_certificate(row) for row in connection.execute(query)]


def list_signing_certificates(connection: Connection, account: str) -> list[IssuedCertificate]:
    """The certificates for signing of all pairs that an account ever had, newest first."""
    column = signer_certificates.c
    query = select(signer_certificates).where(
        column.account == account, column.purpose == Purpose.SIGN.value, _of_pairs
    )
    found = connection.execute(query.order_by(column.create_time.desc(), column.fingerprint))
    return [_certificate(row) for row in found]


def list_signing_keys(connection: Connection, account: str) -> list[bytes]:
    """SHA-256 of an account's keys for signing whose certificates were not revoked, the newest in front."""
    column, signs = signer_certificates.c, signer_certificates.c.purpose == Purpose.SIGN.value
    query = select(column.key_sha256).where(column.account == account, column.revoke_time.is_(None), signs)
    return list(connection.execute(query.order_by(column.create_time.desc())).scalars())


def list_issue_times(connection: Connection, account: str, limit: int) -> list[datetime]:
    """When an account's newest pairs were issued, of whatever state; at most ``limit``, newest first."""
    column = signer_certificates.c
    query = select(column.create_time).where(column.account == account, column.purpose == Purpose.SIGN.value, _of_pairs)
    return list(connection.execute(query.order_by(column.create_time.desc()).limit(limit)).scalars())


def revoke_all(connection: Connection, account: str, now: datetime, reason: RevocationReason) -> int:
    """Mark an account's pair as revoked, by one revocation. Returns how many certificates."""
    column = signer_certificates.c
    return _revoke(connection, now, reason, column.account == account, column.revoke_time.is_(None), _of_pairs)


def revoke_one(connection: Connection, fingerprint: bytes, now: datetime, reason: RevocationReason) -> None:
    """Mark one certificate as revoked, unless it was before."""
    column = signer_certificates.c
    _revoke(connection, now, reason, column.fingerprint == fingerprint, column.revoke_time.is_(None))


def newest_revocation(connection: Connection) -> int:
    """Number of the newest revocation; 0 if there was none."""
    return connection.execute(select(func.max(signer_certificates.c.revocation))).scalar_one() or 0


def list_revoked(connection: Connection, after: int, until: int) -> list[RevokedCertificate]:
    """What was revoked by the revocations with a number above ``after``, up to ``until``, oldest first."""
    column = signer_certificates.c
    query = (
        select(column.serial_number, column.revoke_time, column.revocation_reason)
        .where(column.revocation > after, column.revocation <= until)
        .order_by(column.revocation, column.fingerprint)
    )
    return [
        RevokedCertificate(int(row.serial_number, 16), row.revoke_time, RevocationReason(row.revocation_reason))
        for row in connection.execute(query)
    ]


def next_list_number(connection: Connection) -> int:
    """A number for a list that no list had before."""
    number: int = (connection.execute(select(revocation_lists.c.number)).scalar_one_or_none() or 0) + 1
    connection.execute(delete(revocation_lists))
    connection.execute(insert(revocation_lists), {"number": number})
    return number


def _revoke(connection: Connection, now: datetime, reason: RevocationReason, *which: ColumnElement[bool]) -> int:
    values = {
        "revoke_time": now,
        "revocation_reason": reason.value,
        "revocation": newest_revocation(connection) + 1,
    }
    return connection.execute(update(signer_certificates).where(*which), values).rowcount


def _certificate(row: Row[*tuple[Any, ...]]) -> IssuedCertificate:
    reason = row.revocation_reason
    changed = {
        "purpose": Purpose(row.purpose),
        "serial_number": int(row.serial_number, 16),
        "revocation_reason": None if reason is None else RevocationReason(reason),
        "profile": CertificateProfile(row.profile),
    }
    return IssuedCertificate(**(row._asdict() | changed))
