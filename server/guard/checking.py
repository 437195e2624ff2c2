"""Compares the guard's alarms with the log: each message with its row, each judgement with the decision about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from sqlalchemy import Connection

from contract.announcements.account_alarm import AccountAlarm
from contract.announcements.contents import Decision
from contract.announcements.control import IssuerRole, Kind, SignedControl
from contract.announcements.judgement import Judgement
from contract.announcements.key_change import KeyChange
from contract.announcements.standing import GatewayStanding
from contract.log_entry import EntryKind
from mpc.errors import FoursealError
from server.guard.store import alarms as store
from server.guard.store import orders as order_store
from server.guard.store.account_alarms import all_as_kept
from server.guard.store.alarms import AlarmRow, RecordRow
from server.guard.store.entries import GuardEntry, GuardEntryKind, count_entries, find_entry, newest_by_name
from server.identity import gateways_shut_out
from server.journal.log import Entries, Finding

_NAMES: Final[Mapping[GuardEntryKind, Callable[[bytes], str]]] = {
    GuardEntryKind.KEY_CHANGE: lambda body: KeyChange.from_der(body).new_key.hex(),
    GuardEntryKind.GATEWAY: lambda body: GatewayStanding.from_der(body).gateway,
    GuardEntryKind.ACCOUNT_ALARM: lambda body: AccountAlarm.from_der(body).alarm_id,
}


class GuardCheck:
    """See ``server.journal.log.EntryCheck``."""

    def __init__(self) -> None:
        self._messages = 0
        self._others = 0

    def check(self, connection: Connection, entries: Entries) -> Iterator[Finding]:
        """Every entry of the guard in the log has its row, which says the same."""
        for index, entry in entries:
            if entry.kind is not EntryKind.GUARD:
                continue
            if (other := find_entry(connection, index)) is not None:
                self._others += 1
                if other.body != entry.body or not _is_named_so(other):
                    yield Finding(f"entry {index}", "its row says something else")
                continue
            self._messages += 1
            try:
                message = SignedControl.from_der(entry.body).message
            except FoursealError as error:
                yield Finding(f"entry {index}", f"it has no row, and is no control message: {error}")
                continue
            row = store.find_record(connection, index)
            if row is None:
                yield Finding(f"entry {index}", "the row of its message was deleted")
            elif (row.message, row.alarm_id, row.kind) != (entry.body, message.alarm, message.kind):
                yield Finding(f"entry {index}", "the row of its message says something else")

    def finish(self, connection: Connection) -> Iterator[Finding]:
        """There are no rows without an entry, and every alarm was judged as its gateways were told."""
        there = store.count_records(connection)
        if there != self._messages:
            yield Finding("messages of the guard", f"there are {there} rows, and by the log {self._messages}")
        there = count_entries(connection)
        if there != self._others:
            yield Finding("other entries of the guard", f"there are {there} rows, and by the log {self._others}")
        out = gateways_shut_out(connection)
        for name, entry in newest_by_name(connection, GuardEntryKind.GATEWAY).items():
            if GatewayStanding.from_der(entry.body).shut_out != (name in out):
                yield Finding(f"gateway {name}", "the black list says otherwise of it than the log")
        told = {name: _as_kept(each) for name, each in newest_by_name(connection, GuardEntryKind.ACCOUNT_ALARM).items()}
        kept = all_as_kept(connection)
        for name in sorted(told.keys() | kept.keys()):
            if kept.get(name) != told.get(name):
                yield Finding(name, "it stands otherwise than the log says")
        for row in store.all_alarms(connection):
            if not _is_judged_as_told(connection, row):
                yield Finding(row.alarm.alarm_id, f"it is {row.alarm.state}, and the log does not say so")


def _is_named_so(entry: GuardEntry) -> bool:
    """Whether an entry is noted as what its body says that it is."""
    try:
        return entry.name == _NAMES[entry.kind](entry.body)
    except FoursealError:
        return False


def _as_kept(entry: GuardEntry) -> tuple[str, str, bytes]:
    alarm = AccountAlarm.from_der(entry.body)
    return alarm.account, alarm.state.value, entry.body


def _is_judged_as_told(connection: Connection, row: AlarmRow) -> bool:
    """Whether the last decision in the log is the alarm's judgement; one that is still to be signed is not there."""
    told = [each for record in store.list_records(connection, row.alarm.alarm_id) if (each := _decided(record))]
    if (told[-1] if told else None) == row.alarm.judgement:
        return True
    orders = order_store.list_orders(connection, row.alarm.alarm_id, [Kind.DECISION])
    return any(order.sign_time is None for order in orders)


def _decided(record: RecordRow) -> Judgement | None:
    message = SignedControl.from_der(record.message).message
    by_guard = message.issuer.role is IssuerRole.GUARD
    return message.content.judgement if by_guard and isinstance(message.content, Decision) else None
