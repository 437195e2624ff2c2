"""Asking for permissions: somebody with an account asks those whom a message concerns to see its evidence.

Who asks learns nothing, not even whether there is such a message: the answer is the same, and so is all that it counts
for. Author and recipients each see what was asked, and grant (``permissions``) or refuse; nobody tells the asker of a
refusal but they themselves.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Final

from sqlalchemy import Connection

from contract.names import check_why
from server.clock import Clock
from server.evidence.store import requests
from server.evidence.store.requests import PermissionRequestRow
from server.identity import Login, Logins, check_callers
from server.journal import Intent, Request, Result, run_at_once
from server.storage import Database, Page, PageCursor
from server.storage.paging import cut_page, page_limit
from wire.catalogue import ServiceError

MAX_REQUESTS_PER_DAY: Final = 20
"""Of one account, within a day."""
LIFETIME: Final = timedelta(days=30)
"""For which a request lies before those whom it concerns, and is not made again."""
_DAY: Final = timedelta(days=1)
_AT_A_TIME: Final = 100


class Asking:
    """Takes, lists and refuses requests for permissions.

    Args:
        database: where they are.
        logins: says what a login has proved.
        clock: the time.
    """

    def __init__(self, database: Database, logins: Logins, clock: Clock) -> None:
        self._database = database
        self._logins = logins
        self._clock = clock

    async def ask(self, request: Request, login: Login, statement_digest: bytes, why: str) -> None:
        """Ask to see a message's evidence. Asked again within the lifetime it changes nothing.

        Raises:
            MalformedInput: WHY_MALFORMED.
            ServiceError: LOGIN_REQUIRED, PROOF_REQUIRED, REQUEST_ID_REUSED, TOO_MANY_PERMISSION_REQUESTS.
        """
        check_why(why)

        def change(connection: Connection) -> Result:
            self._logins.require_proven(connection, login)
            now = self._clock()
            known = requests.find_request(connection, statement_digest, login.account)
            if known is None:
                _require_room(connection, login.account, now)
                row = PermissionRequestRow(statement_digest, login.account, why, now, now + LIFETIME)
                requests.add_request(connection, row)
            return Result()

        intent = Intent(request, "-", digest=statement_digest)
        await run_at_once(self._database, check_callers, self._clock, intent, change)

    async def list(self, login: Login, page_size: int, page_token: str) -> Page[PermissionRequestRow]:
        """A page of the requests that lie before the caller, oldest first.

        Raises:
            ServiceError: PROOF_REQUIRED, FIELD_INVALID, PAGE_TOKEN_INVALID.
        """
        if not self._logins.is_proven(login):
            raise ServiceError("PROOF_REQUIRED")
        limit, after = page_limit(page_size), PageCursor.from_token(page_token)
        query = partial(requests.list_requests, name=login.account, now=self._clock(), after=after, limit=limit + 1)
        return cut_page(await self._database.read(query), limit, lambda row: row.place)

    async def refuse(self, request: Request, login: Login, statement_digest: bytes, asker: str) -> None:
        """Take a request away from before the caller; it stays before others whom the message concerns.

        Raises:
            ServiceError: LOGIN_REQUIRED, PROOF_REQUIRED, REQUEST_ID_REUSED; PERMISSION_REQUEST_NOT_FOUND: it does not
                lie before the caller.
        """

        def change(connection: Connection) -> Result:
            self._logins.require_proven(connection, login)
            if not requests.take_request(connection, login.account, statement_digest, asker):
                raise ServiceError("PERMISSION_REQUEST_NOT_FOUND")
            return Result()

        intent = Intent(request, "-", digest=statement_digest)
        await run_at_once(self._database, check_callers, self._clock, intent, change)

    async def expire(self) -> int:
        """Forget requests whose time is over. Returns how many."""
        count = 0
        while True:
            drop = partial(requests.drop_expired_requests, now=self._clock(), limit=_AT_A_TIME)
            dropped = await self._database.write(drop)
            count += dropped
            if dropped < _AT_A_TIME:
                return count


def _require_room(connection: Connection, asker: str, now: datetime) -> None:
    times = requests.list_ask_times(connection, asker, MAX_REQUESTS_PER_DAY)
    if len(times) == MAX_REQUESTS_PER_DAY and now < times[-1] + _DAY:
        seconds = -(-(times[-1] + _DAY - now) // timedelta(seconds=1))
        raise ServiceError("TOO_MANY_PERMISSION_REQUESTS", limit=MAX_REQUESTS_PER_DAY, retry_seconds=seconds)
