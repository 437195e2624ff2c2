"""What is deleted by and by: contents and requests whose time is over. Records and the log never are."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from sqlalchemy import Connection

from mpc.errors import FoursealError
from server.clock import Clock
from server.evidence.asking import Asking
from server.evidence.contents import Contents
from server.evidence.store import contents, records
from server.evidence.store.records import RecordRow
from server.evidence.terms import EvidenceTerms
from server.journal import Caller, Intent, Request, Result, is_done, run_at_once
from server.storage import Database

METHOD: Final = "DeleteContent"
_HOUSEKEEPING: Final = Caller("-", b"")
_AT_A_TIME: Final = 100


class EvidenceUpkeep:
    """Keeps house.

    Args:
        database: rows.
        contents: files.
        asking: requests for permissions.
        terms: how long a content is kept.
        clock: the time.
    """

    def __init__(
        self, database: Database, contents: Contents, asking: Asking, terms: EvidenceTerms, clock: Clock
    ) -> None:
        self._database = database
        self._contents = contents
        self._asking = asking
        self._terms = terms
        self._clock = clock

    async def run(self) -> int:
        """Delete uploads, requests and contents whose time is over. Returns how many.

        The deletion of a record's content is an operation of the journal, and so in the log. A crash between row and
        file leaves a file that nobody needs; ``fourseal-server fsck`` names it.
        """
        count = await self._contents.expire() + await self._asking.expire()
        if self._terms.retention is None:
            return count
        before = self._clock() - self._terms.retention
        while rows := await self._database.read(partial(records.list_outdated, before=before, limit=_AT_A_TIME)):
            for row in rows:
                await self._drop(row)
            count += len(rows)
        return count

    async def _drop(self, row: RecordRow) -> None:
        def change(connection: Connection) -> Result:
            if records.mark_dropped(connection, row.statement_digest):
                contents.add_bytes(connection, row.author, -row.content_length)
            return Result()

        request = Request(_HOUSEKEEPING, _request_id(row), METHOD, b"")
        intent = Intent(request, row.session_id, digest=row.content_digest)
        await run_at_once(self._database, _admit_ourselves, self._clock, intent, change)
        await self._contents.remove_unneeded(row.content_digest)


def was_dropped(connection: Connection, row: RecordRow) -> bool:
    """Whether the journal has the operation that deleted a record's content."""
    return is_done(connection, _HOUSEKEEPING.agent_id, _request_id(row))


def _request_id(row: RecordRow) -> str:
    return f"content.{row.statement_digest.hex()}"


def _admit_ourselves(_connection: Connection, callers: Sequence[Caller]) -> list[FoursealError | None]:
    return [None] * len(callers)
