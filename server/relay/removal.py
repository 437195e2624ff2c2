"""Files that nobody needs any more are deleted; what cannot be deleted now is told of, and tried again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

import structlog

from server.relay.content import ContentFolder, name_of
from server.relay.store import Envelope
from server.storage import Threads

_AT_A_TIME: Final = 100


class Removal:
    """Deletes files of contents. Belongs to the event loop that it was made on.

    Args:
        folder: the files.
        files: threads for them.
        log: is told once of each file that cannot be deleted.
    """

    def __init__(self, folder: ContentFolder, files: Threads, log: structlog.stdlib.BoundLogger) -> None:
        self._folder = folder
        self._files = files
        self._log = log
        self._left_over: dict[str, None] = {}  # in the order in which they are tried again

    async def remove(self, envelopes: Sequence[Envelope]) -> None:
        """Delete the contents of some envelopes, now or later."""
        names = [name_of(envelope.envelope_id, envelope.check_key) for envelope in envelopes]
        self._note(await self._files.run(self._delete, names))

    def remove_now(self, names: Sequence[str]) -> int:
        """Delete some files, now or later; returns how many are deleted. Blocks."""
        failures = self._delete(names)
        self._note(failures)
        return len(names) - len(failures)

    async def try_again(self) -> None:
        """Delete some of those that could not be deleted."""
        names = list(islice(self._left_over, _AT_A_TIME))
        failures = await self._files.run(self._delete, names)
        for name in names:
            del self._left_over[name]
        self._left_over.update(dict.fromkeys(failures))

    def _delete(self, names: Iterable[str]) -> dict[str, str]:
        """Delete files; returns the causes where that failed."""
        failures = {}
        for name in names:
            try:
                self._folder.remove(name)
            except OSError as error:
                failures[name] = error.strerror or "it failed"
        return failures

    def _note(self, failures: dict[str, str]) -> None:
        for name, cause in failures.items():
            self._log.error("content_not_deleted", file=name, cause=cause)
            self._left_over[name] = None
