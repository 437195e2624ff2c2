"""What is done with envelopes when nobody calls: dropped when their time is over, swept at the start, looked over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from server.relay import store
from server.relay.content import ContentFolder, name_of
from server.relay.finished import FinishedContents
from server.relay.ledger import Ledger
from server.relay.store import Envelope, EnvelopeState
from server.relay.uploads import Uploads
from server.storage import Database

_AT_A_TIME: Final = 100


class Upkeep:
    """Keeps rows and files together.

    Args:
        database: rows.
        ledger: changes them.
        uploads: those under way.
        finished: contents of finished envelopes.
        folder: all files.
    """

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        uploads: Uploads,
        finished: FinishedContents,
        folder: ContentFolder,
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._uploads = uploads
        self._finished = finished
        self._folder = folder

    async def expire(self) -> int:
        """Drop envelopes and uploads whose time is over. Returns how many."""
        count = 0
        while expired := await self._database.write(self._ledger.expire):
            for envelope in expired:
                await self._uploads.end(envelope, None)
            await self._finished.remove(expired)
            count += len(expired)
        return count

    def sweep(self) -> int:
        """Delete files that no row needs, which a crash left, and count those of uploads. Before anybody calls.

        Returns:
            How many were deleted.
        """
        needed = set()
        for envelope in self._all_with_content():
            needed.add(name_of(envelope.envelope_id, envelope.check_key))
            if envelope.state is EnvelopeState.UPLOADING:
                self._uploads.restore(envelope)
        orphans = [name for name in self._folder.names() if name not in needed]
        for name in orphans:
            self._folder.remove(name)
        return len(orphans)

    def damaged(self) -> list[str]:
        """Read every finished envelope whole; returns the ids of those that are damaged. Takes long."""
        return [
            envelope.envelope_id
            for envelope in self._all_with_content()
            if envelope.state is EnvelopeState.FINISHED and not self._finished.is_sound(envelope)
        ]

    def _all_with_content(self) -> Iterator[Envelope]:
        page = self._page_with_content("")
        while page:
            yield from page
            page = self._page_with_content(page[-1].envelope_id)

    def _page_with_content(self, after: str) -> list[Envelope]:
        return self._database.read_now(lambda connection: store.list_with_content(connection, after, _AT_A_TIME))
