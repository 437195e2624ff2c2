"""What the rules of the guard give, as messages."""

from __future__ import annotations

from typing import Final

from fourseal.v1 import guard_service_pb2 as pb

from contract.announcements.alarm import AlarmState
from server.guard.store.alarms import AlarmRow
from wire.convert import timestamp_of

_STATES: Final = {
    AlarmState.RAISED: pb.ALARM_STATE_RAISED,
    AlarmState.BLOCKED: pb.ALARM_STATE_BLOCKED,
    AlarmState.CHECKING: pb.ALARM_STATE_CHECKING,
    AlarmState.NAMED: pb.ALARM_STATE_NAMED,
    AlarmState.UNDETERMINED: pb.ALARM_STATE_UNDETERMINED,
    AlarmState.DECIDED: pb.ALARM_STATE_DECIDED,
    AlarmState.RELEASED: pb.ALARM_STATE_RELEASED,
}


def alarm_to_proto(row: AlarmRow) -> pb.AlarmStatus:
    """How an alarm stands."""
    alarm, judgement = row.alarm, row.alarm.judgement
    return pb.AlarmStatus(
        alarm_id=alarm.alarm_id,
        source=alarm.claim.source,
        user=alarm.claim.user,
        destination=alarm.claim.destination,
        state=_STATES[alarm.state],
        rule="" if judgement is None else judgement.rule.value,
        keys=alarm.keys,
        genuine=() if judgement is None else judgement.genuine,
        impostors=() if judgement is None else judgement.impostors,
        create_time=timestamp_of(row.create_time),
        update_time=timestamp_of(row.update_time),
    )
