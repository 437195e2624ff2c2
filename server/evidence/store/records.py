"""Records that were deposited: where they stand in the log, and whom they concern."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from server.evidence.store.permissions import holding
from server.evidence.store.places import place_behind
from server.evidence.store.tables import evidence_parties, evidence_permissions, evidence_records
from server.storage import PageCursor, row_values

_record = evidence_records.c
_party = evidence_parties.c
_permission = evidence_permissions.c
_find_records = select(evidence_records).where(_record.statement_digest.in_(bindparam("digests", expanding=True)))
_add_records = insert(evidence_records)
_add_parties = insert(evidence_parties)


@dataclass(frozen=True, slots=True)
class RecordRow:
    """A record that was deposited: where it stands in the log, and what has to be found of it."""

    statement_digest: bytes
    record_digest: bytes
    log_index: int
    session_id: str
    author: str
    answered_digest: bytes | None
    content_digest: bytes
    content_length: int
    content_kept: bool
    deposit_time: datetime


def find_records(connection: Connection, digests: Iterable[bytes]) -> dict[bytes, RecordRow]:
    """Records, by the statement's digest."""
    rows = connection.execute(_find_records, {"digests": list(digests)})
    return {row.statement_digest: _record_of(row) for row in rows}


def add_records(connection: Connection, records: Sequence[tuple[RecordRow, Sequence[str]]]) -> None:
    """Keep records, each with the names whom it concerns; at least one."""
    connection.execute(_add_records, [row_values(row) for row, _ in records])
    connection.execute(
        _add_parties,
        [
            {
                "session_id": row.session_id,
                "name": name,
                "log_index": row.log_index,
                "statement_digest": row.statement_digest,
            }
            for row, names in records
            for name in names
        ],
    )


def is_party(connection: Connection, statement_digest: bytes, name: str) -> bool:
    """Whether somebody is author or recipient of a message."""
    query = select(_party.name).where(_party.statement_digest == statement_digest, _party.name == name)
    return connection.execute(query).first() is not None


def list_records(
    connection: Connection, session_id: str, name: str, now: datetime, after: PageCursor | None, limit: int
) -> list[RecordRow]:
    """Records of a session that concern somebody, in order of their entries."""
    query = (
        select(evidence_records)
        .join(evidence_parties, _party.statement_digest == _record.statement_digest)
        .where(_party.session_id == session_id, _party.name == name)
    )
    given = (
        select(evidence_records)
        .join(evidence_permissions, _permission.statement_digest == _record.statement_digest)
        .where(_permission.session_id == session_id, _permission.grantee == name, *holding(now))
    )
    rows: dict[int, RecordRow] = {}
    first = place_behind(after)
    for each in (
        query.where(_party.log_index > first).order_by(_party.log_index).limit(limit),
        given.where(_record.log_index > first).distinct().order_by(_record.log_index).limit(limit),
    ):
        rows |= {row.log_index: _record_of(row) for row in connection.execute(each)}
    return [rows[index] for index in sorted(rows)][:limit]


def list_answers(connection: Connection, statement_digest: bytes) -> list[bytes]:
    """Statement digests of the records that answer a statement."""
    query = select(_record.statement_digest).where(_record.answered_digest == statement_digest)
    return [row[0] for row in connection.execute(query.order_by(_record.log_index))]


def list_parties(connection: Connection, row: RecordRow) -> set[str]:
    """Names of a record's author and recipients, as far as their rows are of that session and entry."""
    query = select(_party.name).where(
        _party.statement_digest == row.statement_digest,
        _party.session_id == row.session_id,
        _party.log_index == row.log_index,
    )
    return {each[0] for each in connection.execute(query)}


def count_rows(connection: Connection) -> tuple[int, int, int]:
    """How many records, parties of records, and permissions there are. Looks at all of them."""
    records, parties, permissions = (
        int(connection.execute(select(func.count()).select_from(table)).scalar_one())
        for table in (evidence_records, evidence_parties, evidence_permissions)
    )
    return records, parties, permissions


def list_outdated(connection: Connection, before: datetime, limit: int) -> list[RecordRow]:
    """Records that were deposited before a time and whose content is still kept."""
    query = select(evidence_records).where(_record.content_kept.is_(True), _record.deposit_time < before)
    return [_record_of(row) for row in connection.execute(query.order_by(_record.deposit_time).limit(limit))]


def mark_dropped(connection: Connection, statement_digest: bytes) -> bool:
    """Note that a record's content is not kept any more. False: it was noted before."""
    query = update(evidence_records).where(_record.statement_digest == statement_digest, _record.content_kept.is_(True))
    return connection.execute(query, {"content_kept": False}).rowcount == 1


def _record_of(row: Row[*tuple[Any, ...]]) -> RecordRow:
    return RecordRow(*row)
