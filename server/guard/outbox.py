"""What gateways are told: orders are signed, come into the log, and are sent, in the order of their numbers.

An order that was given is signed at once by the process that gave it, and within a second by any other, whoever died
in between. Of what is told to several gateways the first message stands in the log, in the commit that makes it ready
to be sent. What was not acknowledged gets a new number and is signed anew: when a gateway comes back, for it takes no
number that is not higher than the last, and before the message becomes too old.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import takewhile
from typing import Final

from sqlalchemy import Connection

from contract.announcements.claim import Claim
from contract.announcements.contents import Decision
from contract.announcements.control import ControlMessage, Issuer, SignedControl, content_from_der
from contract.log_entry import EntryKind
from contract.signer_keys import SignerPrivateKey
from mpc.errors import FoursealError
from server.clock import Clock
from server.errors import OperatorError
from server.guard.account_alarms import settle
from server.guard.keys import GuardKeys
from server.guard.steps import join
from server.guard.store import alarms as alarm_store
from server.guard.store import orders as store
from server.guard.store.alarms import RecordRow
from server.guard.store.orders import OrderRow
from server.guard.terms import GuardLog, GuardTerms, Turn
from server.guard.upkeep import GuardUpkeep
from server.identity import Gateway, gateways_shut_out
from server.journal.log import stage
from server.storage import Database

_ROUND_SECONDS: Final = 1.0
_AT_A_TIME: Final = 100
_SIGN_ANEW: Final = timedelta(minutes=2)
"""After which a message that was not acknowledged is signed anew: it is taken for three minutes."""


@dataclass(frozen=True, slots=True)
class _Work:
    """What is to be signed."""

    orders: list[OrderRow]
    claims: dict[str, Claim]
    signer: tuple[Issuer, SignerPrivateKey] | None


@dataclass(slots=True)
class _Stream:
    """A gateway that watches here.

    Args:
        rung: something came, or it is over.
        sent: number of the last message.
        ended: nobody reads it any more.
    """

    rung: asyncio.Event = field(default_factory=asyncio.Event)
    sent: int = 0
    ended: bool = False

    def end(self) -> None:
        """Let it end."""
        self.ended = True
        self.rung.set()


class Outbox:
    """Signs and sends. Belongs to the event loop that it is used on.

    Args:
        database: where orders are.
        keys: of the guard.
        upkeep: does what is due, in the same rounds.
        terms: of the guard.
        clock: the time.
        log: is told of what happens.
    """

    def __init__(
        self,
        database: Database,
        keys: GuardKeys,
        upkeep: GuardUpkeep,
        terms: GuardTerms,
        clock: Clock,
        log: GuardLog,
    ) -> None:
        self._database = database
        self._keys = keys
        self._upkeep = upkeep
        self._terms = terms
        self._clock = clock
        self._log = log
        self._wanted = asyncio.Event()
        self._working = asyncio.Lock()
        self._streams: dict[str, _Stream] = {}
        self._ended = False

    def wake(self) -> None:
        """Have it looked at once what is to be signed."""
        self._wanted.set()

    async def keep_working(self) -> None:
        """Work whenever it is wanted, and each second. Until it is cancelled."""
        while True:
            self._wanted.clear()
            try:
                await self.work()
            except (FoursealError, OperatorError) as error:  # the next round tries again
                self._log.failed(error)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_ROUND_SECONDS):
                    await self._wanted.wait()

    async def work(self) -> None:
        """Do what is due, sign what has to be, and ring for whoever watches here.

        Raises:
            ServiceError: STORAGE_UNAVAILABLE, CUSTODY_UNAVAILABLE, NAMED_KEY_DAMAGED.
            OperatorError: custody is elsewhere than the configuration says.
        """
        async with self._working:
            await self._end_shut_out()
            await self._upkeep.pass_time()
            await self._sign_stale()
            while await self._sign_some() == _AT_A_TIME:
                pass
            await self._ring()

    async def watch(self, gateway: Gateway) -> AsyncGenerator[bytes | None, None]:
        """Control messages for a gateway, DER; once None, when all was told; until another stream of its begins.

        Raises:
            ServiceError: GATEWAY_SHUT_OUT, STORAGE_UNAVAILABLE, CUSTODY_UNAVAILABLE, CUSTODY_FULL.
        """
        await self._keys.ensure()

        def unit(connection: Connection) -> None:
            join(Turn(connection, self._terms, self._clock()), gateway.name)
            store.renumber(connection, gateway.name)

        await self._database.write(unit)
        stream = _Stream(ended=self._ended)
        if (earlier := self._streams.get(gateway.name)) is not None:
            earlier.end()
        self._streams[gateway.name] = stream
        self._count_streams()
        self._log.info("gateway_watches", gateway=gateway.name)
        self.wake()
        try:
            async for message in self._messages(gateway.name, stream):
                yield message
        finally:
            if self._streams.get(gateway.name) is stream:
                del self._streams[gateway.name]
                self._count_streams()
                self._log.info("gateway_left", gateway=gateway.name)

    def end(self) -> None:
        """End all streams, for good."""
        self._ended = True
        for stream in self._streams.values():
            stream.end()

    def _count_streams(self) -> None:
        self._log.connected.set(len(self._streams))

    async def _messages(self, gateway: str, stream: _Stream) -> AsyncGenerator[bytes | None, None]:
        all_told = False
        while not stream.ended:
            stream.rung.clear()
            query = partial(store.list_waiting, gateway=gateway, after=stream.sent, limit=_AT_A_TIME)
            waiting = await self._database.read(query)
            ready = list(takewhile(lambda order: order.sign_time is not None, waiting))
            for order in ready:
                stream.sent = order.number
                yield order.message
            if ready or stream.ended:
                continue
            if not waiting and not all_told:
                all_told = True
                yield None
            await stream.rung.wait()

    async def _end_shut_out(self) -> None:
        if not self._streams:
            return
        for name in self._streams.keys() & await self._database.read(gateways_shut_out):
            self._log.info("gateway_shut_out", gateway=name)
            self._streams[name].end()

    async def _sign_stale(self) -> None:
        before = self._clock() - _SIGN_ANEW
        stale = partial(store.list_stale, names=list(self._streams), signed_before=before)
        if not self._streams or not (names := await self._database.read(stale)):
            return

        def unit(connection: Connection) -> None:
            for name in names:
                store.renumber(connection, name)

        await self._database.write(unit)

    async def _sign_some(self) -> int:
        work = await self._database.read(self._find_work)
        if work.signer is None or not work.orders:
            return 0
        messages = await asyncio.to_thread(self._sign, work)
        await self._database.write(partial(self._keep, orders=work.orders, messages=messages))
        return len(work.orders)

    def _find_work(self, connection: Connection) -> _Work:
        orders = store.list_unsigned(connection, _AT_A_TIME)
        if not orders:
            return _Work([], {}, None)
        found = (alarm_store.find_alarm(connection, name) for name in {order.alarm_id for order in orders})
        claims = {row.alarm.alarm_id: row.alarm.claim for row in found if row is not None}
        return _Work(orders, claims, self._keys.signer(connection))

    def _sign(self, work: _Work) -> list[bytes]:
        assert work.signer is not None  # noqa: S101  # else nothing is signed
        issuer, key = work.signer
        now = self._clock().replace(microsecond=0)
        return [
            SignedControl.sign(
                ControlMessage(
                    issuer=issuer,
                    recipient=order.gateway,
                    alarm=order.alarm_id,
                    claim=work.claims[order.alarm_id],
                    number=order.number,
                    time=now,
                    content=content_from_der(order.kind, order.content),
                ),
                key,
            ).to_der()
            for order in work.orders
        ]

    def _keep(self, connection: Connection, orders: Sequence[OrderRow], messages: Sequence[bytes]) -> None:
        now = self._clock()
        for order, message in zip(orders, messages, strict=True):
            if store.put_signed(connection, order, message, now) and not self._is_recorded(connection, order):
                entry = stage(connection, EntryKind.GUARD, message, now)
                record = RecordRow(entry.index, order.alarm_id, self._terms.name, order.kind, message, now)
                alarm_store.add_record(connection, record)
                self._settle(connection, message, now)

    def _settle(self, connection: Connection, der: bytes, now: datetime) -> None:
        """What a decision says of keys ends other alarms about them. Here, for whoever decides may have no log."""
        message = SignedControl.from_der(der).message
        if isinstance(message.content, Decision):
            settle(connection, message.claim.user, message.content.judgement, self._terms.name, now)

    def _is_recorded(self, connection: Connection, order: OrderRow) -> bool:
        return any(
            SignedControl.from_der(record.message).message.content.to_der() == order.content
            for record in alarm_store.list_records(connection, order.alarm_id)
            if (record.issuer, record.kind) == (self._terms.name, order.kind)
        )

    async def _ring(self) -> None:
        if not self._streams:
            return
        newest = await self._database.read(partial(store.newest_signed, names=list(self._streams)))
        for name, number in newest.items():
            stream = self._streams.get(name)
            if stream is not None and number > stream.sent:
                stream.rung.set()
