"""The notices of one mailbox as its watcher gets them: what the media server tells, less what is held or put aside.

What is released while a stream is open goes out before whatever comes after it. What lies behind the position from
which a stream was begun, and was released later, goes out first of all; what lies before, the media server tells.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass

from fourseal.v1 import relay_service_pb2 as pb

from server.gateway.intake import Intake
from server.gateway.store.notices import Mailbox
from server.gateway.traffic import Outcome, Posted, Traffic, Verdict

Notices = AsyncIterator[pb.WatchMailboxResponse]


class Mailboxes:
    """Sorts notices.

    Args:
        traffic: what may go on.
        intake: looks at announcements.
    """

    def __init__(self, traffic: Traffic, intake: Intake) -> None:
        self._traffic = traffic
        self._intake = intake

    async def watch(
        self, mailbox: Mailbox, after: int, notices: Notices
    ) -> AsyncGenerator[pb.WatchMailboxResponse, None]:
        """What the watcher of a mailbox is told.

        Args:
            mailbox: which.
            after: the position from which on the watcher wants to know.
            notices: of the media server, from there on.

        Raises:
            ServiceError: STORAGE_UNAVAILABLE.
            AioRpcError: of ``notices``.
        """
        with self._traffic.bells.watch(mailbox.session_id, mailbox.recipient) as bell:
            stream = _Stream(self._traffic, self._intake, mailbox, after, bell)
            coming = asyncio.create_task(_next(notices))
            ringing = asyncio.create_task(bell.wait())
            bell.set()  # what was released before
            try:
                while not self._traffic.bells.ended:
                    await asyncio.wait((coming, ringing), return_when=asyncio.FIRST_COMPLETED)
                    async for released in stream.released():
                        yield released
                    if ringing.done():
                        ringing = asyncio.create_task(bell.wait())
                    if not coming.done():
                        continue
                    notice = coming.result()
                    if notice is None:
                        return
                    async for each in stream.take(notice):
                        yield each
                    coming = asyncio.create_task(_next(notices))
            finally:
                for task in (coming, ringing):
                    task.cancel()
                    with contextlib.suppress(asyncio.CancelledError, Exception):
                        await task


@dataclass(slots=True)
class _Stream:
    """One stream.

    Args:
        traffic, intake, mailbox: see ``Mailboxes``.
        position: of the last notice that was read, or from which on it began.
        bell: set when something was released.
        number: of the last release that went out.
        withheld: the media server has told of everything, and something is held.
    """

    traffic: Traffic
    intake: Intake
    mailbox: Mailbox
    position: int
    bell: asyncio.Event
    number: int = 0
    withheld: bool = False

    async def released(self) -> Notices:
        """What was released since, as far as the media server does not tell it anew."""
        if not self.bell.is_set():
            return
        self.bell.clear()
        while rows := await self.traffic.released(self.mailbox, self.number, self.position):
            for row in rows:
                self.number = row.release_number
                yield pb.WatchMailboxResponse.FromString(row.notice)
        if self.withheld and not await self.traffic.held_authors(self.mailbox):
            self.withheld = False
            yield pb.WatchMailboxResponse(all_told=True)

    async def take(self, notice: pb.WatchMailboxResponse) -> Notices:
        """What follows from a notice: first what was released, for it may be older."""
        if notice.all_told:
            self.withheld = True
            self.bell.set()
            async for released in self.released():
                yield released
            if self.withheld and (authors := await self.traffic.held_authors(self.mailbox)):
                yield pb.WatchMailboxResponse(held_authors=authors)
            return
        posted = await self.intake.received(self.mailbox, notice)
        while not self.traffic.bells.ended:
            verdict = self.traffic.verdict(posted)
            if verdict is not Verdict.PASS:
                if await self._keep(posted, verdict, notice):
                    return
                async for released in self.released():
                    yield released
                continue
            async for released in self.released():
                yield released
            if self.traffic.verdict(posted) is Verdict.PASS:  # it may have changed while that went out
                self.position = max(self.position, notice.position)
                yield notice
                return

    async def _keep(self, posted: Posted, verdict: Verdict, notice: pb.WatchMailboxResponse) -> bool:
        """Keep a notice, or wait until there is room for it; False: see again what is to become of it."""
        if not notice.position:
            return True  # it is told again when its upload is finished
        room, message = self.traffic.room, notice.SerializeToString()
        outcome = await self.traffic.withhold(posted, verdict, notice.envelope_id, notice.position, message)
        if outcome is Outcome.FULL:
            await room.wait()
        elif outcome is Outcome.KEPT:
            self.position = max(self.position, notice.position)
        return outcome is Outcome.KEPT


async def _next(notices: Notices) -> pb.WatchMailboxResponse | None:
    return await anext(notices, None)
