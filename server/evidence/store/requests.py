"""Requests for permissions, and before whom they lie.

A request stays for its whole time, whatever became of it: it counts for who asked. What is open of it are the rows of
those whom it lies before; an answer takes them away.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, LargeBinary, Text, delete, insert, literal, select, tuple_

from server.evidence.store.tables import evidence_parties, permission_addressees, permission_requests
from server.storage import Instant, PageCursor, row_values
from wire.catalogue import ServiceError

_PLACE: Final = re.compile(r"([0-9a-f]{64}):([a-z0-9._-]{1,63})", re.ASCII)
_request, _addressee, _party = permission_requests.c, permission_addressees.c, evidence_parties.c


@dataclass(frozen=True, slots=True)
class PermissionRequestRow:
    """Somebody asks to see a message's evidence."""

    statement_digest: bytes
    asker: str
    why: str
    ask_time: datetime
    end_time: datetime

    @property
    def place(self) -> PageCursor:
        """Where a list that ends with it goes on."""
        return PageCursor(self.ask_time, f"{self.statement_digest.hex()}:{self.asker}")


def find_request(connection: Connection, statement_digest: bytes, asker: str) -> PermissionRequestRow | None:
    """A request that somebody made."""
    query = select(permission_requests).where(_request.statement_digest == statement_digest, _request.asker == asker)
    row = connection.execute(query).one_or_none()
    return None if row is None else PermissionRequestRow(*row)


def add_request(connection: Connection, row: PermissionRequestRow) -> None:
    """Keep a request, and lay it before all whom the message concerns. The same statements, whether there is any."""
    connection.execute(insert(permission_requests), row_values(row))
    concerned = select(
        _party.name, literal(row.ask_time, Instant), _party.statement_digest, literal(row.asker, Text)
    ).where(_party.statement_digest == row.statement_digest, _party.name != row.asker)
    columns = ("name", "ask_time", "statement_digest", "asker")
    connection.execute(insert(permission_addressees).from_select(columns, concerned))


def list_ask_times(connection: Connection, asker: str, limit: int) -> list[datetime]:
    """When somebody made its last requests, the newest first."""
    query = select(_request.ask_time).where(_request.asker == asker)
    return [row[0] for row in connection.execute(query.order_by(_request.ask_time.desc()).limit(limit))]


def list_requests(
    connection: Connection, name: str, now: datetime, after: PageCursor | None, limit: int
) -> list[PermissionRequestRow]:
    """Requests that lie before somebody, oldest first."""
    query = (
        select(permission_requests)
        .join(
            permission_addressees,
            (_addressee.statement_digest == _request.statement_digest) & (_addressee.asker == _request.asker),
        )
        .where(_addressee.name == name, _request.end_time > now)
    )
    columns = (_addressee.ask_time, _addressee.statement_digest, _addressee.asker)
    if after is not None:
        query = query.where(tuple_(*columns) > _behind(after))
    return [PermissionRequestRow(*row) for row in connection.execute(query.order_by(*columns).limit(limit))]


def take_request(connection: Connection, name: str, statement_digest: bytes, asker: str) -> bool:
    """Take a request away from one whom it lies before. False: it does not lie there."""
    query = delete(permission_addressees).where(
        _addressee.name == name, _addressee.statement_digest == statement_digest, _addressee.asker == asker
    )
    return connection.execute(query).rowcount == 1


def close_request(connection: Connection, statement_digest: bytes, asker: str) -> None:
    """Take a request away from all whom it lies before; there need be none."""
    query = delete(permission_addressees).where(
        _addressee.statement_digest == statement_digest, _addressee.asker == asker
    )
    connection.execute(query)


def drop_expired_requests(connection: Connection, now: datetime, limit: int) -> int:
    """Forget requests whose time is over. Returns how many."""
    query = select(_request.statement_digest, _request.asker).where(_request.end_time <= now).limit(limit)
    expired: Sequence[tuple[bytes, str]] = [(row[0], row[1]) for row in connection.execute(query)]
    for statement_digest, asker in expired:
        close_request(connection, statement_digest, asker)
        connection.execute(
            delete(permission_requests).where(_request.statement_digest == statement_digest, _request.asker == asker)
        )
    return len(expired)


def _behind(after: PageCursor) -> object:
    found = _PLACE.fullmatch(after.name)
    if found is None:
        raise ServiceError("PAGE_TOKEN_INVALID")
    place = (literal(after.time, Instant), literal(bytes.fromhex(found[1]), LargeBinary), literal(found[2], Text))
    return tuple_(*place)
