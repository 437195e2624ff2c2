"""``fourseal-server sessions``."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from contract.names import check_session_id
from server.cli.database import in_database
from server.cli.output import show_json, show_line, show_table
from server.errors import OperatorError
from server.root.home import Home
from server.sessions import MemberState, Session, SessionMember, find_session, list_members, list_sessions
from server.storage import PageCursor
from server.storage.paging import cut_page


def sessions(home: Home, page_size: int, page_token: str, *, as_json: bool) -> None:
    """List a page of sessions."""
    after = PageCursor.from_token(page_token)

    def query(connection: Connection) -> list[tuple[Session, list[SessionMember]]]:
        found = list_sessions(connection, after, page_size + 1)
        members = list_members(connection, [session.session_id for session in found])
        return [(session, members[session.session_id]) for session in found]

    page = cut_page(in_database(home, query), page_size, lambda row: PageCursor(row[0].create_time, row[0].session_id))
    if as_json:
        show_json({"sessions": [_json(*row) for row in page.rows], "next_page_token": page.next_token})
        return
    rows = [
        (
            session.session_id,
            session.state.value,
            session.scheme.value,
            _time(session.begin_time),
            _time(session.end_time),
            session.creator,
            str(sum(member.state is MemberState.JOINED for member in members)),
            session.subject,
        )
        for session, members in page.rows
    ]
    show_table("Sessions", ("session", "state", "scheme", "begins", "ends", "creator", "members", "subject"), rows)
    if page.next_token:
        show_line(f"More: --page-token {page.next_token}")


def session(home: Home, session_id: str, *, as_json: bool) -> None:
    """Show one session and who is in it."""
    check_session_id(session_id)

    def query(connection: Connection) -> tuple[Session, list[SessionMember]]:
        found = find_session(connection, session_id)
        if found is None:
            raise OperatorError(f"there is no session {session_id}", "See fourseal-server sessions.")
        return found, list_members(connection, [session_id])[session_id]

    found, members = in_database(home, query)
    if as_json:
        show_json(_json(found, members))
        return
    facts = [(name, str(value)) for name, value in _json(found, members).items() if name != "members"]
    show_table("Session", ("what", "is"), facts)
    people = [
        (member.name, member.display_name, member.state.value, str(member.last_sequence), _hex(member.sign_fingerprint))
        for member in members
    ]
    show_table("People", ("account", "name", "state", "last sequence number", "sign certificate"), people)


def _json(found: Session, members: list[SessionMember]) -> dict[str, Any]:
    return {
        "session_id": found.session_id,
        "state": found.state.value,
        "scheme": found.scheme.value,
        "half_bits": found.half_bits,
        "subject": found.subject,
        "place": found.place,
        "begin_time": _time(found.begin_time),
        "end_time": _time(found.end_time),
        "creator": found.creator,
        "all_is_evidence": found.all_is_evidence,
        "revision": found.revision,
        "create_time": _time(found.create_time),
        "close_time": _time(found.close_time) or None,
        "members": [
            {
                "name": member.name,
                "display_name": member.display_name,
                "state": member.state.value,
                "last_sequence": member.last_sequence,
                "sign_certificate": _hex(member.sign_fingerprint) or None,
                "encrypt_certificate": _hex(member.encrypt_fingerprint) or None,
            }
            for member in members
        ],
    }


def _time(time: datetime | None) -> str:
    return "" if time is None else time.isoformat(timespec="seconds")


def _hex(fingerprint: bytes | None) -> str:
    return "" if fingerprint is None else fingerprint.hex()
