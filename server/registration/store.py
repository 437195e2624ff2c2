"""The tables of requests for certificates, and of approvals."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    Connection,
    Index,
    LargeBinary,
    Row,
    Table,
    Text,
    func,
    insert,
    select,
    tuple_,
    update,
)

from mpc.four_prime_rsa import Purpose
from server.storage import Instant, PageCursor, metadata, row_values

certificate_requests = Table(
    "certificate_requests",
    metadata,
    Column("certificate_request_id", Text, primary_key=True),
    Column("account", Text, nullable=False),
    Column("agent_id", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("pkcs10", LargeBinary, nullable=False),
    Column("key_der", LargeBinary, nullable=False),
    Column("key_sha256", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("create_time", Instant, nullable=False),
    Column("decide_time", Instant),
    Column("why", Text),
    Column("fingerprint", LargeBinary),
    Column("organisation", Text, nullable=False),
    CheckConstraint("(account = '') <> (organisation = '')", name="owner"),
    CheckConstraint("purpose IN ('sign', 'decrypt')", name="purpose"),
    CheckConstraint("state IN ('waiting', 'issued', 'refused')", name="state"),
    Index("ix_certificate_requests_by_account", "account", "create_time", "certificate_request_id"),
    Index("ix_certificate_requests_by_state", "state", "create_time", "certificate_request_id"),
    Index("ix_certificate_requests_by_time", "create_time", "certificate_request_id"),
    Index(None, "key_sha256"),
)

certificate_approvals = Table(
    "certificate_approvals",
    metadata,
    Column("certificate_request_id", Text, primary_key=True),
    Column("officer", Text, primary_key=True),
    Column("time", Instant, nullable=False),
)

_request = certificate_requests.c


class RequestState(StrEnum):
    """How far a request has come."""

    WAITING = "waiting"
    ISSUED = "issued"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class CertificateRequest:
    """A request for a certificate.

    Args:
        certificate_request_id: its name.
        account: who asked; empty: an organisation, by the operator.
        agent_id: from where; the key is this agent's. Empty for an organisation.
        key_id: the joint key, or the organisation's.
        purpose: what the key does.
        pkcs10: what was asked with, DER, signed by the key; empty for a key that decrypts, for it signs nothing.
        key_der: SubjectPublicKeyInfo of the key.
        key_sha256: SHA-256 of it.
        state: how far it has come.
        create_time: when it was made.
        decide_time: when it was issued or refused.
        why: why it was refused.
        fingerprint: of the certificate that was issued.
        organisation: whose key it is; empty: an account's. No account has an empty name, so none sees it.
    """

    certificate_request_id: str
    account: str
    agent_id: str
    key_id: str
    purpose: Purpose
    pkcs10: bytes = field(repr=False)
    key_der: bytes = field(repr=False)
    key_sha256: bytes
    state: RequestState
    create_time: datetime
    decide_time: datetime | None = None
    why: str | None = None
    fingerprint: bytes | None = None
    organisation: str = ""

    @property
    def owner(self) -> str:
        """Whose it is, for people."""
        return self.account or f"organisation {self.organisation}"


def add_request(connection: Connection, request: CertificateRequest) -> None:
    """Keep a new request."""
    connection.execute(insert(certificate_requests), row_values(request))


def find_request(connection: Connection, certificate_request_id: str) -> CertificateRequest | None:
    """A request."""
    query = select(certificate_requests).where(_request.certificate_request_id == certificate_request_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else _read(row)


def list_requests(
    connection: Connection,
    after: PageCursor | None,
    limit: int,
    *,
    account: str | None = None,
    state: RequestState | None = None,
) -> list[CertificateRequest]:
    """At most ``limit`` requests, of an account or in a state if that is named, oldest first."""
    order = (_request.create_time, _request.certificate_request_id)
    query = select(certificate_requests).order_by(*order).limit(limit)
    if account is not None:
        query = query.where(_request.account == account)
    if state is not None:
        query = query.where(_request.state == state.value)
    if after is not None:
        query = query.where(tuple_(*order) > (after.time, after.name))
    return [_read(row) for row in connection.execute(query)]


def list_waiting(connection: Connection, key_sha256: bytes) -> list[str]:
    """Names of the requests for that key that wait; at most one."""
    query = select(_request.certificate_request_id).where(
        _request.key_sha256 == key_sha256, _request.state == RequestState.WAITING.value
    )
    return list(connection.execute(query).scalars())


def count_since(connection: Connection, account: str, since: datetime) -> int:
    """How many requests an account has made since some time."""
    query = select(func.count()).where(_request.account == account, _request.create_time > since)
    return connection.execute(query).scalar_one()


def decide(
    connection: Connection,
    certificate_request_id: str,
    state: RequestState,
    now: datetime,
    *,
    why: str | None = None,
    fingerprint: bytes | None = None,
) -> None:
    """End a request's waiting."""
    query = update(certificate_requests).where(_request.certificate_request_id == certificate_request_id)
    values = {"state": state.value, "decide_time": now, "why": why, "fingerprint": fingerprint}
    connection.execute(query, values)


def list_approvals(connection: Connection, certificate_request_id: str) -> list[tuple[str, datetime]]:
    """Who has approved a request, and when."""
    query = select(certificate_approvals.c.officer, certificate_approvals.c.time).where(
        certificate_approvals.c.certificate_request_id == certificate_request_id
    )
    return [(row.officer, row.time) for row in connection.execute(query.order_by(certificate_approvals.c.time))]


def add_approval(connection: Connection, certificate_request_id: str, officer: str, now: datetime) -> None:
    """Keep an approval."""
    values = {"certificate_request_id": certificate_request_id, "officer": officer, "time": now}
    connection.execute(insert(certificate_approvals), values)


def _read(row: Row[*tuple[Any, ...]]) -> CertificateRequest:
    return CertificateRequest(**(row._asdict() | {"purpose": Purpose(row.purpose), "state": RequestState(row.state)}))
