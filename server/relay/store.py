"""The tables of the relay: envelopes, what waits in mailboxes, announcements, and what each author has there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    Connection,
    Index,
    LargeBinary,
    Row,
    Table,
    Text,
    UniqueConstraint,
    and_,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
    update,
)

from server.storage import Instant, metadata, row_values
from server.storage.tables import Sequence as Counted

_NEVER_USED: Final = datetime.min.replace(tzinfo=UTC)

envelopes = Table(
    "relay_envelopes",
    metadata,
    Column("envelope_id", Text, primary_key=True),
    Column("session_id", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("header_sha256", LargeBinary, nullable=False),
    Column("header", LargeBinary),
    Column("check_key", LargeBinary, nullable=False),
    Column("content_bytes", BigInteger, nullable=False),
    Column("segments", BigInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("trailer", LargeBinary),
    Column("finish_time", Instant),
    Column("expire_time", Instant, nullable=False),
    Column("agent", Text),
    Column("agent_certificate", LargeBinary),
    Column("post_time", Instant),
    Column("announcement_bytes", BigInteger, nullable=False),
    CheckConstraint("state IN ('uploading', 'finished', 'delivered')", name="state"),
    Index(None, "session_id", "author", "state"),
    Index(None, "expire_time"),
)

mail = Table(
    "relay_mail",
    metadata,
    Column("position", Counted, primary_key=True, autoincrement=True),
    Column("session_id", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("envelope_id", Text, nullable=False),
    UniqueConstraint("envelope_id", "recipient"),
    Index(None, "session_id", "recipient", "position"),
    sqlite_autoincrement=True,  # a position is never given twice: watchers go on from the last one that they saw
)

announcements = Table(
    "relay_announcements",
    metadata,
    Column("envelope_id", Text, primary_key=True),
    Column("recipient", Text, primary_key=True),
    Column("announcement", LargeBinary, nullable=False),
)

authors = Table(
    "relay_authors",
    metadata,
    Column("session_id", Text, primary_key=True),
    Column("author", Text, primary_key=True),
    Column("last_sequence", BigInteger, nullable=False),
    Column("waiting_envelopes", BigInteger, nullable=False),
    Column("waiting_bytes", BigInteger, nullable=False),
    Column("expire_time", Instant, nullable=False),
    Index(None, "expire_time"),
)


class EnvelopeState(StrEnum):
    """Where an envelope stands."""

    UPLOADING = "uploading"
    FINISHED = "finished"
    DELIVERED = "delivered"
    """Every recipient has it. Header, trailer and content are gone; the row answers a repeat of its upload."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A row of an envelope.

    ``header`` and ``trailer`` are None once it was delivered; ``agent``, ``agent_certificate`` and ``post_time`` where
    the envelope was posted before these were kept.
    """

    envelope_id: str
    session_id: str
    author: str
    state: EnvelopeState
    header_sha256: bytes
    header: bytes | None
    check_key: bytes = field(repr=False)
    content_bytes: int
    segments: int
    sequence: int
    trailer: bytes | None
    finish_time: datetime | None
    expire_time: datetime
    agent: str | None
    agent_certificate: bytes | None
    post_time: datetime | None
    announcement_bytes: int

    @property
    def kept_bytes(self) -> int:
        """What it takes of its author's quota while it waits: header, content, trailer and announcements."""
        return len(self.header or b"") + self.content_bytes + len(self.trailer or b"") + self.announcement_bytes


@dataclass(frozen=True, slots=True)
class Posting:
    """Who posted an envelope, and what came with it for one recipient.

    Args:
        agent: the author's agent.
        agent_certificate: SHA-256 of its client certificate.
        post_time: when the last stream of the upload began.
        announcement: DER of the SignedAnnouncement for that recipient; empty if there is none.
    """

    agent: str
    agent_certificate: bytes
    post_time: datetime
    announcement: bytes


@dataclass(frozen=True, slots=True)
class Mail:
    """An envelope in a mailbox, as a notice tells of it; ``posting`` is None where it is not known."""

    position: int
    envelope_id: str
    author: str
    sequence: int
    content_bytes: int
    posting: Posting | None


@dataclass(frozen=True, slots=True)
class AuthorUsage:
    """What an author has in a session: highest sequence number, envelopes and bytes that still wait.

    ``expire_time`` is when the session is over and the last of its finished envelopes expires.
    """

    last_sequence: int = 0
    waiting_envelopes: int = 0
    waiting_bytes: int = 0
    expire_time: datetime = _NEVER_USED


def find_envelope(connection: Connection, envelope_id: str) -> Envelope | None:
    """An envelope by its id."""
    row = connection.execute(select(envelopes).where(envelopes.c.envelope_id == envelope_id)).one_or_none()
    return None if row is None else _envelope(row)


def put_envelope(connection: Connection, envelope: Envelope) -> None:
    """Keep an envelope; one of that id is replaced."""
    values = row_values(envelope)
    changed = connection.execute(update(envelopes).where(envelopes.c.envelope_id == envelope.envelope_id), values)
    if not changed.rowcount:
        connection.execute(insert(envelopes), values)


def drop_envelope(connection: Connection, envelope_id: str) -> None:
    """Forget an envelope, and whatever of it waits in mailboxes."""
    connection.execute(delete(mail).where(mail.c.envelope_id == envelope_id))
    connection.execute(delete(announcements).where(announcements.c.envelope_id == envelope_id))
    connection.execute(delete(envelopes).where(envelopes.c.envelope_id == envelope_id))


def put_announcements(connection: Connection, envelope_id: str, found: Mapping[str, bytes]) -> None:
    """Keep the announcements of an envelope, by recipient, instead of those it had."""
    connection.execute(delete(announcements).where(announcements.c.envelope_id == envelope_id))
    if found:
        values = [{"envelope_id": envelope_id, "recipient": name, "announcement": der} for name, der in found.items()]
        connection.execute(insert(announcements), values)


