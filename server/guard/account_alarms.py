"""Alarms that others raise: clone detection, and two certificates for one name. A person decides about them.

``server.identity`` tells of both in its own transactions (``Observers``), so an alarm is raised with what it is about,
or not at all. Raising, proving and deciding are entries of the log.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from contract.announcements.account_alarm import AccountAlarm, AlarmCause, rising
from contract.announcements.judgement import Judgement
from contract.announcements.key_change import KeyChange
from server.guard.store.account_alarms import (
    AccountAlarmRow,
    add_account_alarm,
    find_account_alarm,
    list_open_about,
    put_account_alarm,
)
from server.guard.store.entries import GuardEntryKind, add_entry
from server.identity import (
    Agent,
    IssuedCertificate,
    ListedKind,
    Observers,
    list_accounts_at,
    list_signing_keys,
    put_on_list,
)
from wire.catalogue import ServiceError

_MAX_ACCOUNTS: Final = 100
"""Most accounts of a copied agent of which each gets an alarm: those that logged in there last."""


def raise_for_clone(connection: Connection, agent: Agent, now: datetime) -> None:
    """Raise an alarm about each account whose keys are in doubt, for an agent's key store was copied."""
    for account in list_accounts_at(connection, agent.agent_id, _MAX_ACCOUNTS) or [""]:
        keys = list_signing_keys(connection, account) if account else []
        _raise(connection, AlarmCause.CLONE, account, agent.agent_id, keys, now)


def raise_for_pair(
    connection: Connection, old: IssuedCertificate, new: IssuedCertificate, agent: str, now: datetime
) -> None:
    """Raise an alarm: there are two certificates for one name. It is over when the change of keys is proven."""
    keys = [old.key_sha256, new.key_sha256]
    _raise(connection, AlarmCause.SECOND_CERTIFICATE, new.account, agent, keys, now)


OBSERVERS: Final = Observers(clone_found=raise_for_clone, another_pair=raise_for_pair)
"""What the guard wants to hear of."""


def take_proof(connection: Connection, change: KeyChange, now: datetime) -> None:
    """End the alarms about two certificates that a proven key change explains."""
    for row in list_open_about(connection, change.user):
        explains = {change.old_key, change.new_key} == {*row.alarm.keys}
        if row.alarm.cause is AlarmCause.SECOND_CERTIFICATE and explains:
            _keep(connection, row.alarm.proven(), now)


def settle(connection: Connection, account: str, judgement: Judgement, decider: str, now: datetime) -> None:
    """End the alarms about two certificates of an account, if what was found of a conflict judges both their keys."""
    for row in list_open_about(connection, account):
        keys, judged = {*row.alarm.keys}, {*judgement.genuine, *judgement.impostors}
        if row.alarm.cause is AlarmCause.SECOND_CERTIFICATE and keys <= judged:
            genuine, impostors = keys & {*judgement.genuine}, keys & {*judgement.impostors}
            _keep(connection, row.alarm.decided(genuine, impostors, judgement.decider or decider), now)


def decide_account_alarm(
    connection: Connection,
    alarm_id: str,
    genuine: Collection[bytes],
    impostors: Collection[bytes],
    decider: str,
    now: datetime,
) -> AccountAlarmRow:
    """Decide about an alarm, as a person; impostors' keys come on the black list. The same once more changes nothing.

    Raises:
        GuardRefused: ALARM_JUDGED, ALARM_OF_OTHER_KEYS.
        ServiceError: ALARM_NOT_FOUND.
    """
    row = find_account_alarm(connection, alarm_id)
    if row is None:
        raise ServiceError("ALARM_NOT_FOUND")
    decided = row.alarm.decided(genuine, impostors, decider)
    if decided == row.alarm:
        return row
    for key in decided.impostors:
        put_on_list(connection, ListedKind.KEY, key.hex(), alarm_id, now)
    _keep(connection, decided, now)
    return AccountAlarmRow(decided, row.create_time, now)


def _raise(
    connection: Connection, cause: AlarmCause, account: str, agent: str, keys: list[bytes], now: datetime
) -> None:
    alarm = AccountAlarm(cause, account, agent, rising(keys), now.replace(microsecond=0))
    if find_account_alarm(connection, alarm.alarm_id) is None:
        add_account_alarm(connection, alarm, now)
        add_entry(connection, GuardEntryKind.ACCOUNT_ALARM, alarm.alarm_id, alarm.to_der(), now)


def _keep(connection: Connection, alarm: AccountAlarm, now: datetime) -> None:
    put_account_alarm(connection, alarm, now)
    add_entry(connection, GuardEntryKind.ACCOUNT_ALARM, alarm.alarm_id, alarm.to_der(), now)
