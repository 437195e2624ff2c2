"""Permissions that were granted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from server.evidence.store.places import place_behind
from server.evidence.store.tables import evidence_permissions
from server.storage import PageCursor, row_values

_permission = evidence_permissions.c


@dataclass(frozen=True, slots=True)
class PermissionRow:
    """A permission that was granted."""

    permission_digest: bytes
    permission: bytes
    statement_digest: bytes
    session_id: str
    grantor: str
    grantee: str
    begin_time: datetime
    end_time: datetime
    log_index: int
    grant_time: datetime
    revoke_time: datetime | None


def find_permission(connection: Connection, digest: bytes) -> PermissionRow | None:
    """A permission."""
    row = connection.execute(select(evidence_permissions).where(_permission.permission_digest == digest)).one_or_none()
    return None if row is None else PermissionRow(*row)


def add_permission(connection: Connection, row: PermissionRow) -> None:
    """Keep a new permission."""
    connection.execute(insert(evidence_permissions), row_values(row))


def revoke_permission(connection: Connection, digest: bytes, now: datetime) -> None:
    """End a permission."""
    query = update(evidence_permissions).where(_permission.permission_digest == digest)
    connection.execute(query, {"revoke_time": now})


def list_permissions(connection: Connection, name: str, after: PageCursor | None, limit: int) -> list[PermissionRow]:
    """Permissions that somebody gave or was given, in order of their entries."""
    rows: dict[int, PermissionRow] = {}
    for column in (_permission.grantor, _permission.grantee):
        query = select(evidence_permissions).where(column == name, _permission.log_index > place_behind(after))
        found = connection.execute(query.order_by(_permission.log_index).limit(limit))
        rows |= {row.log_index: PermissionRow(*row) for row in found}
    return [rows[index] for index in sorted(rows)][:limit]


def find_permitting(connection: Connection, statement_digest: bytes, name: str, now: datetime) -> PermissionRow | None:
    """The permission for a message that somebody has now; of several the one that holds longest."""
    query = (
        select(evidence_permissions)
        .where(_permission.statement_digest == statement_digest, _permission.grantee == name, *holding(now))
        .order_by(_permission.end_time.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else PermissionRow(*row)


def holding(now: datetime) -> tuple[Any, ...]:
    """The conditions of a permission that holds now."""
    return (_permission.begin_time <= now, _permission.end_time > now, _permission.revoke_time.is_(None))
