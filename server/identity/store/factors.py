"""Second factors, and the one-time codes that were sent for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
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
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Row,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    update,
)

from server.storage import Instant, metadata, row_values

second_factors = Table(
    "second_factors",
    metadata,
    Column("account", Text, nullable=False),
    Column("factor_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("hint", Text, nullable=False),
    Column("confirmed", Boolean, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("counter", BigInteger, nullable=False),
    Column("create_time", Instant, nullable=False),
    PrimaryKeyConstraint("account", "factor_id"),
    CheckConstraint("kind IN ('totp', 'sms', 'webauthn')", name="kind"),
)

sent_codes = Table(
    "sent_codes",
    metadata,
    Column("account", Text, nullable=False),
    Column("factor_id", Text, nullable=False),
    Column("occasion", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("create_time", Instant, nullable=False),
    PrimaryKeyConstraint("account", "factor_id", "occasion"),
    Index(None, "create_time"),
)


class FactorKind(StrEnum):
    """A kind of second factor."""

    TOTP = "totp"
    SMS = "sms"
    WEBAUTHN = "webauthn"


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """A second factor of an account.

    Args:
        account: whose.
        factor_id: which one of the account's.
        kind: its kind.
        hint: what its owner knows it by.
        confirmed: whether its owner has shown that it works.
        sealed: its secret or public half, as its kind has it.
        counter: TOTP: the last time step of which a code was used; WebAuthn: the signature counter.
        create_time: when it was set up.
    """

    account: str
    factor_id: str
    kind: FactorKind
    hint: str
    confirmed: bool
    sealed: bytes = field(repr=False)
    counter: int
    create_time: datetime


@dataclass(frozen=True, slots=True)
class SentCode:
    """A one-time code that was sent.

    Args:
        account, factor_id: to whom.
        occasion: SHA-256 of what it was sent for; it is good for nothing else.
        sealed: the code.
        tries: answers to it so far.
        create_time: when it was sent.
    """

    account: str
    factor_id: str
    occasion: bytes
    sealed: bytes = field(repr=False)
    tries: int
    create_time: datetime


def list_factors(connection: Connection, account: str) -> list[SecondFactor]:
    """An account's second factors, oldest first."""
    query = select(second_factors).where(second_factors.c.account == account)
    ordered = query.order_by(second_factors.c.create_time, second_factors.c.factor_id)
    return [_factor(row) for row in connection.execute(ordered)]


def find_factor(connection: Connection, account: str, factor_id: str) -> SecondFactor | None:
    """One of an account's second factors."""
    query = select(second_factors).where(_is(account, factor_id))
    row = connection.execute(query).one_or_none()
    return None if row is None else _factor(row)


def add_factor(connection: Connection, factor: SecondFactor) -> None:
    """Keep a new second factor."""
    connection.execute(insert(second_factors), row_values(factor))


def confirm_factor(connection: Connection, factor: SecondFactor, sealed: bytes, counter: int) -> bool:
    """Mark a second factor as confirmed, unless that was done or it was removed meanwhile; whether it was."""
    query = update(second_factors).where(_is(factor.account, factor.factor_id), second_factors.c.confirmed.is_(False))
    return connection.execute(query, {"confirmed": True, "sealed": sealed, "counter": counter}).rowcount == 1


def advance_counter(connection: Connection, factor: SecondFactor, counter: int) -> bool:
    """Change the counter, unless it was changed or the factor was removed meanwhile; whether it was changed."""
    query = update(second_factors).where(
        _is(factor.account, factor.factor_id), second_factors.c.counter == factor.counter
    )
    return connection.execute(query, {"counter": counter}).rowcount == 1


def drop_factors(connection: Connection, account: str, factor_ids: Iterable[str]) -> None:
    """Delete some of an account's second factors, with the codes that were sent for them."""
    wanted = list(factor_ids)
    for table in (second_factors, sent_codes):
        connection.execute(delete(table).where(table.c.account == account, table.c.factor_id.in_(wanted)))


def drop_unconfirmed(connection: Connection, before: datetime) -> None:
    """Delete second factors that were set up before a time and never confirmed."""
    query = delete(second_factors).where(second_factors.c.confirmed.is_(False), second_factors.c.create_time < before)
    connection.execute(query)


def put_code(connection: Connection, code: SentCode) -> None:
    """Keep a code in the place of an older one for the same occasion."""
    connection.execute(delete(sent_codes).where(_is_code(code)))
    connection.execute(insert(sent_codes), row_values(code))


def find_code(connection: Connection, account: str, factor_id: str, occasion: bytes) -> SentCode | None:
    """The code that was sent for an occasion."""
    column = sent_codes.c
    query = select(sent_codes).where(
        column.account == account, column.factor_id == factor_id, column.occasion == occasion
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else SentCode(**row._asdict())


def count_try(connection: Connection, code: SentCode) -> None:
    """Count one more answer to a code."""
    connection.execute(update(sent_codes).where(_is_code(code)).values(tries=sent_codes.c.tries + 1))


def drop_code(connection: Connection, code: SentCode) -> bool:
    """Delete a code that was used; False if somebody else had used it."""
    return connection.execute(delete(sent_codes).where(_is_code(code))).rowcount == 1


def last_sent(connection: Connection, account: str, factor_id: str) -> datetime | None:
    """When a code was last sent for a second factor, as far as codes are kept."""
    column = sent_codes.c
    query = select(func.max(column.create_time)).where(column.account == account, column.factor_id == factor_id)
    found: datetime | None = connection.execute(query).scalar_one()
    return found


def drop_codes_before(connection: Connection, before: datetime) -> None:
    """Delete codes that were sent before a time."""
    connection.execute(delete(sent_codes).where(sent_codes.c.create_time < before))


def _is(account: str, factor_id: str) -> Any:  # noqa: ANN401  # SQLAlchemy's condition
    return (second_factors.c.account == account) & (second_factors.c.factor_id == factor_id)


def _is_code(code: SentCode) -> Any:  # noqa: ANN401  # SQLAlchemy's condition
    column = sent_codes.c
    same = (column.account == code.account) & (column.factor_id == code.factor_id)
    return same & (column.occasion == code.occasion)


def _factor(row: Row[*tuple[Any, ...]]) -> SecondFactor:
    return SecondFactor(**(row._asdict() | {"kind": FactorKind(row.kind)}))
