"""What the guard has in the log besides control messages; what it says holds because it stands there."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select

from contract.log_entry import EntryKind
from server.guard.store.tables import entries
from server.journal.log import stage
from server.storage import row_values

_entry = entries.c


class GuardEntryKind(StrEnum):
    """What it is, and whose name it stands under."""

    KEY_CHANGE = "key-change"
    """``KeyChange``, under the new key's fingerprint in hex."""
    GATEWAY = "gateway"
    """``GatewayStanding``, under the gateway's name."""
    ACCOUNT_ALARM = "account-alarm"
    """``AccountAlarm``, as it was raised and as it ended, under its name."""


@dataclass(frozen=True, slots=True)
class GuardEntry:
    """An entry.

    Args:
        log_index: of it.
        kind: what it is.
        name: whom it is about.
        body: of the entry, DER.
        time: of the entry.
    """

    log_index: int
    kind: GuardEntryKind
    name: str
    body: bytes = field(repr=False)
    time: datetime


def add_entry(connection: Connection, kind: GuardEntryKind, name: str, body: bytes, now: datetime) -> None:
    """Have it in the log with this transaction, and note it."""
    entry = stage(connection, EntryKind.GUARD, body, now)
    connection.execute(insert(entries), row_values(GuardEntry(entry.index, kind, name, body, now)))


def list_about(connection: Connection, kind: GuardEntryKind, names: Collection[str]) -> list[GuardEntry]:
    """All of a kind about some, oldest first."""
    query = select(entries).where(_entry.kind == kind.value, _entry.name.in_(names))
    return [_read(row) for row in connection.execute(query.order_by(_entry.log_index))]


def newest_by_name(connection: Connection, kind: GuardEntryKind) -> dict[str, GuardEntry]:
    """The newest of a kind about each that there is any about."""
    query = select(entries).where(_entry.kind == kind.value).order_by(_entry.log_index)
    return {each.name: each for each in map(_read, connection.execute(query))}


def list_since(connection: Connection, kind: GuardEntryKind, time: datetime) -> list[GuardEntry]:
    """All of a kind that are not older, oldest first."""
    query = select(entries).where(_entry.kind == kind.value, _entry.time >= time)
    return [_read(row) for row in connection.execute(query.order_by(_entry.log_index))]


def find_entry(connection: Connection, log_index: int) -> GuardEntry | None:
    """What is noted of an entry of the log."""
    row = connection.execute(select(entries).where(_entry.log_index == log_index)).one_or_none()
    return None if row is None else _read(row)


def count_entries(connection: Connection) -> int:
    """How many there are, as far as is noted."""
    return connection.execute(select(func.count()).select_from(entries)).scalar_one()


def _read(row: Row[*tuple[Any, ...]]) -> GuardEntry:
    log_index, kind, name, body, time = row
    return GuardEntry(log_index, GuardEntryKind(kind), name, body, time)
