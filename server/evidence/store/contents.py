"""Which contents must be there, and how much of them is whose."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, func, insert, select, update

from server.evidence.store.tables import evidence_accounts, evidence_records, evidence_uploads

_upload = evidence_uploads.c
_record = evidence_records.c
_add_bytes = (
    update(evidence_accounts)
    .where(evidence_accounts.c.name == bindparam("of_account"))
    .values(content_bytes=evidence_accounts.c.content_bytes + bindparam("more"))
)


def used_bytes(connection: Connection, account: str) -> int:
    """Bytes of content that an account has here: of its records, and of its uploads."""
    kept = connection.execute(
        select(evidence_accounts.c.content_bytes).where(evidence_accounts.c.name == account)
    ).scalar_one_or_none()
    coming = connection.execute(
        select(func.coalesce(func.sum(_upload.content_length), 0)).where(_upload.account == account)
    ).scalar_one()
    return (kept or 0) + int(coming)


def add_bytes(connection: Connection, account: str, count: int) -> None:
    """Count bytes of content of an account's records; below 0: fewer."""
    changed = connection.execute(_add_bytes, {"of_account": account, "more": count})
    if changed.rowcount == 0:
        connection.execute(insert(evidence_accounts), {"name": account, "content_bytes": count})


def list_contents(connection: Connection) -> dict[bytes, int]:
    """Digests and lengths of all contents that must be there."""
    kept = select(_record.content_digest, _record.content_length).where(_record.content_kept.is_(True))
    waiting = select(_upload.content_digest, _upload.content_length).where(_upload.content_digest.is_not(None))
    return {digest: length for query in (kept, waiting) for digest, length in connection.execute(query)}


def is_content_needed(connection: Connection, content_digest: bytes) -> bool:
    """Whether a record, or an upload that was finished, names a content."""
    for query in (
        select(_record.log_index).where(_record.content_digest == content_digest, _record.content_kept.is_(True)),
        select(_upload.envelope_id).where(_upload.content_digest == content_digest),
    ):
        if connection.execute(query.limit(1)).first() is not None:
            return True
    return False
