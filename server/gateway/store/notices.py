"""Notices that are held, released and not yet acknowledged, or put aside as evidence."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, update

from server.gateway.store.alarms import GatewayAlarmState
from server.gateway.store.tables import alarms, notices
from server.storage import row_values

_notice = notices.c


class NoticeState(StrEnum):
    """What becomes of a notice."""

    HELD = "held"
    RELEASED = "released"
    """Told again to whoever watches, until it is acknowledged."""
    QUARANTINED = "quarantined"
    """Evidence."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One recipient's in one session.

    Args:
        session_id: the session.
        recipient: account.
    """

    session_id: str
    recipient: str


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """A notice that was not passed on.

    Args:
        session_id, recipient: its mailbox.
        envelope_id: which envelope.
        position: in the mailbox.
        author: of the envelope.
        agent, certificate: of whoever posted it; empty: not known.
        key: fingerprint of the key that came with it; empty: none did.
        notice: WatchMailboxResponse as it came.
        state: what becomes of it.
        release_number: rises with every one that is released; 0: it was not.
        create_time: when it came first.
        update_time: when its state changed.
    """

    session_id: str
    recipient: str
    envelope_id: str
    position: int
    author: str
    agent: str
    certificate: bytes
    key: bytes
    notice: bytes = field(repr=False)
    state: NoticeState
    release_number: int
    create_time: datetime
    update_time: datetime

    @property
    def mailbox(self) -> Mailbox:
        """Where it belongs."""
        return Mailbox(self.session_id, self.recipient)


def find_notice(connection: Connection, mailbox: Mailbox, envelope_id: str) -> NoticeRow | None:
    """What is kept of an envelope's notice."""
    query = select(notices).where(_of(mailbox), _notice.envelope_id == envelope_id)
    found = _read(connection.execute(query))
    return found[0] if found else None


def put_notice(connection: Connection, row: NoticeRow) -> None:
    """Keep a notice."""
    connection.execute(delete(notices).where(_of(row.mailbox), _notice.envelope_id == row.envelope_id))
    connection.execute(insert(notices), row_values(row))


def set_state(connection: Connection, row: NoticeRow, state: NoticeState, now: datetime, number: int = 0) -> None:
    """Change what becomes of a notice."""
    this = (_of(row.mailbox), _notice.envelope_id == row.envelope_id)
    values = {"state": state.value, "release_number": number, "update_time": now}
    connection.execute(update(notices).where(*this).values(values))


def count_waiting(connection: Connection, mailbox: Mailbox | None = None) -> int:
    """How many are held, or released and not acknowledged: of a mailbox, or of all."""
    waiting = _notice.state != NoticeState.QUARANTINED.value
    query = select(func.count()).select_from(notices).where(waiting)
    count: int = connection.execute(query if mailbox is None else query.where(_of(mailbox))).scalar_one()
    return count


def count_by_state(connection: Connection) -> dict[NoticeState, int]:
    """How many there are in each state that any is in."""
    query = select(_notice.state, func.count()).group_by(_notice.state)
    return {NoticeState(state): count for state, count in connection.execute(query)}


def count_held(connection: Connection) -> dict[str, int]:
    """How many are held by each alarm that blocks; what two alarms hold is counted for both."""
    held = (_notice.author == alarms.c.user) & (_notice.recipient == alarms.c.destination)
    held &= _notice.state == NoticeState.HELD.value
    query = select(alarms.c.alarm_id, func.count(_notice.envelope_id)).outerjoin(notices, held)
    query = query.where(alarms.c.state == GatewayAlarmState.BLOCKED.value).group_by(alarms.c.alarm_id)
    return {row.alarm_id: row[1] for row in connection.execute(query)}


def held_authors(connection: Connection, mailbox: Mailbox) -> list[str]:
    """Of whom something is held in a mailbox."""
    query = select(_notice.author).where(_of(mailbox), _notice.state == NoticeState.HELD.value).distinct()
    return list(connection.execute(query.order_by(_notice.author)).scalars())


def list_held(connection: Connection, author: str, recipient: str) -> list[NoticeRow]:
    """What an author sent to a recipient and is held, in the order of each mailbox."""
    pair = (_notice.recipient == recipient, _notice.author == author, _notice.state == NoticeState.HELD.value)
    return _read(connection.execute(select(notices).where(*pair).order_by(_notice.position)))


def list_released(
    connection: Connection, mailbox: Mailbox, after_number: int, until_position: int, limit: int
) -> list[NoticeRow]:
    """At most ``limit`` of a mailbox that were released after some number, up to a position, in their order."""
    chosen = (
        _of(mailbox),
        _notice.state == NoticeState.RELEASED.value,
        _notice.release_number > after_number,
        _notice.position <= until_position,
    )
    return _read(connection.execute(select(notices).where(*chosen).order_by(_notice.release_number).limit(limit)))


def last_release(connection: Connection) -> int:
    """The highest number of a notice that was released and is still kept; 0: there is none."""
    number: int | None = connection.execute(select(func.max(_notice.release_number))).scalar_one()
    return number or 0


def acknowledged(connection: Connection, mailbox: Mailbox, envelope_ids: Collection[str]) -> None:
    """Forget notices of envelopes that the recipient has. Evidence stays."""
    kept = _notice.state != NoticeState.QUARANTINED.value
    connection.execute(delete(notices).where(_of(mailbox), _notice.envelope_id.in_(envelope_ids), kept))


def drop_released(connection: Connection, before: datetime) -> None:
    """Forget notices that were released before a time, and that nobody has acknowledged."""
    released = _notice.state == NoticeState.RELEASED.value
    connection.execute(delete(notices).where(released, _notice.update_time < before))


def trim_evidence(connection: Connection, most: int) -> int:
    """Drop the oldest evidence beyond so many. Returns how many."""
    query = select(func.count()).select_from(notices).where(_notice.state == NoticeState.QUARANTINED.value)
    many: int = connection.execute(query).scalar_one() - most
    if many <= 0:
        return 0
    aside = select(notices).where(_notice.state == NoticeState.QUARANTINED.value)
    for row in _read(connection.execute(aside.order_by(_notice.update_time, _notice.position).limit(many))):
        connection.execute(delete(notices).where(_of(row.mailbox), _notice.envelope_id == row.envelope_id))
    return many


def list_kept(connection: Connection) -> list[NoticeRow]:
    """All that are held or evidence, oldest first."""
    query = select(notices).where(_notice.state != NoticeState.RELEASED.value)
    return _read(connection.execute(query.order_by(_notice.create_time, _notice.position)))


def _of(mailbox: Mailbox) -> ColumnElement[bool]:
    return (_notice.session_id == mailbox.session_id) & (_notice.recipient == mailbox.recipient)


def _read(rows: Iterable[Row[*tuple[Any, ...]]]) -> list[NoticeRow]:
    made = [NoticeRow(*row) for row in rows]
    return [replace(row, state=NoticeState(row.state)) for row in made]
