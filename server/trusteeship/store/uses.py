"""Uses: begun, with a record that waits for its user's signature, and recorded in the log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, delete, func, insert, select, tuple_, update

from server.trusteeship.store.tables import trust_open_uses, trust_uses

_use = trust_uses.c
_open = trust_open_uses.c


@dataclass(frozen=True, slots=True)
class UseName:
    """What tells uses apart: the agent that asked, and its request id."""

    agent_id: str
    request_id: str


@dataclass(frozen=True, slots=True)
class UseRow:
    """A use.

    Args:
        agent_id, request_id: which.
        grant_id: under which grant.
        organisation: whose key.
        key_id: which.
        user: who asked.
        refusal: why it was refused when it began; empty: it was not.
        request: ``SignedStatement`` of the request, DER; None until it was completed.
        number, user_number: of its record; None until there is one.
        record: ``UseRecord``, DER; None until there is one.
        record_time: when its number was taken: never earlier than that of the number before.
        log_index: of the record's entry; None until it was recorded.
    """

    agent_id: str
    request_id: str
    grant_id: str
    organisation: str
    key_id: str
    user: str
    refusal: str
    request: bytes | None = None
    number: int | None = None
    user_number: int | None = None
    record: bytes | None = None
    record_time: datetime | None = None
    log_index: int | None = None

    @property
    def name(self) -> UseName:
        """What tells it from others."""
        return UseName(self.agent_id, self.request_id)


@dataclass(frozen=True, slots=True)
class OpenUse:
    """That a use is under way, or was recorded a while ago.

    Args:
        end_time: until when it is waited for, or its result is kept.
        result: what came of it, sealed; None until there is a record.
    """

    end_time: datetime
    result: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Last:
    """The last numbers of a key, and of a user at it; 0 for none. ``time`` is that of the key's last record."""

    number: int
    user_number: int
    time: datetime | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records; what is empty or None restricts nothing.

    Args:
        organisation: whose keys.
        key_id: one key.
        user: one user.
        begin, end: recorded from then on, and before.
    """

    organisation: str = ""
    key_id: str = ""
    user: str = ""
    begin: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class RecordPlace:
    """Where a record stands: in time and among those of its key, and in the log."""

    time: datetime
    key_id: str
    number: int
    log_index: int


def begin_use(connection: Connection, row: UseRow, end_time: datetime) -> None:
    """Keep a new use, without a record."""
    connection.execute(insert(trust_uses), {name: getattr(row, name) for name in UseRow.__dataclass_fields__})
    values = {"agent_id": row.agent_id, "request_id": row.request_id, "end_time": end_time, "result": None}
    connection.execute(insert(trust_open_uses), values)


def find_use(connection: Connection, name: UseName) -> UseRow | None:
    """The use of that name."""
    row = connection.execute(select(trust_uses).where(_is(trust_uses, name))).one_or_none()
    return None if row is None else UseRow(*row)


def find_open(connection: Connection, name: UseName) -> OpenUse | None:
    """Whether a use is under way, or was recorded a while ago."""
    query = select(_open.end_time, _open.result).where(_is(trust_open_uses, name))
    row = connection.execute(query).one_or_none()
    return None if row is None else OpenUse(*row)


def find_last(connection: Connection, key_id: str, user: str) -> Last:
    """The last numbers that were taken."""
    query = select(_use.number, _use.record_time).where(_use.key_id == key_id, _use.number.is_not(None))
    row = connection.execute(query.order_by(_use.number.desc()).limit(1)).one_or_none()
    of_user = select(func.max(_use.user_number)).where(_use.key_id == key_id, _use.user == user)
    number, time = (0, None) if row is None else (row.number, row.record_time)
    return Last(number, connection.execute(of_user).scalar_one() or 0, time)


def put_record(connection: Connection, row: UseRow, end_time: datetime, result: bytes) -> None:
    """Keep the record of a use, and its sealed result, until the user signs."""
    values = {name: getattr(row, name) for name in ("request", "number", "user_number", "record", "record_time")}
    connection.execute(update(trust_uses).where(_is(trust_uses, row.name)), values)
    extend_open(connection, row.name, end_time)
    connection.execute(update(trust_open_uses).where(_is(trust_open_uses, row.name)), {"result": result})


def put_recorded(connection: Connection, name: UseName, record: bytes, log_index: int) -> None:
    """The record, as it is now, stands in the log."""
    values = {"record": record, "log_index": log_index}
    connection.execute(update(trust_uses).where(_is(trust_uses, name)), values)


def extend_open(connection: Connection, name: UseName, end_time: datetime) -> None:
    """A use is waited for, or its result kept, until then."""
    connection.execute(update(trust_open_uses).where(_is(trust_open_uses, name)), {"end_time": end_time})


def end_open(connection: Connection, name: UseName) -> None:
    """A use is under way no more, and its result is gone."""
    connection.execute(delete(trust_open_uses).where(_is(trust_open_uses, name)))


def drop_use(connection: Connection, name: UseName) -> None:
    """A use that has no number never was."""
    connection.execute(delete(trust_uses).where(_is(trust_uses, name), _use.number.is_(None)))


def list_ended(connection: Connection, now: datetime, limit: int) -> Sequence[UseName]:
    """Uses whose time is over, at most ``limit``, the oldest first."""
    query = select(_open.agent_id, _open.request_id).where(_open.end_time <= now)
    return [UseName(*row) for row in connection.execute(query.order_by(_open.end_time).limit(limit))]


def list_recorded(
    connection: Connection, wanted: Wanted, after: tuple[datetime, str, int] | None, limit: int
) -> list[RecordPlace]:
    """At most ``limit`` records that stand in the log, in the order of time and number, behind a place."""
    return [RecordPlace(*row) for row in connection.execute(_listing(wanted, after, limit))]


def _listing(wanted: Wanted, after: tuple[datetime, str, int] | None, limit: int) -> Select[datetime, str, int, int]:
    order = (_use.record_time, _use.key_id, _use.number)
    query = select(*order, _use.log_index).where(_use.log_index.is_not(None)).order_by(*order).limit(limit)
    for name in ("organisation", "key_id", "user"):
        value = getattr(wanted, name)
        if value:
            query = query.where(_use[name] == value)
    if wanted.begin is not None:
        query = query.where(_use.record_time >= wanted.begin)
    if wanted.end is not None:
        query = query.where(_use.record_time < wanted.end)
    if after is not None:
        query = query.where(tuple_(*order) > after)
    return query


def _is(table: Any, name: UseName) -> ColumnElement[bool]:  # noqa: ANN401  # either of the two
    return and_(table.c.agent_id == name.agent_id, table.c.request_id == name.request_id)
