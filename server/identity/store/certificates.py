"""Certificates of signers, and the list of those that were revoked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    Index,
    LargeBinary,
    Row,
    Table,
    Text,
    UniqueConstraint,
    delete,
    insert,
    select,
    update,
)

from mpc.four_prime_rsa import Purpose
from server.storage import Instant, metadata

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
    UniqueConstraint("key_sha256"),
    CheckConstraint("purpose IN ('sign', 'decrypt')", name="purpose"),
    CheckConstraint(
        "revocation_reason IN ('key_compromise', 'affiliation_changed', 'superseded', 'cessation_of_operation')",
        name="revocation_reason",
    ),
    Index(None, "account", "revoke_time"),
    Index(None, "revoke_time"),
)

revocation_lists = Table(
    "revocation_lists",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("der", LargeBinary, nullable=False),
    Column("create_time", Instant, nullable=False),
    Column("end_time", Instant, nullable=False),
)


class RevocationReason(StrEnum):
    """Why a certificate was revoked (RFC 5280 section 5.3.1)."""

    KEY_COMPROMISE = "key_compromise"
    AFFILIATION_CHANGED = "affiliation_changed"
    SUPERSEDED = "superseded"
    CESSATION_OF_OPERATION = "cessation_of_operation"


@dataclass(frozen=True, slots=True)
class IssuedCertificate:
    """A certificate of a signer.

    Args:
        fingerprint: SHA-256 of its DER.
        account: whose.
        purpose: what its key does.
        serial_number: at most 160 bits.
        key_sha256: SHA-256 of its SubjectPublicKeyInfo, DER: no other certificate has that key.
        is_half: whether its modulus was certified, so that it can be a half of joint keys.
        certificate: DER.
        create_time: when it was issued.
        expire_time: end of its validity.
        revoke_time: None if it was not revoked.
        revocation_reason: None if it was not revoked.
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


@dataclass(frozen=True, slots=True)
class IssuedList:
    """A list of revoked certificates: its number, DER, when it was made, until when it is good."""

    number: int
    der: bytes
    create_time: datetime
    end_time: datetime


def add_certificate(connection: Connection, issued: IssuedCertificate) -> None:
    """Keep a new certificate."""
    values = {
        "fingerprint": issued.fingerprint,
        "account": issued.account,
        "purpose": issued.purpose.value,
        "serial_number": f"{issued.serial_number:x}",
        "key_sha256": issued.key_sha256,
        "is_half": issued.is_half,
        "certificate": issued.certificate,
        "create_time": issued.create_time,
        "expire_time": issued.expire_time,
    }
    connection.execute(insert(signer_certificates), values)


def find_certificate(connection: Connection, fingerprint: bytes) -> IssuedCertificate | None:
    """The certificate with that fingerprint."""
    query = select(signer_certificates).where(signer_certificates.c.fingerprint == fingerprint)
    row = connection.execute(query).one_or_none()
    return None if row is None else _certificate(row)


def is_key_known(connection: Connection, key_sha256: bytes) -> bool:
    """Whether a key stands in any certificate, of whatever account and state."""
    query = select(signer_certificates.c.fingerprint).where(signer_certificates.c.key_sha256 == key_sha256)
    return connection.execute(query).first() is not None


def list_unrevoked(connection: Connection, account: str) -> list[IssuedCertificate]:
    """An account's certificates that were not revoked; at most one for each purpose."""
    column = signer_certificates.c
    query = select(signer_certificates).where(column.account == account, column.revoke_time.is_(None))
    return [_certificate(row) for row in connection.execute(query)]


def revoke_all(connection: Connection, account: str, now: datetime, reason: RevocationReason) -> int:
    """Mark an account's certificates as revoked. Returns how many."""
    column = signer_certificates.c
    query = update(signer_certificates).where(column.account == account, column.revoke_time.is_(None))
    return connection.execute(query, {"revoke_time": now, "revocation_reason": reason.value}).rowcount


def revoked(connection: Connection) -> Iterator[tuple[int, datetime, RevocationReason]]:
    """Serial number, time and reason of every revoked certificate, oldest first."""
    column = signer_certificates.c
    query = select(column.serial_number, column.revoke_time, column.revocation_reason)
    for row in connection.execute(query.where(column.revoke_time.is_not(None)).order_by(column.revoke_time)):
        yield int(row.serial_number, 16), row.revoke_time, RevocationReason(row.revocation_reason)


def find_list(connection: Connection) -> IssuedList | None:
    """The newest list."""
    row = connection.execute(select(revocation_lists)).one_or_none()
    return None if row is None else IssuedList(row.number, row.der, row.create_time, row.end_time)


def put_list(connection: Connection, made: IssuedList) -> None:
    """Keep a list in the place of the one before."""
    connection.execute(delete(revocation_lists))
    values = {
        "number": made.number,
        "der": made.der,
        "create_time": made.create_time,
        "end_time": made.end_time,
    }
    connection.execute(insert(revocation_lists), values)


def _certificate(row: Row[*tuple[Any, ...]]) -> IssuedCertificate:
    reason = row.revocation_reason
    changed = {
        "purpose": Purpose(row.purpose),
        "serial_number": int(row.serial_number, 16),
        "revocation_reason": None if reason is None else RevocationReason(reason),
    }
    return IssuedCertificate(**(row._asdict() | changed))
