"""Announcements as they were signed, as long as another key may conflict with theirs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from contract.announcements.claim import Claim
from server.guard.store.tables import announcements
from server.storage import row_values

_PLACE_BYTES: Final = 8
_row = announcements.c
_columns = [column for column in _row if column is not _row.number]
_of_place = (
    select(*_columns)
    .where(_row.place == bindparam("of_place"), _row.seen_time >= bindparam("since"))
    .order_by(_row.first_time, _row.key)
)
_put = (
    update(announcements)
    .where(_row.place == bindparam("of_place"), _row.key == bindparam("of_key"))
    .values({name: bindparam(name) for name in ("announcement", "brought_by", "first_time", "seen_time", "keeper")})
)
_add = insert(announcements)
_seen = (
    select(_row.number, _row.seen_time)
    .where(_row.number > bindparam("after"))
    .order_by(_row.number)
    .limit(bindparam("most"))
)


@dataclass(frozen=True, slots=True)
class AnnouncementRow:
    """The latest announcement of a key for a claim.

    Args:
        place: of the claim: the first 8 bytes of ``Claim.digest``. A second claim of one place does no harm.
        key: fingerprint.
        announcement: DER of SignedAnnouncement.
        brought_by: gateway and agent.
        first_time: of the first that is remembered, as that says of itself.
        seen_time: when the latest came.
        keeper: the process whose window has it.
    """

    place: int
    key: bytes
    announcement: bytes = field(repr=False)
    brought_by: str
    first_time: datetime
    seen_time: datetime
    keeper: bytes


def place_of(claim: Claim) -> int:
    """Where a claim's announcements are."""
    return int.from_bytes(claim.digest[:_PLACE_BYTES], signed=True)


def list_of_place(connection: Connection, place: int, since: datetime) -> list[AnnouncementRow]:
    """All of a claim that came since a time, the first in front."""
    found = connection.execute(_of_place, {"of_place": place, "since": since})
    return [AnnouncementRow(*row) for row in found]


def put_announcement(connection: Connection, row: AnnouncementRow) -> None:
    """Keep the latest of a key."""
    values = row_values(row)
    if not connection.execute(_put, {**values, "of_place": row.place, "of_key": row.key}).rowcount:
        connection.execute(_add, values)


def list_seen(connection: Connection, after: int, limit: int) -> list[tuple[int, datetime]]:
    """Rows behind a number, at most ``limit`` of them: number, and when it came last."""
    found = connection.execute(_seen, {"after": after, "most": limit})
    return [(row.number, row.seen_time) for row in found]


def drop_before(connection: Connection, numbers: Sequence[int], time: datetime) -> None:
    """Drop those of them that still came last before a time."""
    connection.execute(delete(announcements).where(_row.number.in_(numbers), _row.seen_time < time))


def count_announcements(connection: Connection) -> int:
    """How many there are."""
    return connection.execute(select(func.count()).select_from(announcements)).scalar_one()
