"""The guard against forged signers: it watches announcements, has conflicts held, asks, judges, and has it released.

What is announced, and how alarms stand, is in ``contract.announcements``. Read in this order: ``steps``, ``judging``;
``reports``, ``answers``, ``deciding``, ``account_alarms``, ``key_changes``, ``shutting_out``; ``keys``, ``outbox``;
``viewing``, ``upkeep``, ``checking``.
"""

from server.guard.account_alarms import OBSERVERS, decide_account_alarm
from server.guard.checking import GuardCheck
from server.guard.deciding import DECIDER, decide
from server.guard.key_changes import decide_key_change
from server.guard.keys import GUARD_KEYS, GuardKeys
from server.guard.rules import GuardRules, compose_guard_rules
from server.guard.shutting_out import readmit, shut_out
from server.guard.store.account_alarms import AccountAlarmRow, count_open, find_account_alarm, list_account_alarms
from server.guard.store.alarms import AlarmRow
from server.guard.store.held import held_by_alarm
from server.guard.terms import GuardTerms
from server.guard.viewing import AlarmView, GatewayView, GuardStatus, find_alarm_view, guard_status, list_alarms

__all__ = [
    "DECIDER",
    "GUARD_KEYS",
    "OBSERVERS",
    "AccountAlarmRow",
    "AlarmRow",
    "AlarmView",
    "GatewayView",
    "GuardCheck",
    "GuardKeys",
    "GuardRules",
    "GuardStatus",
    "GuardTerms",
    "compose_guard_rules",
    "count_open",
    "decide",
    "decide_account_alarm",
    "decide_key_change",
    "find_account_alarm",
    "find_alarm_view",
    "guard_status",
    "held_by_alarm",
    "list_account_alarms",
    "list_alarms",
    "readmit",
    "shut_out",
]
