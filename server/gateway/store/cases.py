"""Alarms of peer mode that were asked for here, what gateways answered about them, and who is still to be told."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Self

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from contract.announcements.alarm import Alarm, AlarmState
from contract.announcements.claim import Claim
from contract.announcements.contents import Side
from contract.announcements.judgement import Judgement, Rule
from server.gateway.store.tables import alarms, answers, cases, tellings
from server.storage import row_values

_KEY_BYTES: Final = 32
_case, _answer, _telling = cases.c, answers.c, tellings.c


@dataclass(frozen=True, slots=True)
class CaseRow:
    """An alarm.

    Args:
        alarm: how it stands.
        proof: ConflictProof of the proto, serialised.
        create_time: when it was asked for.
        update_time: when it came to how it stands.
    """

    alarm: Alarm
    proof: bytes = field(repr=False)
    create_time: datetime
    update_time: datetime

    def now(self, alarm: Alarm, now: datetime) -> Self:
        """As it is after a step."""
        return replace(self, alarm=alarm, update_time=now)


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """What a gateway has answered about an alarm.

    Args:
        alarm_id: of the alarm.
        gateway: which.
        side: of which it tells.
        control: DER of SignedControl: the feedback.
        certificate: DER of the certificate whose key signed it.
    """

    alarm_id: str
    gateway: str
    side: Side
    control: bytes = field(repr=False)
    certificate: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class TellingRow:
    """Somebody who is still to be told of a decision.

    Args:
        alarm_id: of the alarm.
        recipient: address of a gateway; empty: the guard.
        create_time: when it was decided.
    """

    alarm_id: str
    recipient: str
    create_time: datetime


def add_case(connection: Connection, row: CaseRow) -> None:
    """Keep a new one."""
    alarm = row.alarm
    fixed = {
        "alarm_id": alarm.alarm_id,
        "source": alarm.claim.source,
        "user": alarm.claim.user,
        "destination": alarm.claim.destination,
        "keys": b"".join(alarm.keys),
        "first_time": alarm.first,
        "proof": row.proof,
        "create_time": row.create_time,
    }
    connection.execute(insert(cases), fixed | _changing(row))


def put_case(connection: Connection, row: CaseRow) -> None:
    """Keep how one stands."""
    connection.execute(update(cases).where(_case.alarm_id == row.alarm.alarm_id).values(_changing(row)))


def find_case(connection: Connection, alarm_id: str) -> CaseRow | None:
    """The one of that name."""
    row = connection.execute(select(cases).where(_case.alarm_id == alarm_id)).one_or_none()
    return None if row is None else _read(row)


def drop_case(connection: Connection, alarm_id: str) -> None:
    """Drop one, with its answers, and tell nobody more of it."""
    for table in (tellings, answers, cases):
        connection.execute(delete(table).where(table.c.alarm_id == alarm_id))


def list_checking(connection: Connection, limit: int) -> list[CaseRow]:
    """At most ``limit`` about which gateways are asked, oldest first."""
    query = select(cases).where(_case.state == AlarmState.CHECKING.value).order_by(_case.create_time).limit(limit)
    return [_read(row) for row in connection.execute(query)]


def count_open(connection: Connection, destination: str) -> int:
    """How many of a destination's are not over."""
    which = (_case.destination == destination) & (_case.state != AlarmState.RELEASED.value)
    return connection.execute(select(func.count()).select_from(cases).where(which)).scalar_one()


def drop_cases(connection: Connection, before: datetime) -> None:
    """Drop what is over and did not change since a time."""
    query = select(_case.alarm_id).where(_case.state == AlarmState.RELEASED.value, _case.update_time < before)
    for alarm_id in connection.execute(query).scalars().all():
        drop_case(connection, alarm_id)


def drop_taken_over(connection: Connection) -> None:
    """Drop what is not over and the guard has blocked by now: it deals with that."""
    of_guard = select(alarms.c.alarm_id).where(func.length(alarms.c.block) > 0)
    query = select(_case.alarm_id).where(_case.state != AlarmState.RELEASED.value, _case.alarm_id.in_(of_guard))
    for alarm_id in connection.execute(query).scalars().all():
        drop_case(connection, alarm_id)


def put_answer(connection: Connection, row: AnswerRow) -> None:
    """Keep an answer; one that is there already stays."""
    mine = (_answer.alarm_id == row.alarm_id, _answer.gateway == row.gateway, _answer.side == row.side.value)
    if connection.execute(select(_answer.alarm_id).where(*mine)).first() is None:
        connection.execute(insert(answers), row_values(row))


def list_answers(connection: Connection, alarm_id: str) -> list[AnswerRow]:
    """All about an alarm."""
    query = select(answers).where(_answer.alarm_id == alarm_id).order_by(_answer.gateway, _answer.side)
    return [replace(AnswerRow(*row), side=Side(row.side)) for row in connection.execute(query)]


def add_telling(connection: Connection, row: TellingRow) -> None:
    """Note that somebody is to be told."""
    connection.execute(insert(tellings), row_values(row))


def list_tellings(connection: Connection, limit: int) -> list[TellingRow]:
    """At most ``limit`` who are still to be told, oldest first."""
    query = select(tellings).order_by(_telling.create_time, _telling.alarm_id, _telling.recipient).limit(limit)
    return [TellingRow(*row) for row in connection.execute(query)]


def drop_telling(connection: Connection, row: TellingRow) -> None:
    """Somebody was told, or is not told any more."""
    mine = (_telling.alarm_id == row.alarm_id, _telling.recipient == row.recipient)
    connection.execute(delete(tellings).where(*mine))


def _changing(row: CaseRow) -> dict[str, object]:
    judgement = row.alarm.judgement
    return {
        "state": row.alarm.state.value,
        "rule": "" if judgement is None else judgement.rule.value,
        "genuine": b"" if judgement is None else b"".join(judgement.genuine),
        "impostors": b"" if judgement is None else b"".join(judgement.impostors),
        "decider": "" if judgement is None else judgement.decider,
        "update_time": row.update_time,
    }


def _read(row: Row[*tuple[Any, ...]]) -> CaseRow:
    judgement = None
    if row.rule:
        genuine, impostors = _split(row.genuine), _split(row.impostors)
        judgement = Judgement(Rule(row.rule), genuine, impostors, row.decider)
    one, other = _split(row.keys)
    claim = Claim(row.source, row.user, row.destination)
    alarm = Alarm(claim, (one, other), row.first_time, AlarmState(row.state), judgement)
    return CaseRow(alarm, row.proof, row.create_time, row.update_time)


def _split(keys: bytes) -> tuple[bytes, ...]:
    return tuple(keys[start : start + _KEY_BYTES] for start in range(0, len(keys), _KEY_BYTES))
