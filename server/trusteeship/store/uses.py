"""Uses: begun, with a record that waits for its user's signature, and recorded in the log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    and_,
    bindparam,
    delete,
    func,
    insert,
    select,
    tuple_,
    update,
)

from server.trusteeship.store.tables import trust_open_uses, trust_uses

_use = trust_uses.c
_open = trust_open_uses.c
_OF_RECORDS: Final = ("request", "number", "user_number", "record", "record_time")


def _is(table: Table) -> ColumnElement[bool]:
    """The row of a use: for ``_named``."""
    return and_(table.c.agent_id == bindparam("of_agent"), table.c.request_id == bindparam("of_request"))


def _new(*names: str) -> dict[str, Any]:
    return {name: bindparam(f"new_{name}") for name in names}


_SAME = and_(_open.agent_id == _use.agent_id, _open.request_id == _use.request_id)
_begin = insert(trust_uses)
_open_new = insert(trust_open_uses)
_find = select(trust_uses, _open.end_time, _open.result).outerjoin(trust_open_uses, _SAME).where(_is(trust_uses))
_put_record = update(trust_uses).where(_is(trust_uses)).values(**_new(*_OF_RECORDS))
_put_recorded = update(trust_uses).where(_is(trust_uses)).values(**_new("record", "log_index"))
_extend = update(trust_open_uses).where(_is(trust_open_uses)).values(**_new("end_time", "result"))
_last_of_user = select(func.max(_use.user_number)).where(
    _use.key_id == bindparam("of_key"), _use.user == bindparam("of_user")
)
_last = (
    select(_use.number, _use.record_time, _last_of_user.scalar_subquery().label("last_of_user"))
    .where(_use.key_id == bindparam("of_key"), _use.number.is_not(None))
    .order_by(_use.number.desc())
    .limit(1)
)


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
        end_time: until when it is waited for, or its result is kept; None: it has ended.
        result: what came of it, sealed; None before there is a record, and after the end.
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
    end_time: datetime | None = None
    result: bytes | None = field(default=None, repr=False)

    @property
    def name(self) -> UseName:
        """What tells it from others."""
        return UseName(self.agent_id, self.request_id)

    def is_open(self, now: datetime) -> bool:
        """Whether it is waited for, or its result is kept."""
        return self.end_time is not None and now < self.end_time


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


@dataclass(frozen=True, slots=True)
class Exportable:
    """How many records can be exported, and the number of the last one; 0: none."""

    count: int
    last: int


def begin_use(connection: Connection, row: UseRow) -> None:
    """Keep a new use, without a record."""
    connection.execute(_begin, _values(row, trust_uses))
    connection.execute(_open_new, _values(row, trust_open_uses))


def find_use(connection: Connection, name: UseName) -> UseRow | None:
    """The use of that name."""
    row = connection.execute(_find, _named(name)).one_or_none()
    return None if row is None else UseRow(*row)


def find_last(connection: Connection, key_id: str, user: str) -> Last:
    """The last numbers that were taken."""
    row = connection.execute(_last, {"of_key": key_id, "of_user": user}).one_or_none()
    return Last(0, 0, None) if row is None else Last(row.number, row.last_of_user or 0, row.record_time)


def put_record(connection: Connection, row: UseRow) -> None:
    """Keep the record of a use, and its sealed result, until the user signs."""
    connection.execute(_put_record, _named(row.name) | {f"new_{name}": getattr(row, name) for name in _OF_RECORDS})
    extend_open(connection, row)


def put_recorded(connection: Connection, name: UseName, record: bytes, log_index: int) -> None:
    """The record, as it is now, stands in the log."""
    connection.execute(_put_recorded, _named(name) | {"new_record": record, "new_log_index": log_index})


def extend_open(connection: Connection, row: UseRow) -> None:
    """A use is waited for, or its result kept, until its ``end_time``."""
    values = {"new_end_time": row.end_time, "new_result": row.result}
    connection.execute(_extend, _named(row.name) | values)


def end_open(connection: Connection, name: UseName) -> None:
    """A use is under way no more, and its result is gone."""
    connection.execute(delete(trust_open_uses).where(_is(trust_open_uses)), _named(name))


def drop_use(connection: Connection, name: UseName) -> None:
    """A use that has no number never was."""
    connection.execute(delete(trust_uses).where(_is(trust_uses), _use.number.is_(None)), _named(name))


def list_ended(connection: Connection, now: datetime, limit: int) -> Sequence[UseName]:
    """Uses whose time is over, at most ``limit``, the oldest first."""
    query = select(_open.agent_id, _open.request_id).where(_open.end_time <= now)
    return [UseName(*row) for row in connection.execute(query.order_by(_open.end_time).limit(limit))]


def list_recorded(
    connection: Connection, wanted: Wanted, after: tuple[datetime, str, int] | None, limit: int
) -> list[RecordPlace]:
    """At most ``limit`` records that stand in the log, in the order of time and number, behind a place."""
    return [RecordPlace(*row) for row in connection.execute(_listing(wanted, after, limit))]


def find_exportable(connection: Connection, wanted: Wanted) -> Exportable:
    """The wanted records of one key that stand in the log, up to the first number of the key that does not yet."""
    waiting = select(func.min(_use.number)).select_from(trust_open_uses.join(trust_uses, _SAME))
    first = connection.execute(waiting.where(_use.key_id == wanted.key_id, _use.log_index.is_(None))).scalar_one()
    query = select(func.count(), func.max(_use.number)).where(*_conditions(wanted))
    if first is not None:
        query = query.where(_use.number < first)
    count, last = connection.execute(query).one()
    return Exportable(count, last or 0)


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [_use.log_index.is_not(None)]
    for name in ("organisation", "key_id", "user"):
        value = getattr(wanted, name)
        if value:
            conditions.append(_use[name] == value)
    if wanted.begin is not None:
        conditions.append(_use.record_time >= wanted.begin)
    if wanted.end is not None:
        conditions.append(_use.record_time < wanted.end)
    return conditions


def _listing(wanted: Wanted, after: tuple[datetime, str, int] | None, limit: int) -> Select[datetime, str, int, int]:
    order = (_use.record_time, _use.key_id, _use.number)
    query = select(*order, _use.log_index).where(*_conditions(wanted)).order_by(*order).limit(limit)
    if after is not None:
        query = query.where(tuple_(*order) > after)
    return query


def _values(row: UseRow, table: Table) -> dict[str, Any]:
    return {column.name: getattr(row, column.name) for column in table.c}


def _named(name: UseName) -> dict[str, Any]:
    return {"of_agent": name.agent_id, "of_request": name.request_id}
