"""The tables of evidence: which records there are, whom they concern, which contents they name, who may see what.

A record itself stands in the log, and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    LargeBinary,
    Row,
    Table,
    Text,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from server.storage import Instant, PageCursor, metadata
from wire.catalogue import ServiceError

evidence_uploads = Table(
    "evidence_uploads",
    metadata,
    Column("envelope_id", Text, primary_key=True),
    Column("session_id", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("content_length", BigInteger, nullable=False),
    Column("content_digest", LargeBinary),
    Column("expire_time", Instant, nullable=False),
    Index(None, "account"),
    Index(None, "content_digest"),
    Index(None, "expire_time"),
)

evidence_records = Table(
    "evidence_records",
    metadata,
    Column("statement_digest", LargeBinary, primary_key=True),
    Column("record_digest", LargeBinary, nullable=False),
    Column("log_index", BigInteger, nullable=False),
    Column("session_id", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("answered_digest", LargeBinary),
    Column("content_digest", LargeBinary, nullable=False),
    Column("content_length", BigInteger, nullable=False),
    Column("content_kept", Boolean, nullable=False),
    Column("deposit_time", Instant, nullable=False),
    Index(None, "answered_digest"),
    Index(None, "content_digest"),
    Index(None, "content_kept", "deposit_time"),
)

evidence_parties = Table(
    "evidence_parties",
    metadata,
    Column("session_id", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("log_index", BigInteger, primary_key=True, autoincrement=False),
    Column("statement_digest", LargeBinary, nullable=False),
    Index(None, "statement_digest", "name"),
)

evidence_accounts = Table(
    "evidence_accounts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("content_bytes", BigInteger, nullable=False),
)

evidence_permissions = Table(
    "evidence_permissions",
    metadata,
    Column("permission_digest", LargeBinary, primary_key=True),
    Column("permission", LargeBinary, nullable=False),
    Column("statement_digest", LargeBinary, nullable=False),
    Column("session_id", Text, nullable=False),
    Column("grantor", Text, nullable=False),
    Column("grantee", Text, nullable=False),
    Column("begin_time", Instant, nullable=False),
    Column("end_time", Instant, nullable=False),
    Column("log_index", BigInteger, nullable=False),
    Column("grant_time", Instant, nullable=False),
    Column("revoke_time", Instant),
    Index(None, "statement_digest", "grantee"),
    Index(None, "session_id", "grantee"),
    Index(None, "grantor", "log_index"),
    Index(None, "grantee", "log_index"),
)

_INDEX: Final = re.compile(r"[0-9]{1,18}", re.ASCII)
_upload, _record = evidence_uploads.c, evidence_records.c
_party, _permission = evidence_parties.c, evidence_permissions.c


@dataclass(frozen=True, slots=True)
class ContentUpload:
    """A content that no record names yet; ``content_digest`` is None while it grows."""

    envelope_id: str
    session_id: str
    account: str
    content_length: int
    content_digest: bytes | None
    expire_time: datetime


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


def find_upload(connection: Connection, envelope_id: str) -> ContentUpload | None:
    """The upload of a message's content."""
    row = connection.execute(select(evidence_uploads).where(_upload.envelope_id == envelope_id)).one_or_none()
    return None if row is None else ContentUpload(*row)


def add_upload(connection: Connection, upload: ContentUpload) -> None:
    """Note a new upload."""
    connection.execute(
        insert(evidence_uploads),
        {
            "envelope_id": upload.envelope_id,
            "session_id": upload.session_id,
            "account": upload.account,
            "content_length": upload.content_length,
            "content_digest": upload.content_digest,
            "expire_time": upload.expire_time,
        },
    )


def finish_upload(connection: Connection, envelope_id: str, digest: bytes, expire_time: datetime) -> bool:
    """Note what an upload came to. False: it is not there any more."""
    query = update(evidence_uploads).where(_upload.envelope_id == envelope_id)
    return connection.execute(query, {"content_digest": digest, "expire_time": expire_time}).rowcount == 1


def find_uploads(connection: Connection, envelope_ids: Iterable[str]) -> dict[str, ContentUpload]:
    """Uploads, by envelope."""
    query = select(evidence_uploads).where(_upload.envelope_id.in_(list(envelope_ids)))
    return {row.envelope_id: ContentUpload(*row) for row in connection.execute(query)}


def drop_uploads(connection: Connection, envelope_ids: Sequence[str]) -> None:
    """Forget uploads: a record names their content now, or their time is over."""
    connection.execute(delete(evidence_uploads).where(_upload.envelope_id.in_(envelope_ids)))


def list_expired_uploads(connection: Connection, now: datetime, limit: int) -> list[ContentUpload]:
    """Uploads whose time is over."""
    query = select(evidence_uploads).where(_upload.expire_time <= now).order_by(_upload.expire_time).limit(limit)
    return [ContentUpload(*row) for row in connection.execute(query)]


def used_bytes(connection: Connection, account: str) -> int:
    """Bytes of content that an account has here: of its records, and of its uploads."""
    kept = connection.execute(
        select(evidence_accounts.c.content_bytes).where(evidence_accounts.c.name == account)
    ).scalar_one_or_none()
    coming = connection.execute(
        select(func.coalesce(func.sum(_upload.content_length), 0)).where(_upload.account == account)
    ).scalar_one()
    return (kept or 0) + int(coming)


def count_uploads(connection: Connection, account: str) -> int:
    """How many uploads an account has that no record names."""
    return int(connection.execute(select(func.count()).where(_upload.account == account)).scalar_one())