def find_posting(connection: Connection, envelope_id: str, recipient: str) -> Posting | None:
    """Who posted an envelope, and what came with it for a recipient; None where that is not known."""
    query = (
        select(*_posting_columns)
        .join(announcements, _announced_to(literal(recipient)), isouter=True)
        .where(envelopes.c.envelope_id == envelope_id)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else _posting(row)


def count_uploads(connection: Connection, session_id: str, author: str) -> int:
    """Uploads of an author that are not finished."""
    query = select(func.count()).where(
        envelopes.c.session_id == session_id,
        envelopes.c.author == author,
        envelopes.c.state == EnvelopeState.UPLOADING.value,
    )
    return connection.execute(query).scalar_one()


def list_expired(connection: Connection, now: datetime, limit: int) -> list[Envelope]:
    """Envelopes whose time is over."""
    query = select(envelopes).where(envelopes.c.expire_time <= now).order_by(envelopes.c.expire_time).limit(limit)
    return [_envelope(row) for row in connection.execute(query)]


def list_with_content(connection: Connection, after: str, limit: int) -> list[Envelope]:
    """Envelopes that have content, by id, from the one after ``after`` on."""
    query = (
        select(envelopes)
        .where(envelopes.c.envelope_id > after, envelopes.c.state != EnvelopeState.DELIVERED.value)
        .order_by(envelopes.c.envelope_id)
        .limit(limit)
    )
    return [_envelope(row) for row in connection.execute(query)]


def find_usage(connection: Connection, session_id: str, author: str) -> AuthorUsage:
    """What an author has in a session."""
    columns = (authors.c[name] for name in AuthorUsage.__dataclass_fields__)
    query = select(*columns).where(authors.c.session_id == session_id, authors.c.author == author)
    row = connection.execute(query).one_or_none()
    return AuthorUsage() if row is None else AuthorUsage(**row._asdict())


def put_usage(connection: Connection, session_id: str, author: str, usage: AuthorUsage) -> None:
    """Keep what an author has in a session."""
    values = row_values(usage)
    changed = connection.execute(
        update(authors).where(authors.c.session_id == session_id, authors.c.author == author), values
    )
    if not changed.rowcount:
        connection.execute(insert(authors), {"session_id": session_id, "author": author} | values)


def drop_expired_usage(connection: Connection, now: datetime, limit: int) -> int:
    """Forget some authors whose time is over, and who have no envelope here in any state; returns how many."""
    theirs = envelopes.c.session_id == authors.c.session_id, envelopes.c.author == authors.c.author
    query = (
        select(authors.c.session_id, authors.c.author)
        .where(authors.c.expire_time <= now, ~exists().where(*theirs))
        .order_by(authors.c.expire_time)
        .limit(limit)
    )
    found = connection.execute(query).all()
    for session_id, author in found:
        connection.execute(delete(authors).where(authors.c.session_id == session_id, authors.c.author == author))
    return len(found)


def add_mail(connection: Connection, session_id: str, envelope_id: str, recipients: Iterable[str]) -> None:
    """Put an envelope into mailboxes. The writer is one thread: positions rise in the order of commits."""
    values = [{"session_id": session_id, "recipient": name, "envelope_id": envelope_id} for name in recipients]
    connection.execute(insert(mail), values)


def list_mail(connection: Connection, session_id: str, recipient: str, after: int, limit: int) -> list[Mail]:
    """What waits in a mailbox after a position, in order."""
    told = (mail.c.position, mail.c.envelope_id, envelopes.c.author, envelopes.c.sequence, envelopes.c.content_bytes)
    query = (
        select(*told, *_posting_columns)
        .join(envelopes, envelopes.c.envelope_id == mail.c.envelope_id)
        .join(announcements, _announced_to(mail.c.recipient), isouter=True)
        .where(mail.c.session_id == session_id, mail.c.recipient == recipient, mail.c.position > after)
        .order_by(mail.c.position)
        .limit(limit)
    )
    return [
        Mail(row.position, row.envelope_id, row.author, row.sequence, row.content_bytes, _posting(row))
        for row in connection.execute(query)
    ]


def take_mail(connection: Connection, session_id: str, recipient: str, envelope_id: str) -> bool:
    """Take an envelope out of a mailbox; whether it was there."""
    query = delete(mail).where(
        mail.c.envelope_id == envelope_id, mail.c.recipient == recipient, mail.c.session_id == session_id
    )
    if not connection.execute(query).rowcount:
        return False
    theirs = announcements.c.envelope_id == envelope_id, announcements.c.recipient == recipient
    connection.execute(delete(announcements).where(*theirs))
    return True


def is_awaited(connection: Connection, envelope_id: str) -> bool:
    """Whether an envelope waits in any mailbox."""
    query = select(mail.c.position).where(mail.c.envelope_id == envelope_id).limit(1)
    return connection.execute(query).first() is not None


_posting_columns: Final = (
    envelopes.c.agent,
    envelopes.c.agent_certificate,
    envelopes.c.post_time,
    announcements.c.announcement,
)


def _announced_to(recipient: ColumnElement[str]) -> ColumnElement[bool]:
    return and_(announcements.c.envelope_id == envelopes.c.envelope_id, announcements.c.recipient == recipient)


def _posting(row: Row[*tuple[Any, ...]]) -> Posting | None:
    return (
        None if row.agent is None else Posting(row.agent, row.agent_certificate, row.post_time, row.announcement or b"")
    )


def _envelope(row: Row[*tuple[Any, ...]]) -> Envelope:
    return Envelope(**(row._asdict() | {"state": EnvelopeState(row.state)}))
