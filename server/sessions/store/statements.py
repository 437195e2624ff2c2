"""What was signed in sessions: how many messages from whom to whom, which statements, which answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

from sqlalchemy import Connection, bindparam, insert, select, update

from server.sessions.store.tables import session_answers, session_numbers, session_statements

_number = session_numbers.c
_statement = session_statements.c
_answer = session_answers.c

_find_numbers = select(_number.recipient, _number.number).where(
    _number.session_id == bindparam("session_id"),
    _number.author == bindparam("author"),
    _number.recipient.in_(bindparam("recipients", expanding=True)),
)
_advance = (
    update(session_numbers)
    .where(
        _number.session_id == bindparam("of_session"),
        _number.author == bindparam("of_author"),
        _number.recipient == bindparam("to_recipient"),
    )
    .values(number=bindparam("new_number"))
)
_find_statement = select(_statement.digest).where(
    _statement.session_id == bindparam("session_id"), _statement.digest == bindparam("digest")
)
_list_signed = select(_statement.session_id, _statement.digest).where(
    _statement.session_id.in_(bindparam("session_ids", expanding=True)),
    _statement.digest.in_(bindparam("digests", expanding=True)),
)
_find_answer = select(_answer.digest).where(
    _answer.session_id == bindparam("session_id"),
    _answer.digest == bindparam("digest"),
    _answer.author == bindparam("author"),
)


def find_numbers(connection: Connection, session_id: str, author: str, recipients: Iterable[str]) -> dict[str, int]:
    """How many messages of an author to each of these recipients there were; those without any are left out."""
    values = {"session_id": session_id, "author": author, "recipients": list(recipients)}
    return {row.recipient: row.number for row in connection.execute(_find_numbers, values)}


def put_numbers(connection: Connection, session_id: str, author: str, numbers: Mapping[str, int]) -> None:
    """Set the numbers of an author's messages to recipients; those with the number 1 are the first."""
    first = [
        {"session_id": session_id, "author": author, "recipient": recipient, "number": number}
        for recipient, number in numbers.items()
        if number == 1
    ]
    later = [
        {"of_session": session_id, "of_author": author, "to_recipient": recipient, "new_number": number}
        for recipient, number in numbers.items()
        if number > 1
    ]
    if first:
        connection.execute(insert(session_numbers), first)
    if later:
        connection.execute(_advance, later)


def list_numbers_to(connection: Connection, session_id: str, recipient: str) -> dict[str, int]:
    """How many messages to a recipient there were, by author."""
    query = select(_number.author, _number.number).where(
        _number.session_id == session_id, _number.recipient == recipient
    )
    return {row.author: row.number for row in connection.execute(query)}


def list_numbers_from(connection: Connection, session_id: str, author: str) -> dict[str, int]:
    """How many messages of an author there were, by recipient."""
    query = select(_number.recipient, _number.number).where(_number.session_id == session_id, _number.author == author)
    return {row.recipient: row.number for row in connection.execute(query)}


def add_statement(connection: Connection, session_id: str, digest: bytes) -> None:
    """Note that a statement was signed."""
    connection.execute(insert(session_statements), {"session_id": session_id, "digest": digest})


def is_signed(connection: Connection, session_id: str, digest: bytes) -> bool:
    """Whether a statement was signed in a session."""
    return connection.execute(_find_statement, {"session_id": session_id, "digest": digest}).first() is not None


def list_signed(connection: Connection, wanted: AbstractSet[tuple[str, bytes]]) -> set[tuple[str, bytes]]:
    """Those of these sessions and digests that were signed."""
    values = {"session_ids": list({session_id for session_id, _ in wanted}), "digests": [each for _, each in wanted]}
    rows = connection.execute(_list_signed, values)
    return {(row.session_id, row.digest) for row in rows} & wanted


def add_answer(connection: Connection, session_id: str, digest: bytes, author: str) -> None:
    """Note that somebody answers a statement."""
    connection.execute(insert(session_answers), {"session_id": session_id, "digest": digest, "author": author})


def is_answered(connection: Connection, session_id: str, digest: bytes, author: str) -> bool:
    """Whether somebody has answered a statement."""
    values = {"session_id": session_id, "digest": digest, "author": author}
    return connection.execute(_find_answer, values).first() is not None
