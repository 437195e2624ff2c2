"""What happens in mailboxes, for those who watch them. All methods are called on one event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class Bells:
    """One bell a mailbox: it rings when something comes. Kept only for mailboxes that somebody watches.

    A watcher clears its event before it looks into the mailbox, and then waits for it: what comes in between is not
    missed.
    """

    def __init__(self) -> None:
        self._events: dict[tuple[str, str], set[asyncio.Event]] = {}
        self.ended = False
        """Whether no watcher shall wait any more."""

    @contextmanager
    def watch(self, session_id: str, recipient: str) -> Iterator[asyncio.Event]:
        """An event that is set when the bell rings, and at ``end``."""
        event = asyncio.Event()
        if self.ended:
            event.set()
        mailbox = session_id, recipient
        events = self._events.setdefault(mailbox, set())
        events.add(event)
        try:
            yield event
        finally:
            events.discard(event)
            if not events and self._events.get(mailbox) is events:
                del self._events[mailbox]

    def ring(self, session_id: str, recipients: Iterable[str]) -> None:
        """Ring the bells of some mailboxes."""
        for recipient in recipients:
            for event in self._events.get((session_id, recipient), ()):
                event.set()

    def end(self) -> None:
        """Wake all who wait, for good."""
        self.ended = True
        for events in self._events.values():
            for event in events:
                event.set()
