"""Announcements that the guard was not told of yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select

from server.gateway.store.tables import unreported
from server.storage import row_values

_report = unreported.c


@dataclass(frozen=True, slots=True)
class Reported:
    """An announcement to be told of.

    Args:
        announcement: DER of SignedAnnouncement.
        agent: that sent it.
        time: when it came by.
    """

    announcement: bytes = field(repr=False)
    agent: str
    time: datetime


def put_reports(connection: Connection, reported: Sequence[Reported], most_of_agent: int) -> bool:
    """Keep all; or none, if an agent had too many."""
    for agent in {each.agent for each in reported}:
        query = select(func.count()).select_from(unreported).where(_report.agent == agent)
        if connection.execute(query).scalar_one() + len(reported) > most_of_agent:
            return False
    connection.execute(insert(unreported), [row_values(each) for each in reported])
    return True


def list_reports(connection: Connection, limit: int) -> dict[int, Reported]:
    """The oldest, by their numbers."""
    rows = connection.execute(select(unreported).order_by(_report.number).limit(limit))
    return {number: Reported(*values) for number, *values in rows}


def forget_reports(connection: Connection, numbers: Sequence[int]) -> None:
    """Forget some."""
    connection.execute(delete(unreported).where(_report.number.in_(numbers)))


def trim_reports(connection: Connection, since: datetime, most: int) -> int:
    """Forget what came before a time, and the oldest beyond so many. Returns how many those were."""
    connection.execute(delete(unreported).where(_report.time < since))
    beyond = select(_report.number).order_by(_report.number.desc()).offset(most).limit(1)
    return connection.execute(delete(unreported).where(_report.number <= beyond.scalar_subquery())).rowcount
