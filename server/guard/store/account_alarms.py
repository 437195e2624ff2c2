"""Alarms about accounts, as the log has them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, insert, select, tuple_, update

from contract.announcements.account_alarm import AccountAlarm, AccountAlarmState
from server.guard.store.tables import account_alarms
from server.storage import PageCursor

_alarm = account_alarms.c


@dataclass(frozen=True, slots=True)
class AccountAlarmRow:
    """An alarm about an account.

    Args:
        alarm: how it stands.
        create_time: when it was raised.
        update_time: when it came to how it stands.
    """

    alarm: AccountAlarm
    create_time: datetime
    update_time: datetime


def add_account_alarm(connection: Connection, alarm: AccountAlarm, now: datetime) -> None:
    """Keep a new one."""
    fixed = {"alarm_id": alarm.alarm_id, "account": alarm.account, "create_time": now}
    connection.execute(insert(account_alarms), fixed | _changing(alarm, now))


def put_account_alarm(connection: Connection, alarm: AccountAlarm, now: datetime) -> None:
    """Keep how one stands."""
    query = update(account_alarms).where(_alarm.alarm_id == alarm.alarm_id)
    connection.execute(query.values(_changing(alarm, now)))


def find_account_alarm(connection: Connection, alarm_id: str) -> AccountAlarmRow | None:
    """The one of that name."""
    row = connection.execute(_columns().where(_alarm.alarm_id == alarm_id)).one_or_none()
    return None if row is None else _read(row)


def list_open_about(connection: Connection, account: str) -> list[AccountAlarmRow]:
    """Those about an account that are open."""
    chosen = (_alarm.account == account) & (_alarm.state == AccountAlarmState.OPEN.value)
    return [_read(row) for row in connection.execute(_columns().where(chosen).order_by(_alarm.create_time))]


def list_account_alarms(
    connection: Connection, after: PageCursor | None, limit: int, *, open_only: bool = False
) -> list[AccountAlarmRow]:
    """At most ``limit`` of them, newest first."""
    query = _columns()
    if open_only:
        query = query.where(_alarm.state == AccountAlarmState.OPEN.value)
    if after is not None:
        query = query.where(tuple_(_alarm.create_time, _alarm.alarm_id) < (after.time, after.name))
    query = query.order_by(_alarm.create_time.desc(), _alarm.alarm_id.desc()).limit(limit)
    return [_read(row) for row in connection.execute(query)]


def count_open(connection: Connection) -> int:
    """How many are open."""
    query = select(func.count()).select_from(account_alarms).where(_alarm.state == AccountAlarmState.OPEN.value)
    return connection.execute(query).scalar_one()


def all_as_kept(connection: Connection) -> dict[str, tuple[str, str, bytes]]:
    """Account, state and DER of each as they are kept, by name; they may have been altered."""
    query = select(_alarm.alarm_id, _alarm.account, _alarm.state, _alarm.alarm)
    return {alarm_id: (account, state, der) for alarm_id, account, state, der in connection.execute(query)}


def _columns() -> Select[Any]:
    return select(_alarm.alarm, _alarm.create_time, _alarm.update_time)


def _changing(alarm: AccountAlarm, now: datetime) -> dict[str, Any]:
    return {"state": alarm.state.value, "alarm": alarm.to_der(), "update_time": now}


def _read(row: Row[*tuple[Any, ...]]) -> AccountAlarmRow:
    return AccountAlarmRow(AccountAlarm.from_der(row.alarm), row.create_time, row.update_time)
