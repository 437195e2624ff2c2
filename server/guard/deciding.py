"""What a person decides."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from contract.announcements.judgement import decide as judge_by_person
from server.guard.judging import hear
from server.guard.steps import conclude, find
from server.guard.store.alarms import AlarmRow
from server.guard.terms import GuardTerms, Turn

DECIDER: Final = "operator"
"""Who decides by the command line."""


def decide(
    connection: Connection,
    terms: GuardTerms,
    alarm_id: str,
    genuine: Iterable[bytes],
    impostors: Iterable[bytes],
    now: datetime,
) -> AlarmRow:
    """Decide about an alarm, as its operator; the same once more changes nothing.

    The guard tells its gateways within a second, or when it runs again.

    Args:
        connection: the transaction.
        terms: of the guard.
        alarm_id: its name.
        genuine: keys whose traffic is released.
        impostors: keys whose traffic is put aside. Both of the alarm's must be named.
        now: the present time.

    Raises:
        MalformedInput: JUDGEMENT_MALFORMED: no key is named, or one twice.
        GuardRefused: ALARM_STATE_WRONG, ALARM_JUDGED, ALARM_OF_OTHER_KEYS.
        ServiceError: ALARM_NOT_FOUND.
    """
    turn = Turn(connection, terms, now)
    row = find(turn, alarm_id)
    conclude(turn, row, judge_by_person(DECIDER, genuine, impostors), hear(turn, row.alarm))
    return find(turn, alarm_id)
