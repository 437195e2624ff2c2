"""Alarms, the keys that they are about, and what the log has about them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Self

from sqlalchemy import Connection, Row, bindparam, func, insert, select, tuple_, update

from contract.announcements.alarm import Alarm, AlarmState
from contract.announcements.claim import Claim
from contract.announcements.control import Kind
from contract.announcements.judgement import Judgement, Rule
from server.guard.store.tables import alarm_keys, alarms, records
from server.storage import PageCursor, row_values

_KEY_BYTES: Final = 32
_alarm, _key, _record = alarms.c, alarm_keys.c, records.c
_find = select(alarms).where(_alarm.alarm_id == bindparam("of_alarm"))
_put = (
    update(alarms)
    .where(_alarm.alarm_id == bindparam("of_alarm"))
    .values(
        {
            name: bindparam(name)
            for name in ("state", "rule", "genuine", "impostors", "decider", "update_time", "due_time")
        }
    )
)
_keys = select(_key.key, _key.announcement).where(_key.alarm_id == bindparam("of_alarm")).order_by(_key.key)
_records = select(records).where(_record.alarm_id == bindparam("of_alarm")).order_by(_record.log_index)


@dataclass(frozen=True, slots=True)
class AlarmRow:
    """An alarm.

    Args:
        alarm: how it stands.
        create_time: when it was raised.
        update_time: when it came to how it stands.
        due_time: when it is looked at again; None: not by itself.
    """

    alarm: Alarm
    create_time: datetime
    update_time: datetime
    due_time: datetime | None

    def now(self, alarm: Alarm, now: datetime, due_time: datetime | None) -> Self:
        """As it is after a step."""
        return replace(self, alarm=alarm, update_time=now, due_time=due_time)


@dataclass(frozen=True, slots=True)
class RecordRow:
    """A message that the log has.

    Args:
        log_index: of its entry.
        alarm_id: that it is about; need not be one of ours.
        issuer: the guard, or the gateway that said it.
        kind: of the message.
        message: DER of SignedControl.
        time: when it was taken.
    """

    log_index: int
    alarm_id: str
    issuer: str
    kind: Kind
    message: bytes = field(repr=False)
    time: datetime


def add_alarm(connection: Connection, row: AlarmRow, announcements: dict[bytes, bytes]) -> None:
    """Keep a new alarm.

    Args:
        connection: the transaction.
        row: the alarm.
        announcements: DER of SignedAnnouncement of every key that had the claim.
    """
    alarm = row.alarm
    fixed = {
        "alarm_id": alarm.alarm_id,
        "source": alarm.claim.source,
        "user": alarm.claim.user,
        "destination": alarm.claim.destination,
        "keys": b"".join(alarm.keys),
        "first_time": alarm.first,
        "create_time": row.create_time,
    }
    connection.execute(insert(alarms), fixed | _changing(row))
    named = [{"alarm_id": alarm.alarm_id, "key": key, "announcement": der} for key, der in announcements.items()]
    connection.execute(insert(alarm_keys), named)


def put_alarm(connection: Connection, row: AlarmRow) -> None:
    """Keep how an alarm stands."""
    connection.execute(_put, {"of_alarm": row.alarm.alarm_id, **_changing(row)})


def find_alarm(connection: Connection, alarm_id: str) -> AlarmRow | None:
    """The alarm of that name."""
    row = connection.execute(_find, {"of_alarm": alarm_id}).one_or_none()
    return None if row is None else _read(row)


def list_keys(connection: Connection, alarm_id: str) -> dict[bytes, bytes]:
    """DER of SignedAnnouncement by key, of every key that had the claim when the alarm was raised."""
    return {row.key: row.announcement for row in connection.execute(_keys, {"of_alarm": alarm_id})}


def list_due(connection: Connection, now: datetime, limit: int) -> list[AlarmRow]:
    """At most ``limit`` alarms whose time has come."""
    query = select(alarms).where(_alarm.due_time <= now).order_by(_alarm.due_time).limit(limit)
    return [_read(row) for row in connection.execute(query)]


def list_in(connection: Connection, states: Collection[AlarmState], limit: int) -> list[AlarmRow]:
    """At most ``limit`` alarms in some states, oldest first."""
    query = select(alarms).where(_alarm.state.in_([state.value for state in states]))
    return [_read(row) for row in connection.execute(query.order_by(_alarm.create_time, _alarm.alarm_id).limit(limit))]


def list_alarms(
    connection: Connection,
    after: PageCursor | None,
    limit: int,
    *,
    account: str = "",
    states: Collection[AlarmState] = (),
) -> list[AlarmRow]:
    """At most ``limit`` alarms, newest first: about what was sent as an account or to it; in some states."""
    query = select(alarms)
    if account:
        query = query.where((_alarm.user == account) | (_alarm.destination == account))
    if states:
        query = query.where(_alarm.state.in_([state.value for state in states]))
    if after is not None:
        query = query.where(tuple_(_alarm.create_time, _alarm.alarm_id) < (after.time, after.name))
    query = query.order_by(_alarm.create_time.desc(), _alarm.alarm_id.desc()).limit(limit)
    return [_read(row) for row in connection.execute(query)]


def count_by_state(connection: Connection) -> dict[AlarmState, int]:
    """How many alarms there are in each state that any is in."""
    query = select(_alarm.state, func.count()).group_by(_alarm.state)
    return {AlarmState(state): count for state, count in connection.execute(query)}


def count_about(connection: Connection, account: str, states: Collection[AlarmState]) -> int:
    """How many alarms about what was sent as an account are in some states."""
    which = (_alarm.user == account) & _alarm.state.in_([state.value for state in states])
    return connection.execute(select(func.count()).select_from(alarms).where(which)).scalar_one()


def add_record(connection: Connection, row: RecordRow) -> None:
    """Note what the log has."""
    connection.execute(insert(records), row_values(row))


def list_records(connection: Connection, alarm_id: str) -> list[RecordRow]:
    """What the log has about an alarm, in its order."""
    return [_record_of(row) for row in connection.execute(_records, {"of_alarm": alarm_id})]


def find_record(connection: Connection, log_index: int) -> RecordRow | None:
    """What is noted of an entry of the log."""
    row = connection.execute(select(records).where(_record.log_index == log_index)).one_or_none()
    return None if row is None else _record_of(row)


def count_records(connection: Connection) -> int:
    """How many messages the log has, as far as is noted."""
    return connection.execute(select(func.count()).select_from(records)).scalar_one()


def all_alarms(connection: Connection) -> Iterator[AlarmRow]:
    """Every alarm, oldest first."""
    for row in connection.execute(select(alarms).order_by(_alarm.create_time, _alarm.alarm_id)):
        yield _read(row)


def _record_of(row: Row[*tuple[Any, ...]]) -> RecordRow:
    log_index, alarm_id, issuer, kind, message, time = row
    return RecordRow(log_index, alarm_id, issuer, Kind(kind), message, time)


def _changing(row: AlarmRow) -> dict[str, Any]:
    judgement = row.alarm.judgement
    return {
        "state": row.alarm.state.value,
        "rule": "" if judgement is None else judgement.rule.value,
        "genuine": b"" if judgement is None else b"".join(judgement.genuine),
        "impostors": b"" if judgement is None else b"".join(judgement.impostors),
        "decider": "" if judgement is None else judgement.decider,
        "update_time": row.update_time,
        "due_time": row.due_time,
    }


def _read(row: Row[*tuple[Any, ...]]) -> AlarmRow:
    judgement = None
    if row.rule:
        judgement = Judgement(Rule(row.rule), _split(row.genuine), _split(row.impostors), row.decider)
    one, other = _split(row.keys)
    claim = Claim(row.source, row.user, row.destination)
    alarm = Alarm(claim, (one, other), row.first_time, AlarmState(row.state), judgement)
    return AlarmRow(alarm, row.create_time, row.update_time, row.due_time)


def _split(keys: bytes) -> tuple[bytes, ...]:
    return tuple(keys[start : start + _KEY_BYTES] for start in range(0, len(keys), _KEY_BYTES))
