"""Announcements that a guard has taken in: its rows, as it would have made them one after the other."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, insert

from server.guard.store.announcements import AnnouncementRow
from server.guard.store.tables import announcements
from server.storage import row_values


def store_announcements(connection: Connection, rows: Sequence[AnnouncementRow]) -> None:
    """Store some that are of other claims than all that are there."""
    connection.execute(insert(announcements), [row_values(row) for row in rows])
