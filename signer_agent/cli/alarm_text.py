"""Alarms about two keys that claim to be one user's, as JSON for programs."""

from __future__ import annotations

from typing import Any

from signer_agent.contracts.key_alarm import KeyAlarm


def alarm_json(alarm: KeyAlarm) -> dict[str, Any]:
    """One alarm."""
    claim = alarm.claim
    return {
        "alarm_id": alarm.alarm_id,
        "source": claim.source,
        "user": claim.user,
        "destination": claim.destination,
        "session_id": alarm.session_id,
        "state": alarm.state.value,
        "problem": alarm.problem,
        "rule": alarm.rule,
        "keys": [each.hex() for each in alarm.keys],
        "genuine": [each.hex() for each in alarm.genuine],
        "impostors": [each.hex() for each in alarm.impostors],
        "channels": [{"key": each.key.hex(), "agent": each.agent, "address": each.address} for each in alarm.places],
        "by_guard": alarm.by_guard,
        "create_time": alarm.create_time.isoformat(),
    }
