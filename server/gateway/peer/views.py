"""How an alarm stands, whoever deals with it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from contract.announcements.alarm import AlarmState
from contract.announcements.claim import Claim
from contract.announcements.conflict_proof import ConflictProof
from contract.announcements.contents import Block, Decision
from contract.announcements.control import SignedControl
from contract.announcements.history import Identity
from contract.announcements.judgement import Judgement, Rule
from server.gateway.store.alarms import AlarmRow, GatewayAlarmState
from server.gateway.store.cases import CaseRow


@dataclass(frozen=True, slots=True)
class AlarmView:
    """One alarm.

    Args:
        alarm_id: its name.
        claim: that two keys make.
        keys: the two, rising.
        state: how it stands.
        judgement: about the keys; None: none yet.
        impostors: on which channels impostors' keys were used.
        of_guard: whether the guard deals with it.
        create_time: when it was here first, as far as is known.
        update_time: when it came to how it stands.
    """

    alarm_id: str
    claim: Claim
    keys: Collection[bytes]
    state: AlarmState
    judgement: Judgement | None
    impostors: tuple[Identity, ...]
    of_guard: bool
    create_time: datetime
    update_time: datetime


def view_of_case(row: CaseRow, impostors: tuple[Identity, ...]) -> AlarmView:
    """One of peer mode."""
    alarm = row.alarm
    return AlarmView(
        alarm.alarm_id,
        alarm.claim,
        alarm.keys,
        alarm.state,
        alarm.judgement,
        impostors,
        of_guard=False,
        create_time=row.create_time,
        update_time=row.update_time,
    )


def view_of_proof(proof: ConflictProof, now: datetime) -> AlarmView:
    """One that the guard has heard of just now."""
    return AlarmView(
        proof.block.alarm_id,
        proof.claim,
        proof.keys,
        AlarmState.RAISED,
        None,
        (),
        of_guard=True,
        create_time=now,
        update_time=now,
    )


def view_of_guard(row: AlarmRow) -> AlarmView:
    """One that the guard has told of."""
    keys: Collection[bytes] = ()
    claim: Claim | None = None
    judgement: Judgement | None = None
    impostors: tuple[Identity, ...] = ()
    for each in filter(None, (row.block, row.decision)):
        message = SignedControl.from_der(each).message
        claim = message.claim
        if isinstance(message.content, Block):
            keys = sorted(said.announcement.key for said in message.content.announcements)
        elif isinstance(message.content, Decision):
            judgement, impostors = message.content.judgement, message.content.impostors
    assert claim is not None  # noqa: S101  # a row is made by a block or a decision
    return AlarmView(
        row.alarm_id,
        claim,
        keys,
        _state(row, judgement),
        judgement,
        impostors,
        of_guard=True,
        create_time=row.update_time,
        update_time=row.update_time,
    )


def _state(row: AlarmRow, judgement: Judgement | None) -> AlarmState:
    if row.state is GatewayAlarmState.RELEASED:
        return AlarmState.RELEASED
    if judgement is None:
        return AlarmState.BLOCKED
    if judgement.rule is Rule.DECIDED_BY_PERSON:
        return AlarmState.DECIDED
    return AlarmState.NAMED if judgement.is_determined else AlarmState.UNDETERMINED
