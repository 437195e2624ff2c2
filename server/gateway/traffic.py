"""What may go on to a recipient now, what is held, and what never goes on.

An author's notices for a recipient are held while any alarm blocks the two. What an alarm held goes on when it is
over, each mailbox's in its order; what refused keys and channels sent is put aside. A notice without an announcement
is taken to be of the key that its agent announced before.

Whether something is blocked is looked up again in the transaction that keeps a notice: it is held before the release,
and released by it, or not held at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import Enum, auto
from typing import Final, Protocol

from sqlalchemy import Connection

from contract.announcements.claim import Claim
from contract.announcements.history import Identity
from server.clock import Clock
from server.gateway.histories import Histories
from server.gateway.store import alarms as alarm_store
from server.gateway.store import histories as fact_store
from server.gateway.store import notices as store
from server.gateway.store.alarms import AlarmRow, GatewayAlarmState, RefusedRow
from server.gateway.store.notices import Mailbox, NoticeRow, NoticeState
from server.metrics import EventLog
from server.relay.mailboxes import Bells
from server.storage import Database
from wire.catalogue import ServiceError

_AT_A_TIME: Final = 100
_KEPT_FOR: Final = timedelta(days=367)  # longer than any envelope waits

After = Callable[[], None]
"""What is to be done once a transaction is committed."""


class About(Protocol):
    """What is about an alarm."""

    @property
    def alarm(self) -> str:
        """Its name."""
        ...

    @property
    def claim(self) -> Claim:
        """That two keys make."""
        ...


class Verdict(Enum):
    """What becomes of something that was posted."""

    PASS = auto()
    HOLD = auto()
    QUARANTINE = auto()


class Outcome(Enum):
    """What came of it."""

    PASSES = auto()
    """The block ended meanwhile."""
    KEPT = auto()
    FULL = auto()
    """There is no room."""


@dataclass(frozen=True, slots=True)
class Posted:
    """An envelope for a recipient, as far as it counts here.

    Args:
        mailbox: of the recipient.
        author: of the envelope.
        agent, certificate: of whoever posted it; empty: not known.
        key: fingerprint of the key that was announced with it, checked; empty: none was.
    """

    mailbox: Mailbox
    author: str
    agent: str
    certificate: bytes
    key: bytes


@dataclass(frozen=True, slots=True)
class TrafficTerms:
    """How much is kept.

    Args:
        held: notices that are held, or released and not acknowledged.
        held_per_mailbox: those of one mailbox.
        quarantined: notices that are kept as evidence.
    """

    held: int
    held_per_mailbox: int
    quarantined: int


@dataclass(slots=True)
class _Refused:
    """Whom the gateway refuses."""

    keys: set[bytes] = field(default_factory=set)
    channels: set[tuple[str, bytes]] = field(default_factory=set)


class Traffic:
    """Belongs to the event loop that it is used on; methods that take a connection run in the writer's thread.

    Args:
        database: of the gateway.
        histories: what the gateway has seen.
        terms: how much is kept.
        clock: the time.
        log: is told of what happens.
    """

    def __init__(
        self,
        database: Database,
        histories: Histories,
        terms: TrafficTerms,
        clock: Clock,
        log: EventLog,
    ) -> None:
        self._database = database
        self._histories = histories
        self._terms = terms
        self._clock = clock
        self._log = log
        self.bells = Bells()
        self._room = asyncio.Event()
        self._changed = asyncio.Event()
        self._refused = _Refused()
        self._blocks: dict[tuple[str, str], set[str]] = {}
        for alarm_id, user, destination in database.read_now(alarm_store.list_blocked):
            self._blocks.setdefault((user, destination), set()).add(alarm_id)
        self._refuse(database.read_now(alarm_store.list_refused))
        self._release_number = database.read_now(store.last_release)

    @property
    def room(self) -> asyncio.Event:
        """Is set when there may be room again. Take it before you look whether there is: then you miss none."""
        return self._room

    def verdict(self, posted: Posted) -> Verdict:
        """What is to become of something that was posted."""
        refused = self._refused
        known: Collection[bytes] = ()
        if not posted.key and refused.keys and posted.agent:
            known = self._histories.keys_of(posted.author, posted.mailbox.recipient, posted.agent)
        if _is_refused(posted, refused, known):
            return Verdict.QUARANTINE
        return Verdict.HOLD if (posted.author, posted.mailbox.recipient) in self._blocks else Verdict.PASS

    def refuses(self, *, key: bytes = b"", channel: tuple[str, bytes] = ("", b"")) -> bool:
        """Whether a key, or an agent with its certificate, is refused."""
        return key in self._refused.keys or channel in self._refused.channels

    async def withhold(
        self, posted: Posted, verdict: Verdict, envelope_id: str, position: int, notice: bytes
    ) -> Outcome:
        """Keep a notice that does not go on, durably.

        Args:
            posted: what it tells of.
            verdict: hold or quarantine.
            envelope_id: of the notice.
            position: of the notice.
            notice: WatchMailboxResponse.

        Raises:
            ServiceError: STORAGE_UNAVAILABLE.
        """
        now, mailbox = self._clock(), posted.mailbox
        state = NoticeState.HELD if verdict is Verdict.HOLD else NoticeState.QUARANTINED
        names = (mailbox.session_id, mailbox.recipient, envelope_id, position, posted.author)
        row = NoticeRow(*names, posted.agent, posted.certificate, posted.key, notice, state, 0, now, now)

        def unit(connection: Connection) -> Outcome:
            holds = state is NoticeState.HELD
            if holds and not alarm_store.is_blocked(connection, posted.author, mailbox.recipient):
                return Outcome.PASSES
            known = store.find_notice(connection, mailbox, envelope_id)
            if known is not None and known.state in {state, NoticeState.QUARANTINED}:
                return Outcome.KEPT
            if known is None and holds and self._is_full(connection, mailbox):
                return Outcome.FULL
            store.put_notice(connection, row)
            return Outcome.KEPT

        outcome = await self._database.write(unit)
        if outcome is not Outcome.PASSES:
            facts = {"envelope_id": envelope_id, "author": posted.author, "recipient": mailbox.recipient}
            event = "notices_full" if outcome is Outcome.FULL else f"notice_{state.value}"
            self._log.info(event, session_id=mailbox.session_id, agent=posted.agent, **facts)
        return outcome

    async def require_free(self, posted: Posted, envelope_id: str) -> None:
        """See that an envelope may be fetched.

        Raises:
            ServiceError: ENVELOPE_HELD, ENVELOPE_QUARANTINED, STORAGE_UNAVAILABLE.
        """
        mailbox = posted.mailbox
        known = await self._database.read(lambda each: store.find_notice(each, mailbox, envelope_id))
        verdict = self.verdict(posted)
        if verdict is Verdict.QUARANTINE or (known is not None and known.state is NoticeState.QUARANTINED):
            raise ServiceError("ENVELOPE_QUARANTINED", envelope_id=envelope_id)
        if verdict is Verdict.HOLD:
            raise ServiceError("ENVELOPE_HELD", envelope_id=envelope_id)

    async def released(self, mailbox: Mailbox, after_number: int, until_position: int) -> list[NoticeRow]:
        """Some of what was released in a mailbox after a number, up to a position, in its order; empty: no more.

        Raises:
            ServiceError: STORAGE_UNAVAILABLE.
        """
        return await self._database.read(
            lambda each: store.list_released(each, mailbox, after_number, until_position, _AT_A_TIME)
        )

    async def held_authors(self, mailbox: Mailbox) -> list[str]:
        """Of whom something is held in a mailbox.

        Raises:
            ServiceError: STORAGE_UNAVAILABLE.
        """
        return await self._database.read(lambda each: store.held_authors(each, mailbox))

    async def acknowledge(self, mailbox: Mailbox, envelope_ids: Collection[str]) -> None:
        """The recipient has these.

        Raises:
            ServiceError: STORAGE_UNAVAILABLE.
        """
        await self._database.write(lambda each: store.acknowledged(each, mailbox, envelope_ids))
        self._make_room()

    async def wait_for_block(self, user: str, destination: str, alarm_id: str, seconds: float) -> None:
        """Wait until the block that an alarm brings is here, but not for long; not for one that is over.

        Raises:
            ServiceError: STORAGE_UNAVAILABLE.
        """
        known = await self._database.read(lambda each: alarm_store.find_alarm(each, alarm_id))
        if known is not None and known.state is GatewayAlarmState.RELEASED:
            return
        try:
            async with asyncio.timeout(seconds):
                while alarm_id not in self._blocks.get((user, destination), ()):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            self._log.warning("block_awaited_in_vain", alarm_id=alarm_id)

    async def upkeep(self) -> None:
        """Forget what is no longer needed.

        Raises:
            ServiceError: STORAGE_UNAVAILABLE.
        """
        before = self._clock() - _KEPT_FOR

        def unit(connection: Connection) -> int:
            store.drop_released(connection, before)
            alarm_store.drop_alarms(connection, before)
            return store.trim_evidence(connection, self._terms.quarantined)

        dropped = await self._database.write(unit)
        self._make_room()
        if dropped:
            self._log.warning("evidence_dropped", count=dropped)

    def end(self) -> None:
        """Wake all who wait, for good."""
        self.bells.end()
        self._make_room()

    def block(self, connection: Connection, about: About, signed: bytes, *, delivers: bool) -> After:
        """Hold what the claim's user sends to its destination, unless the alarm is over."""
        known = alarm_store.find_alarm(connection, about.alarm)
        if known is not None and known.state is GatewayAlarmState.RELEASED:
            return lambda: None
        delivers = delivers or (known is not None and known.delivers)
        row = replace(known or self._told(about), state=GatewayAlarmState.BLOCKED, delivers=delivers, block=signed)
        alarm_store.put_alarm(connection, replace(row, update_time=self._clock()))

        def after() -> None:
            self._blocks.setdefault((row.user, row.destination), set()).add(row.alarm_id)
            self._changed.set()
            self._tell("traffic_blocked", row, delivers=delivers)

        return after

    def decide(self, connection: Connection, about: About, signed: bytes) -> None:
        """Keep what was decided about an alarm."""
        row = alarm_store.find_alarm(connection, about.alarm) or self._told(about)
        alarm_store.put_alarm(connection, replace(row, decision=signed, update_time=self._clock()))

    def refuse(
        self,
        connection: Connection,
        about: About,
        impostors: Collection[Identity],
        spared: Collection[bytes],
    ) -> After:
        """Refuse keys of impostors and their channels from now on, but not a channel that a genuine key is used on.

        Args:
            connection: the transaction.
            about: the alarm.
            impostors: who they are.
            spared: genuine keys.
        """
        claim, now = about.claim, self._clock()
        rows = [RefusedRow(each.key, "", b"", about.alarm, now) for each in impostors]
        for channel in {each.channel for each in impostors}:
            keys = fact_store.list_keys_of(connection, claim.user, claim.destination, channel.agent)
            if not keys & set(spared):
                rows.append(RefusedRow(b"", channel.agent, channel.certificate, about.alarm, now))
        alarm_store.refuse(connection, rows)
        return lambda: self._refuse(rows)

    def refuse_keys(self, connection: Connection, about: About, keys: Collection[bytes]) -> After:
        """Refuse keys from now on, on whatever channel."""
        now = self._clock()
        rows = [RefusedRow(key, "", b"", about.alarm, now) for key in keys]
        alarm_store.refuse(connection, rows)
        return lambda: self._refuse(rows)

    def unblock(self, connection: Connection, about: About, quarantine: Collection[bytes]) -> After:
        """End an alarm's block: put aside what is refused, and release the rest unless another alarm holds it."""
        now = self._clock()
        known = alarm_store.find_alarm(connection, about.alarm) or self._told(about)
        row = replace(known, state=GatewayAlarmState.RELEASED, update_time=now)
        alarm_store.put_alarm(connection, row)
        refuse = self.refuse_keys(connection, about, quarantine)
        refused = _Refused(self._refused.keys | set(quarantine), self._refused.channels)
        blocked = alarm_store.is_blocked(connection, row.user, row.destination)
        released, aside = list[NoticeRow](), list[NoticeRow]()
        for notice in store.list_held(connection, row.user, row.destination):
            keys = fact_store.list_keys_of(connection, row.user, row.destination, notice.agent)
            posted = Posted(notice.mailbox, notice.author, notice.agent, notice.certificate, notice.key)
            if _is_refused(posted, refused, keys):
                store.set_state(connection, notice, NoticeState.QUARANTINED, now)
                aside.append(notice)
            elif not blocked:
                self._release_number += 1
                store.set_state(connection, notice, NoticeState.RELEASED, now, self._release_number)
                released.append(notice)
        store.trim_evidence(connection, self._terms.quarantined)

        def after() -> None:
            self._unblock(row)
            refuse()
            for mailbox in {notice.mailbox for notice in (*released, *aside)}:
                self.bells.ring(mailbox.session_id, [mailbox.recipient])
            self._make_room()
            self._tell("traffic_released", row, released=len(released), quarantined=len(aside))

        return after

    def _make_room(self) -> None:
        """Wake all who wait for room now; nobody takes that back, for whoever comes later waits for the next time."""
        room, self._room = self._room, asyncio.Event()
        room.set()

    def _is_full(self, connection: Connection, mailbox: Mailbox) -> bool:
        terms = self._terms
        of_mailbox, of_all = store.count_waiting(connection, mailbox), store.count_waiting(connection)
        return of_mailbox >= terms.held_per_mailbox or of_all >= terms.held

    def _told(self, about: About) -> AlarmRow:
        claim = about.claim
        return AlarmRow(
            about.alarm,
            claim.user,
            claim.destination,
            GatewayAlarmState.TOLD,
            delivers=False,
            block=b"",
            decision=b"",
            update_time=self._clock(),
        )

    def _refuse(self, rows: Collection[RefusedRow]) -> None:
        self._refused.keys.update(row.key for row in rows if row.key)
        self._refused.channels.update((row.agent, row.certificate) for row in rows if row.agent)

    def _unblock(self, row: AlarmRow) -> None:
        pair = row.user, row.destination
        alarms = self._blocks.get(pair, set())
        alarms.discard(row.alarm_id)
        if not alarms:
            self._blocks.pop(pair, None)

    def _tell(self, event: str, row: AlarmRow, **facts: object) -> None:
        self._log.info(event, alarm_id=row.alarm_id, user=row.user, destination=row.destination, **facts)


def _is_refused(posted: Posted, refused: _Refused, keys_of_agent: Collection[bytes]) -> bool:
    """Whether a refused key or channel posted it; without an announcement, an agent that has used nothing else."""
    if (posted.agent, posted.certificate) in refused.channels:
        return True
    keys = {posted.key} if posted.key else set(keys_of_agent)
    return bool(keys) and keys <= refused.keys
