"""Alarms as a gateway has them, whom it refuses, and numbers of control messages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, delete, insert, select, update

from contract.announcements.control import Issuer, LastSeen
from server.gateway.store.tables import alarms, refused, said, taken
from server.storage import row_values


class GatewayAlarmState(StrEnum):
    """How an alarm stands here."""

    TOLD = "told"
    """A decision about it came, and no block."""
    BLOCKED = "blocked"
    RELEASED = "released"


@dataclass(frozen=True, slots=True)
class AlarmRow:
    """An alarm.

    Args:
        alarm_id: its name.
        user, destination: whose traffic it holds, and to whom.
        state: how it stands.
        delivers: whether it was acknowledged as one whose destination's agents are here.
        block, decision: DER of SignedControl, as they came; empty: none came.
        update_time: when it changed last.
    """

    alarm_id: str
    user: str
    destination: str
    state: GatewayAlarmState
    delivers: bool
    block: bytes = field(repr=False)
    decision: bytes = field(repr=False)
    update_time: datetime


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """Whom the gateway refuses: a key, or the channel of an agent; the other is empty.

    Args:
        key: fingerprint.
        agent: name.
        certificate: SHA-256 of its client certificate.
        alarm_id: by which it came to that.
        create_time: when.
    """

    key: bytes
    agent: str
    certificate: bytes
    alarm_id: str
    create_time: datetime


def find_alarm(connection: Connection, alarm_id: str) -> AlarmRow | None:
    """The alarm of that name."""
    row = connection.execute(select(alarms).where(alarms.c.alarm_id == alarm_id)).one_or_none()
    return None if row is None else replace(AlarmRow(*row), state=GatewayAlarmState(row.state))


def put_alarm(connection: Connection, row: AlarmRow) -> None:
    """Keep an alarm as it stands now."""
    connection.execute(delete(alarms).where(alarms.c.alarm_id == row.alarm_id))
    connection.execute(insert(alarms), row_values(row))


def list_blocked(connection: Connection) -> list[tuple[str, str, str]]:
    """Name, user and destination of every alarm that holds something."""
    query = select(alarms.c.alarm_id, alarms.c.user, alarms.c.destination)
    blocked = alarms.c.state == GatewayAlarmState.BLOCKED.value
    return [(row.alarm_id, row.user, row.destination) for row in connection.execute(query.where(blocked))]


def is_blocked(connection: Connection, user: str, destination: str) -> bool:
    """Whether any alarm holds what the user sends to the destination."""
    query = select(alarms.c.alarm_id).where(alarms.c.state == GatewayAlarmState.BLOCKED.value)
    pair = (alarms.c.user == user, alarms.c.destination == destination)
    return connection.execute(query.where(*pair).limit(1)).first() is not None


def drop_alarms(connection: Connection, before: datetime) -> None:
    """Drop alarms that hold nothing and did not change since a time."""
    over = alarms.c.state != GatewayAlarmState.BLOCKED.value
    connection.execute(delete(alarms).where(over, alarms.c.update_time < before))


def refuse(connection: Connection, rows: Iterable[RefusedRow]) -> None:
    """Refuse some from now on."""
    for row in rows:
        same = (refused.c.key == row.key, refused.c.agent == row.agent, refused.c.certificate == row.certificate)
        connection.execute(delete(refused).where(*same))
        connection.execute(insert(refused), row_values(row))


def list_refused(connection: Connection) -> list[RefusedRow]:
    """All that are refused."""
    return [RefusedRow(*row) for row in connection.execute(select(refused))]


def last_taken(connection: Connection, issuer: Issuer) -> LastSeen | None:
    """The last control message that was taken from an issuer."""
    mine = (taken.c.role == issuer.role.value, taken.c.issuer == issuer.name)
    row = connection.execute(select(taken.c.number, taken.c.digest).where(*mine)).one_or_none()
    return None if row is None else LastSeen(row.number, row.digest)


def took(connection: Connection, issuer: Issuer, last: LastSeen) -> None:
    """Note the last control message that was taken from an issuer."""
    values = {"role": issuer.role.value, "issuer": issuer.name, "number": last.number, "digest": last.digest}
    connection.execute(delete(taken).where(taken.c.role == issuer.role.value, taken.c.issuer == issuer.name))
    connection.execute(insert(taken), values)


def next_number(connection: Connection, recipient: str) -> int:
    """The number of the next control message to a recipient."""
    mine = said.c.recipient == recipient
    if not connection.execute(update(said).where(mine).values(number=said.c.number + 1)).rowcount:
        connection.execute(insert(said), {"recipient": recipient, "number": 1})
    number: int = connection.execute(select(said.c.number).where(mine)).scalar_one()
    return number
