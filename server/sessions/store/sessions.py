"""Sessions, who is in them, with which certificates, and the session certificates of every revision."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, insert, select, tuple_, update

from contract.session_info import Scheme
from server.sessions.states import MemberState, SessionState
from server.sessions.store.tables import contract_sessions, session_joinings, session_members, session_revisions
from server.storage import PageCursor, row_values

_ROWS_AT_A_TIME: Final = 1000


@dataclass(frozen=True, slots=True)
class Session:
    """A contract session. Nothing of it is secret.

    Args:
        begin_time, end_time: in whole seconds.
        creator: account that made it.
        revision: the newest.
        sign_modulus, encrypt_modulus: of the two session shares, big-endian.
        sign_roots, encrypt_roots: their certifications, nine roots one after the other.
        all_is_evidence: the rule that all its messages are deposited.
        close_time: None while it is open.
    """

    session_id: str
    state: SessionState
    scheme: Scheme
    half_bits: int
    subject: str
    place: str
    begin_time: datetime
    end_time: datetime
    creator: str
    revision: int
    sign_modulus: bytes = field(repr=False)
    encrypt_modulus: bytes = field(repr=False)
    sign_roots: bytes = field(repr=False)
    encrypt_roots: bytes = field(repr=False)
    create_time: datetime
    all_is_evidence: bool
    close_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class SessionMember:
    """Somebody in a session.

    Args:
        display_name: of the account.
        sign_fingerprint, encrypt_fingerprint: of the certificates that it joined with last; None if it never did.
        last_sequence: the highest sequence number that it used.
        session_time: when the session was made, for lists.
    """

    session_id: str
    name: str
    display_name: str
    state: MemberState
    sign_fingerprint: bytes | None
    encrypt_fingerprint: bytes | None
    last_sequence: int
    session_time: datetime


@dataclass(frozen=True, slots=True)
class Joining:
    """The certificates (DER) that somebody joined with. Kept for ever: statements name them."""

    session_id: str
    name: str
    sign_fingerprint: bytes
    encrypt_fingerprint: bytes
    sign_certificate: bytes = field(repr=False)
    encrypt_certificate: bytes = field(repr=False)
    join_time: datetime


@dataclass(frozen=True, slots=True)
class Revision:
    """A state of a session's members, with its session certificates (DER). Kept for ever: statements name them."""

    session_id: str
    revision: int
    sign_fingerprint: bytes
    encrypt_fingerprint: bytes
    sign_certificate: bytes = field(repr=False)
    encrypt_certificate: bytes = field(repr=False)
    create_time: datetime


@dataclass(frozen=True, slots=True)
class StatementRules:
    """What decides whether something may be signed in a session now."""

    state: SessionState
    begin_time: datetime
    end_time: datetime
    revision: int
    sign_fingerprint: bytes


_session = contract_sessions.c
_member = session_members.c
_joining = session_joinings.c
_revision = session_revisions.c

_find_session = select(contract_sessions).where(_session.session_id == bindparam("session_id"))
_find_rules = (
    select(_session.state, _session.begin_time, _session.end_time, _session.revision, _revision.sign_fingerprint)
    .join_from(
        contract_sessions,
        session_revisions,
        (_revision.session_id == _session.session_id) & (_revision.revision == _session.revision),
    )
    .where(_session.session_id == bindparam("session_id"))
)
_find_members = select(session_members).where(
    _member.session_id == bindparam("session_id"), _member.name.in_(bindparam("names", expanding=True))
)


def insert_session(connection: Connection, session: Session) -> None:
    """Keep a new session."""
    connection.execute(insert(contract_sessions), row_values(session))


def find_session(connection: Connection, session_id: str) -> Session | None:
    """A session."""
    row = connection.execute(_find_session, {"session_id": session_id}).one_or_none()
    return None if row is None else _session_of(row)


def find_rules(connection: Connection, session_id: str) -> StatementRules | None:
    """What decides whether something may be signed in a session now."""
    row = connection.execute(_find_rules, {"session_id": session_id}).one_or_none()
    return None if row is None else StatementRules(**(row._asdict() | {"state": SessionState(row.state)}))


def list_sessions(connection: Connection, after: PageCursor | None, limit: int) -> list[Session]:
    """At most ``limit`` sessions, oldest first."""
    query = select(contract_sessions).order_by(_session.create_time, _session.session_id).limit(limit)
    if after is not None:
        query = query.where(tuple_(_session.create_time, _session.session_id) > (after.time, after.name))
    return [_session_of(row) for row in connection.execute(query)]


def list_sessions_of(connection: Connection, name: str, after: PageCursor | None, limit: int) -> list[Session]:
    """At most ``limit`` sessions that an account was invited to, newest first."""
    query = (
        select(contract_sessions)
        .join_from(session_members, contract_sessions, _session.session_id == _member.session_id)
        .where(_member.name == name)
        .order_by(_member.session_time.desc(), _member.session_id.desc())
        .limit(limit)
    )
    if after is not None:
        query = query.where(tuple_(_member.session_time, _member.session_id) < (after.time, after.name))
    return [_session_of(row) for row in connection.execute(query)]


def list_overdue(connection: Connection, now: datetime) -> list[Session]:
    """Open sessions whose time is over."""
    query = select(contract_sessions).where(_session.state == SessionState.OPEN.value, _session.end_time <= now)
    return [_session_of(row) for row in connection.execute(query)]


