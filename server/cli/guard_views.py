"""How ``fourseal-server guard`` shows what there is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from contract.announcements.alarm import AlarmState
from contract.announcements.announcement import SignedAnnouncement
from contract.announcements.contents import Feedback
from contract.announcements.control import Kind, SignedControl
from server.guard import AccountAlarmRow, AlarmRow, AlarmView, GatewayView, GuardStatus
from server.identity import Listed

_CONFLICT: Final = "two-keys"
_SHORT: Final = 16
GATEWAY_COLUMNS: Final = ("gateway", "holds", "not acknowledged", "seen")


def gateway_view(gateway: GatewayView) -> dict[str, Any]:
    """How a gateway stands, for programs."""
    return {
        "gateway": gateway.row.name,
        "held_notices": gateway.held,
        "not_acknowledged": gateway.waiting,
        "seen_time": to_text(gateway.row.seen_time),
    }


def gateways_of(found: GuardStatus) -> list[tuple[str, ...]]:
    """The same of all, as rows of ``GATEWAY_COLUMNS``."""
    return [tuple(map(str, gateway_view(each).values())) for each in found.gateways]


def counts_of(found: GuardStatus) -> list[tuple[str, str]]:
    """How many alarms there are, by state."""
    return [(state.value, str(found.alarms[state])) for state in AlarmState if state in found.alarms]


def summary_of(row: AlarmRow | AccountAlarmRow) -> dict[str, Any]:
    """How an alarm stands, for programs."""
    if isinstance(row, AccountAlarmRow):
        return _account_summary_of(row)
    alarm, judgement = row.alarm, row.alarm.judgement
    return {
        "alarm_id": alarm.alarm_id,
        "cause": _CONFLICT,
        "state": alarm.state.value,
        "held": alarm.state.is_held,
        "rule": None if judgement is None else judgement.rule.value,
        "decider": None if judgement is None else judgement.decider or None,
        "source": alarm.claim.source,
        "user": alarm.claim.user,
        "destination": alarm.claim.destination,
        "genuine": [] if judgement is None else [key.hex() for key in judgement.genuine],
        "impostors": [] if judgement is None else [key.hex() for key in judgement.impostors],
        "create_time": to_text(row.create_time),
        "update_time": to_text(row.update_time),
    }


def _account_summary_of(row: AccountAlarmRow) -> dict[str, Any]:
    alarm = row.alarm
    return {
        "alarm_id": alarm.alarm_id,
        "cause": alarm.cause.value,
        "state": alarm.state.value,
        "held": False,
        "rule": None,
        "decider": alarm.decider or None,
        "source": None,
        "user": alarm.account or None,
        "destination": None,
        "agent": alarm.agent,
        "genuine": [key.hex() for key in alarm.genuine],
        "impostors": [key.hex() for key in alarm.impostors],
        "create_time": to_text(row.create_time),
        "update_time": to_text(row.update_time),
    }


def account_details_of(row: AccountAlarmRow) -> dict[str, Any]:
    """All about an alarm about an account, for programs."""
    alarm = row.alarm
    found = dict.fromkeys(alarm.genuine, "genuine") | dict.fromkeys(alarm.impostors, "an impostor's")
    return summary_of(row) | {"keys": [{"key": key.hex(), "is": found.get(key, "")} for key in alarm.keys]}


def line_of(row: AlarmRow | AccountAlarmRow, held: Mapping[str, int]) -> tuple[str, ...]:
    """A row of an alarm; ``held``: notices that are held, by alarm."""
    times = to_text(row.create_time), to_text(row.update_time)
    if isinstance(row, AccountAlarmRow):
        raised = row.alarm
        about = "", "", raised.account, "", f"agent {raised.agent}"
        return (raised.alarm_id, raised.cause.value, raised.state.value, *about, *times)
    alarm, judgement = row.alarm, row.alarm.judgement
    return (
        alarm.alarm_id,
        _CONFLICT,
        alarm.state.value,
        str(held.get(alarm.alarm_id, 0)),
        "" if judgement is None else judgement.rule.value,
        alarm.claim.user,
        alarm.claim.destination,
        alarm.claim.source,
        *times,
    )


def details_of(view: AlarmView) -> dict[str, Any]:
    """All about an alarm, for programs."""
    judgement = view.row.alarm.judgement
    found = {} if judgement is None else dict.fromkeys(judgement.genuine, "genuine")
    found |= {} if judgement is None else dict.fromkeys(judgement.impostors, "an impostor's")
    announcements = ((key, SignedAnnouncement.from_der(der).announcement) for key, der in view.announcements.items())
    return summary_of(view.row) | {
        "held_notices": sum(view.held.values()),
        "keys": [
            {
                "key": key.hex(),
                "certificate": announcement.certificate.hex(),
                "announced": to_text(announcement.time),
                "is": found.get(key, ""),
            }
            for key, announcement in announcements
        ],
        "told": [
            {
                "gateway": order.gateway,
                "kind": order.kind.value,
                "number": order.number,
                "acknowledged": "" if order.acknowledge_time is None else to_text(order.acknowledge_time),
                "delivers": order.delivers,
                "holds": view.held.get(order.gateway, 0) if order.kind is Kind.BLOCK else 0,
            }
            for order in view.orders
        ],
        "history": [
            {
                "gateway": gateway,
                "side": feedback.side.value,
                "key": fact.identity.key.hex()[:_SHORT],
                "agent": fact.identity.channel.agent,
                "address": fact.identity.channel.address,
                "first": to_text(fact.first_time),
                "last": to_text(fact.last_time),
                "count": fact.count,
            }
            for gateway, feedback in _feedbacks(view)
            for fact in feedback.facts
        ],
        "log": [
            {"entry": each.log_index, "kind": each.kind.value, "issuer": each.issuer, "time": to_text(each.time)}
            for each in view.records
        ],
    }


def _feedbacks(view: AlarmView) -> list[tuple[str, Feedback]]:
    found = list[tuple[str, Feedback]]()
    for record in view.records:
        if record.kind is Kind.FEEDBACK:
            content = SignedControl.from_der(record.message).message.content
            assert isinstance(content, Feedback)  # noqa: S101  # as its kind says
            found.append((record.issuer, content))
    return found


def listed_view(each: Listed) -> dict[str, str]:
    """An entry of the black list, for programs."""
    return {
        "kind": each.kind.value,
        "value": each.value,
        "cause": each.cause,
        "create_time": to_text(each.create_time),
    }


def to_text(time: datetime) -> str:
    """A time, to the second."""
    return time.isoformat(timespec="seconds")
