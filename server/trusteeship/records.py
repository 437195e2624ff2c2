"""Records of uses: listed for the administrators of the organisation, and for each user its own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from contract.log_entry import LogEntry
from server.identity import Login
from server.journal.log import LogReader
from server.storage import Database, Page, PageCursor
from server.storage.paging import cut_page, page_limit, take_fitting
from server.trusteeship.grants import require_administrator
from server.trusteeship.store.uses import RecordPlace, Wanted, list_recorded
from wire.catalogue import ServiceError

__all__ = ["Listed", "Records", "Wanted", "require_may_see"]

_PLACE: Final = re.compile(r"([a-z0-9-]{1,64})\.([0-9]{1,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Listed:
    """A record: where it stands, and its ``RecordedUse``, DER."""

    place: RecordPlace
    recorded_der: bytes


class Records:
    """Lists records.

    Args:
        database: which there are.
        log: has them.
    """

    def __init__(self, database: Database, log: LogReader) -> None:
        self._database = database
        self._log = log

    async def list(self, login: Login, wanted: Wanted, page_size: int, page_token: str) -> Page[Listed]:
        """A page of records, in the order of time, which is that of a key's numbers. Records that are large are fewer.

        Raises:
            ServiceError: NOT_AN_ADMINISTRATOR, FIELD_INVALID, PAGE_TOKEN_INVALID.
        """
        limit, after = page_limit(page_size), _place_of(PageCursor.from_token(page_token))

        def query(connection: Connection) -> tuple[list[Listed], int]:
            seen = require_may_see(connection, login, wanted)
            places = list_recorded(connection, seen, after, limit + 1)
            entries = self._log.entries(connection, [place.log_index for place in places])
            listed = (
                Listed(place, LogEntry.from_der(entry).body) for place, entry in zip(places, entries, strict=True)
            )
            return take_fitting(listed, limit, lambda each: len(each.recorded_der))

        found, fits = await self._database.read(query)
        return cut_page(found, fits, _cursor)


def require_may_see(connection: Connection, login: Login, wanted: Wanted) -> Wanted:
    """Which records a caller may see of those that it wants.

    Raises:
        ServiceError: NOT_AN_ADMINISTRATOR; FIELD_INVALID: another user's, of no organisation.
    """
    if wanted.organisation:
        require_administrator(connection, wanted.organisation, login.account)
        return wanted
    if wanted.user not in {"", login.account}:
        raise ServiceError("FIELD_INVALID", field="filter.user", problem="another user, and no organisation")
    return Wanted("", wanted.key_id, login.account, wanted.begin, wanted.end)


def _cursor(listed: Listed) -> PageCursor:
    return PageCursor(listed.place.time, f"{listed.place.key_id}.{listed.place.number}")


def _place_of(after: PageCursor | None) -> tuple[datetime, str, int] | None:
    if after is None:
        return None
    read = _PLACE.fullmatch(after.name)
    if read is None:
        raise ServiceError("PAGE_TOKEN_INVALID")
    return after.time, read[1], int(read[2])