def set_revision(connection: Connection, session_id: str, revision: int) -> None:
    """Note a session's newest revision."""
    connection.execute(update(contract_sessions).where(_session.session_id == session_id), {"revision": revision})


def close_session(connection: Connection, session_id: str, now: datetime) -> bool:
    """Close a session; False if it was closed already."""
    query = update(contract_sessions).where(
        _session.session_id == session_id, _session.state == SessionState.OPEN.value
    )
    return connection.execute(query, {"state": SessionState.CLOSED.value, "close_time": now}).rowcount == 1


def put_member(connection: Connection, member: SessionMember) -> None:
    """Keep where somebody stands, in the place of what was there; the sequence number stays as it was."""
    values = {
        "state": member.state.value,
        "sign_fingerprint": member.sign_fingerprint,
        "encrypt_fingerprint": member.encrypt_fingerprint,
    }
    query = update(session_members).where(_member.session_id == member.session_id, _member.name == member.name)
    if not connection.execute(query, values).rowcount:
        connection.execute(insert(session_members), row_values(member))


def find_member(connection: Connection, session_id: str, name: str) -> SessionMember | None:
    """Somebody in a session."""
    return find_members(connection, session_id, [name]).get(name)


def find_members(connection: Connection, session_id: str, names: Iterable[str]) -> dict[str, SessionMember]:
    """Those of these that were ever invited to a session."""
    rows = connection.execute(_find_members, {"session_id": session_id, "names": list(names)})
    return {row.name: _member_of(row) for row in rows}


def list_members(connection: Connection, session_ids: Iterable[str]) -> dict[str, list[SessionMember]]:
    """Everybody who was ever invited to these sessions, by name."""
    wanted = list(session_ids)
    members: dict[str, list[SessionMember]] = {session_id: [] for session_id in wanted}
    query = select(session_members).where(_member.session_id.in_(wanted)).order_by(_member.session_id, _member.name)
    for row in connection.execute(query):
        members[row.session_id].append(_member_of(row))
    return members


def set_sequence(connection: Connection, session_id: str, name: str, sequence: int) -> None:
    """Note the highest sequence number of an author."""
    query = update(session_members).where(_member.session_id == session_id, _member.name == name)
    connection.execute(query, {"last_sequence": sequence})


def add_joining(connection: Connection, joining: Joining) -> None:
    """Keep the certificates that somebody joined with, unless they are kept from an earlier time."""
    query = select(_joining.name).where(
        _joining.session_id == joining.session_id, _joining.sign_fingerprint == joining.sign_fingerprint
    )
    if connection.execute(query).first() is None:
        connection.execute(insert(session_joinings), row_values(joining))


def find_joining(connection: Connection, session_id: str, sign_fingerprint: bytes) -> Joining | None:
    """The certificates that somebody joined with."""
    query = select(session_joinings).where(
        _joining.session_id == session_id, _joining.sign_fingerprint == sign_fingerprint
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else Joining(**row._asdict())


def list_joinings(connection: Connection, session_id: str, *, name: str | None = None) -> list[Joining]:
    """All certificates that anybody, or somebody, ever joined a session with, the newest first."""
    query = select(session_joinings).where(_joining.session_id == session_id)
    if name is not None:
        query = query.where(_joining.name == name)
    return [Joining(**row._asdict()) for row in connection.execute(query.order_by(_joining.join_time.desc()))]


def list_present_joinings(connection: Connection, session_id: str) -> list[Joining]:
    """The certificates with which everybody joined who is a member now."""
    query = (
        select(session_joinings)
        .join_from(
            session_members,
            session_joinings,
            (_joining.session_id == _member.session_id) & (_joining.sign_fingerprint == _member.sign_fingerprint),
        )
        .where(_member.session_id == session_id, _member.state == MemberState.JOINED.value)
    )
    return [Joining(**row._asdict()) for row in connection.execute(query)]


def all_moduli(connection: Connection) -> Iterator[tuple[str, bytes, bytes]]:
    """Session id and both moduli, big-endian, of every session, read bit by bit: there may be a million."""
    query = select(_session.session_id, _session.sign_modulus, _session.encrypt_modulus)
    for row in connection.execute(query.execution_options(yield_per=_ROWS_AT_A_TIME)):
        yield row.session_id, row.sign_modulus, row.encrypt_modulus


def insert_revision(connection: Connection, revision: Revision) -> None:
    """Keep a new revision."""
    connection.execute(insert(session_revisions), row_values(revision))


def find_revision(connection: Connection, session_id: str, revision: int) -> Revision | None:
    """A revision."""
    query = select(session_revisions).where(_revision.session_id == session_id, _revision.revision == revision)
    row = connection.execute(query).one_or_none()
    return None if row is None else Revision(**row._asdict())


def find_revision_of(connection: Connection, session_id: str, fingerprint: bytes) -> Revision | None:
    """The revision that one of the session's certificates is of."""
    for column in (_revision.sign_fingerprint, _revision.encrypt_fingerprint):
        query = select(session_revisions).where(_revision.session_id == session_id, column == fingerprint)
        row = connection.execute(query).one_or_none()
        if row is not None:
            return Revision(**row._asdict())
    return None


def _session_of(row: Row[*tuple[Any, ...]]) -> Session:
    return Session(**(row._asdict() | {"state": SessionState(row.state), "scheme": Scheme(row.scheme)}))


def _member_of(row: Row[*tuple[Any, ...]]) -> SessionMember:
    return SessionMember(**(row._asdict() | {"state": MemberState(row.state)}))
