"""What is done with envelopes when nobody calls: dropped when their time is over, swept at the start."""

from __future__ import annotations

from server.relay.content import ContentFolder, name_of
from server.relay.inspection import all_with_content
from server.relay.ledger import Ledger
from server.relay.removal import Removal
from server.relay.store import EnvelopeState
from server.relay.uploads import Uploads
from server.storage import Database


class Upkeep:
    """Keeps rows and files together.

    Args:
        database: rows.
        ledger: changes them.
        uploads: those under way.
        removal: deletes files.
        folder: all files.
    """

    def __init__(
        self, database: Database, ledger: Ledger, uploads: Uploads, removal: Removal, folder: ContentFolder
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._uploads = uploads
        self._removal = removal
        self._folder = folder

    async def expire(self) -> int:
        """Drop envelopes and uploads whose time is over, and returns how many; then their authors' numbers."""
        await self._removal.try_again()
        count = 0
        while expired := await self._database.write(self._ledger.expire):
            for envelope in expired:
                self._uploads.end(envelope, None)
            await self._removal.remove(expired)
            count += len(expired)
        while await self._database.write(self._ledger.forget_authors):
            pass
        return count

    def sweep(self) -> int:
        """Delete files that no row needs, which a crash left, and count those of uploads. Before anybody calls.

        Returns:
            How many were deleted.
        """
        needed = set()
        for envelope in all_with_content(self._database):
            needed.add(name_of(envelope.envelope_id, envelope.check_key))
            if envelope.state is EnvelopeState.UPLOADING:
                self._uploads.restore(envelope)
        return self._removal.remove_now([name for name in self._folder.names() if name not in needed])
