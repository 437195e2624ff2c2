"""The tables of organisations, their administrators and keys."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    Row,
    Table,
    Text,
    bindparam,
    delete,
    insert,
    select,
    tuple_,
    update,
)

from mpc.four_prime_rsa import Purpose
from server.custody import KeyKind
from server.storage import Instant, PageCursor, metadata, row_values

organisations = Table(
    "organisations",
    metadata,
    Column("name", Text, primary_key=True),
    Column("display_name", Text, nullable=False),
    Column("create_time", Instant, nullable=False),
    Column("approvals", Integer, nullable=False),
    Index(None, "create_time", "name"),
)

organisation_administrators = Table(
    "organisation_administrators",
    metadata,
    Column("organisation", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("add_time", Instant, nullable=False),
)

organisation_keys = Table(
    "organisation_keys",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("organisation", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("key_der", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("create_time", Instant, nullable=False),
    CheckConstraint("purpose IN ('sign', 'decrypt')", name="purpose"),
    Index(None, "organisation", "create_time"),
)

_find_key = select(organisation_keys).where(organisation_keys.c.key_id == bindparam("of_key"))


@dataclass(frozen=True, slots=True)
class Organisation:
    """An organisation.

    Args:
        name: of which accounts may have the same: they are two things.
        display_name: what people call it; stands in its certificates.
        create_time: when it was registered.
        approvals: how many administrators must approve a grant.
    """

    name: str
    display_name: str
    create_time: datetime
    approvals: int = 1

    @property
    def owner(self) -> str:
        """What records of accounts call it: no account has such a name."""
        return f"organisation {self.name}"


@dataclass(frozen=True, slots=True)
class OrganisationKey:
    """A key of an organisation.

    Args:
        key_id: its name in custody.
        organisation: whose.
        purpose: what it does.
        kind: algorithm and size.
        key_der: SubjectPublicKeyInfo of its public key.
        sealed: for ``NamedKeys.open``.
        create_time: when it was made.
    """

    key_id: str
    organisation: str
    purpose: Purpose
    kind: KeyKind
    key_der: bytes = field(repr=False)
    sealed: bytes = field(repr=False)
    create_time: datetime

    @property
    def key_sha256(self) -> bytes:
        """SHA-256 of ``key_der``, by which certificates and requests know the key."""
        return sha256(self.key_der).digest()


def add_organisation(connection: Connection, organisation: Organisation) -> None:
    """Keep a new organisation."""
    connection.execute(insert(organisations), row_values(organisation))


def find_organisation(connection: Connection, name: str) -> Organisation | None:
    """The organisation of that name."""
    row = connection.execute(select(organisations).where(organisations.c.name == name)).one_or_none()
    return None if row is None else Organisation(**row._asdict())


def list_organisations(connection: Connection, after: PageCursor | None, limit: int) -> list[Organisation]:
    """At most ``limit`` organisations, oldest first."""
    order = (organisations.c.create_time, organisations.c.name)
    query = select(organisations).order_by(*order).limit(limit)
    if after is not None:
        query = query.where(tuple_(*order) > (after.time, after.name))
    return [Organisation(**row._asdict()) for row in connection.execute(query)]


def put_approvals(connection: Connection, name: str, approvals: int) -> None:
    """How many administrators must approve from now on."""
    connection.execute(update(organisations).where(organisations.c.name == name), {"approvals": approvals})


def add_administrator(connection: Connection, organisation: str, account: str, now: datetime) -> None:
    """Keep a new administrator."""
    values = {"organisation": organisation, "account": account, "add_time": now}
    connection.execute(insert(organisation_administrators), values)


def drop_administrator(connection: Connection, organisation: str, account: str) -> bool:
    """An account administers no more; whether it did."""
    column = organisation_administrators.c
    query = delete(organisation_administrators).where(column.organisation == organisation, column.account == account)
    return bool(connection.execute(query).rowcount)


def list_administrators(connection: Connection, organisation: str) -> dict[str, datetime]:
    """Accounts that administer, sorted, each with the time since when: at most 64."""
    column = organisation_administrators.c
    query = select(column.account, column.add_time).where(column.organisation == organisation)
    return {row.account: row.add_time for row in connection.execute(query.order_by(column.account))}


def add_key(connection: Connection, key: OrganisationKey) -> None:
    """Keep a new key."""
    connection.execute(insert(organisation_keys), row_values(key))


def find_key(connection: Connection, key_id: str) -> OrganisationKey | None:
    """The key of that name."""
    row = connection.execute(_find_key, {"of_key": key_id}).one_or_none()
    return None if row is None else _key(row)


def list_keys(connection: Connection, organisation: str) -> list[OrganisationKey]:
    """The keys of an organisation, oldest first: a few."""
    column = organisation_keys.c
    query = select(organisation_keys).where(column.organisation == organisation)
    return [_key(row) for row in connection.execute(query.order_by(column.create_time, column.key_id))]


def all_keys(connection: Connection) -> list[OrganisationKey]:
    """Every key of every organisation."""
    return [_key(row) for row in connection.execute(select(organisation_keys).order_by(organisation_keys.c.key_id))]


def _key(row: Row[*tuple[Any, ...]]) -> OrganisationKey:
    return OrganisationKey(**(row._asdict() | {"purpose": Purpose(row.purpose), "kind": KeyKind(row.kind)}))
