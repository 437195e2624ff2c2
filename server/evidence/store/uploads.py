"""Uploads of contents that no record names yet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from server.evidence.store.tables import evidence_uploads
from server.storage import row_values

_upload = evidence_uploads.c
_named = _upload.envelope_id.in_(bindparam("envelope_ids", expanding=True))
_find_uploads = select(evidence_uploads).where(_named)
_drop_uploads = delete(evidence_uploads).where(_named)


@dataclass(frozen=True, slots=True)
class ContentUpload:
    """A content that no record names yet; ``content_digest`` is None while it grows."""

    envelope_id: str
    session_id: str
    account: str
    content_length: int
    content_digest: bytes | None
    expire_time: datetime


def find_upload(connection: Connection, envelope_id: str) -> ContentUpload | None:
    """The upload of a message's content."""
    row = connection.execute(select(evidence_uploads).where(_upload.envelope_id == envelope_id)).one_or_none()
    return None if row is None else ContentUpload(*row)


def add_upload(connection: Connection, upload: ContentUpload) -> None:
    """Note a new upload."""
    connection.execute(insert(evidence_uploads), row_values(upload))


def finish_upload(connection: Connection, envelope_id: str, digest: bytes, expire_time: datetime) -> bool:
    """Note what an upload came to. False: it is not there any more."""
    query = update(evidence_uploads).where(_upload.envelope_id == envelope_id)
    return connection.execute(query, {"content_digest": digest, "expire_time": expire_time}).rowcount == 1


def find_uploads(connection: Connection, envelope_ids: Iterable[str]) -> dict[str, ContentUpload]:
    """Uploads, by envelope."""
    rows = connection.execute(_find_uploads, {"envelope_ids": list(envelope_ids)})
    return {row.envelope_id: ContentUpload(*row) for row in rows}


def drop_uploads(connection: Connection, envelope_ids: Sequence[str]) -> None:
    """Forget uploads: a record names their content now, or their time is over."""
    connection.execute(_drop_uploads, {"envelope_ids": envelope_ids})


def list_expired_uploads(connection: Connection, now: datetime, limit: int) -> list[ContentUpload]:
    """Uploads whose time is over."""
    query = select(evidence_uploads).where(_upload.expire_time <= now).order_by(_upload.expire_time).limit(limit)
    return [ContentUpload(*row) for row in connection.execute(query)]


def count_uploads(connection: Connection, account: str) -> int:
    """How many uploads an account has that no record names."""
    return int(connection.execute(select(func.count()).where(_upload.account == account)).scalar_one())