def add_bytes(connection: Connection, account: str, count: int) -> None:
    """Count bytes of content of an account's records; below 0: fewer."""
    column = evidence_accounts.c
    changed = connection.execute(
        update(evidence_accounts)
        .where(column.name == account)
        .values(content_bytes=column.content_bytes + bindparam("more")),
        {"more": count},
    )
    if changed.rowcount == 0:
        connection.execute(insert(evidence_accounts), {"name": account, "content_bytes": count})


def find_records(connection: Connection, digests: Iterable[bytes]) -> dict[bytes, RecordRow]:
    """Records, by the statement's digest."""
    query = select(evidence_records).where(_record.statement_digest.in_(list(digests)))
    return {row.statement_digest: _record_of(row) for row in connection.execute(query)}


def add_records(connection: Connection, records: Sequence[tuple[RecordRow, Sequence[str]]]) -> None:
    """Keep records, each with the names whom it concerns; at least one."""
    connection.execute(
        insert(evidence_records),
        [
            {
                "statement_digest": row.statement_digest,
                "record_digest": row.record_digest,
                "log_index": row.log_index,
                "session_id": row.session_id,
                "author": row.author,
                "answered_digest": row.answered_digest,
                "content_digest": row.content_digest,
                "content_length": row.content_length,
                "content_kept": row.content_kept,
                "deposit_time": row.deposit_time,
            }
            for row, _ in records
        ],
    )
    connection.execute(
        insert(evidence_parties),
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


def is_permitted(connection: Connection, statement_digest: bytes, name: str, now: datetime) -> bool:
    """Whether somebody has a permission for a message that holds now."""
    query = select(_permission.grantee).where(
        _permission.statement_digest == statement_digest, _permission.grantee == name, *_holds(now)
    )
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
        .where(_permission.session_id == session_id, _permission.grantee == name, *_holds(now))
    )
    rows: dict[int, RecordRow] = {}
    first = _place(after)
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


def count_rows(connection: Connection) -> tuple[int, int, int]:
    """How many records, parties of records, and permissions there are. Looks at all of them."""
    records, parties, permissions = (
        int(connection.execute(select(func.count()).select_from(table)).scalar_one())
        for table in (evidence_records, evidence_parties, evidence_permissions)
    )
    return records, parties, permissions


def list_parties(connection: Connection, row: RecordRow) -> set[str]:
    """Names of a record's author and recipients, as far as their rows are of that session and entry."""
    query = select(_party.name).where(
        _party.statement_digest == row.statement_digest,
        _party.session_id == row.session_id,
        _party.log_index == row.log_index,
    )
    return {each[0] for each in connection.execute(query)}


def list_contents(connection: Connection) -> dict[bytes, int]:
    """Digests and lengths of all contents that must be there."""
    kept = select(_record.content_digest, _record.content_length).where(_record.content_kept.is_(True))
    waiting = select(_upload.content_digest, _upload.content_length).where(_upload.content_digest.is_not(None))
    return {digest: length for query in (kept, waiting) for digest, length in connection.execute(query)}


def list_outdated(connection: Connection, before: datetime, limit: int) -> list[RecordRow]:
    """Records that were deposited before a time and whose content is still kept."""
    query = select(evidence_records).where(_record.content_kept.is_(True), _record.deposit_time < before)
    return [_record_of(row) for row in connection.execute(query.order_by(_record.deposit_time).limit(limit))]


def mark_dropped(connection: Connection, statement_digest: bytes) -> bool:
    """Note that a record's content is not kept any more. False: it was noted before."""
    query = update(evidence_records).where(_record.statement_digest == statement_digest, _record.content_kept.is_(True))
    return connection.execute(query, {"content_kept": False}).rowcount == 1


def is_content_needed(connection: Connection, content_digest: bytes) -> bool:
    """Whether a record, or an upload that was finished, names a content."""
    for query in (
        select(_record.log_index).where(_record.content_digest == content_digest, _record.content_kept.is_(True)),
        select(_upload.envelope_id).where(_upload.content_digest == content_digest),
    ):
        if connection.execute(query.limit(1)).first() is not None:
            return True
    return False


def find_permission(connection: Connection, digest: bytes) -> PermissionRow | None:
    """A permission."""
    row = connection.execute(select(evidence_permissions).where(_permission.permission_digest == digest)).one_or_none()
    return None if row is None else PermissionRow(*row)


def add_permission(connection: Connection, row: PermissionRow) -> None:
    """Keep a new permission."""
    values = {name: getattr(row, name) for name in PermissionRow.__slots__}
    connection.execute(insert(evidence_permissions), values)


def revoke_permission(connection: Connection, digest: bytes, now: datetime) -> None:
    """End a permission."""
    query = update(evidence_permissions).where(_permission.permission_digest == digest)
    connection.execute(query, {"revoke_time": now})


def list_permissions(connection: Connection, name: str, after: PageCursor | None, limit: int) -> list[PermissionRow]:
    """Permissions that somebody gave or was given, in order of their entries."""
    rows: dict[int, PermissionRow] = {}
    for column in (_permission.grantor, _permission.grantee):
        query = select(evidence_permissions).where(column == name, _permission.log_index > _place(after))
        found = connection.execute(query.order_by(_permission.log_index).limit(limit))
        rows |= {row.log_index: PermissionRow(*row) for row in found}
    return [rows[index] for index in sorted(rows)][:limit]


def _place(after: PageCursor | None) -> int:
    """The index of the entry behind which a page begins."""
    if after is None:
        return -1
    if not _INDEX.fullmatch(after.name):
        raise ServiceError("PAGE_TOKEN_INVALID")
    return int(after.name)


def _holds(now: datetime) -> tuple[Any, ...]:
    return (_permission.begin_time <= now, _permission.end_time > now, _permission.revoke_time.is_(None))


def _record_of(row: Row[*tuple[Any, ...]]) -> RecordRow:
    return RecordRow(*row)
