"""Uses: begun, with a record that waits for its user's signature, and recorded in the log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    select,
    tuple_,
    update,
)

from server.storage import row_values
from server.trusteeship.store.tables import trust_uses

_use = trust_uses.c
_CHANGING: Final = ("request", "number", "user_number", "record", "record_time", "log_index", "end_time", "result")

_named = and_(_use.agent_id == bindparam("of_agent"), _use.request_id == bindparam("of_request"))
_begin = insert(trust_uses)
_find = select(trust_uses).where(_named)
_put = update(trust_uses).where(_named).values({name: bindparam(f"new_{name}") for name in _CHANGING})
_drop = delete(trust_uses).where(_named, _use.number.is_(None))
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
        request: ``JointStatement`` of the request, DER; None until it was completed.
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
    connection.execute(_begin, row_values(row))


def find_use(connection: Connection, name: UseName) -> UseRow | None:
    """The use of that name."""
    row = connection.execute(_find, _values(name)).one_or_none()
    return None if row is None else UseRow(*row)


def find_last(connection: Connection, key_id: str, user: str) -> Last:
    """The last numbers that were taken."""
    row = connection.execute(_last, {"of_key": key_id, "of_user": user}).one_or_none()
    return Last(0, 0, None) if row is None else Last(row.number, row.last_of_user or 0, row.record_time)


def put_use(connection: Connection, row: UseRow) -> bool:
    """A use is as its row says now, in all that changes of one. False: there is none of that name any more."""
    values = {f"new_{name}": getattr(row, name) for name in _CHANGING}
    return bool(connection.execute(_put, _values(row.name) | values).rowcount)


def drop_use(connection: Connection, name: UseName) -> None:
    """A use that has no number never was."""
    connection.execute(_drop, _values(name))


def list_ended(connection: Connection, now: datetime, limit: int) -> Sequence[UseRow]:
    """Uses whose time is over, at most ``limit``, the oldest first."""
    query = select(trust_uses).where(_use.end_time <= now).order_by(_use.end_time).limit(limit)
    return [UseRow(*row) for row in connection.execute(query)]


def list_recorded(
    connection: Connection, wanted: Wanted, after: tuple[datetime, str, int] | None, limit: int
) -> list[RecordPlace]:
    """At most ``limit`` records that stand in the log, in the order of time and number, behind a place."""
    return [RecordPlace(*row) for row in connection.execute(_listing(wanted, after, limit))]


def find_exportable(connection: Connection, wanted: Wanted) -> Exportable:
    """The wanted records of one key that stand in the log, up to the first number of the key that does not yet."""
    first = connection.execute(_first_waiting(wanted.key_id)).scalar_one()
    query = select(func.count(), func.max(_use.number)).where(*_conditions(wanted))
    if first is not None:
        query = query.where(_use.number < first)
    count, last = connection.execute(query).one()
    return Exportable(count, last or 0)


def _first_waiting(key_id: str) -> Select[int | None]:
    """The first number of a key's record that is not in the log yet: found among uses under way, which are few."""
    of_key = case(
        (_use.key_id == key_id, _use.number)
    )  # as a condition, all records of the key would be looked through
    return select(func.min(of_key)).where(_use.end_time.is_not(None), _use.log_index.is_(None))


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


def _values(name: UseName) -> dict[str, str]:
    return {"of_agent": name.agent_id, "of_request": name.request_id}
