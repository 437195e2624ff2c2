"""The line from a gateway to the guard: reports go up, orders come down. A gateway works on without a guard.

What could not be told is told when the guard is back, as long as it is new enough to be taken.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

import grpc
from cryptography import x509
from fourseal.v1 import guard_service_pb2 as pb
from fourseal.v1.guard_service_pb2_grpc import GuardServiceStub

from contract.announcements.announcement import MAX_DELAY
from contract.guard_certificate import GuardCertificate, read_guard_certificate
from contract.log_certificate import read_log_certificate
from contract.oids import Arc
from mpc.errors import FoursealError
from server.clock import Clock
from server.gateway.store.reports import Reported, forget_reports, list_reports, put_reports, trim_reports
from server.metrics import EventLog
from server.storage import Database
from transparency.keys import VerifierKey
from wire import tls
from wire.limits import channel_options
from wire.status import error_from_rpc
from wire.streams import STREAM_SECONDS, under_way

if TYPE_CHECKING:  # these exist for the type checker only
    from fourseal.v1.guard_service_pb2_grpc import GuardServiceAsyncStub

_CALL_SECONDS: Final = 10.0
_REPORT_SECONDS: Final = 2.0  # an envelope waits for it
_AT_A_TIME: Final = 100
_MOST_WAITING: Final = 10_000
_MOST_WAITING_OF_AGENT: Final = 1_000
_ROUND_SECONDS: Final = 1.0
_FIRST_PAUSE_SECONDS: Final = 0.1
_LONGEST_PAUSE_SECONDS: Final = 5.0
_OPTIONS: Final = [
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.use_local_subchannel_pool", 1),
]

Take = Callable[[bytes], Awaitable[None]]
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class ReportResult:
    """What the guard makes of it: see ``AnnouncementResult`` in the proto."""

    reason: str
    alarm_id: str


@dataclass(frozen=True, slots=True)
class Guard:
    """The guard as it has shown itself.

    Args:
        name: of it.
        certificates: of its keys.
        log_key: of the transparency log.
    """

    name: str
    certificates: tuple[GuardCertificate, ...]
    log_key: VerifierKey


class GuardLine:
    """Calls the guard. Belongs to the event loop that it is used on.

    Args:
        address: "host:port" of the server with the guard; empty: there is none.
        authority: whom to believe.
        authority_pem: the same, PEM.
        arc: the installation's arc.
        current: the gateway's private key and certificate now, PEM.
        database: keeps what the guard is told later.
        clock: the time.
        log: is told of what happens.
    """

    def __init__(
        self,
        address: str,
        authority: x509.Certificate,
        authority_pem: bytes,
        arc: Arc,
        current: Callable[[], tuple[bytes, bytes]],
        database: Database,
        clock: Clock,
        log: EventLog,
    ) -> None:
        self._address = address
        self._authority = authority
        self._authority_pem = authority_pem
        self._arc = arc
        self._current = current
        self._database = database
        self._clock = clock
        self._log = log
        self._guard: Guard | None = None
        self._waits = True
        self._channel: grpc.aio.Channel | None = None
        self._is_there = False

    @property
    def log_key(self) -> VerifierKey | None:
        """Of the transparency log, by which key changes are checked; None: the guard has not said yet."""
        return None if self._guard is None else self._guard.log_key

    @property
    def is_there(self) -> bool:
        """Whether the guard has answered when it was called last."""
        return self._is_there

    @property
    def guard(self) -> Guard | None:
        """The guard, as long as it is there; None: it is not."""
        return self._guard if self._is_there else None

    async def report(self, reported: Sequence[Reported]) -> list[ReportResult]:
        """Tell of announcements, at most 100. Empty: the guard is not there, and is told later.

        Raises:
            ServiceError: STORAGE_UNAVAILABLE.
        """
        if not self._address or not reported:
            return []
        if self._is_there:
            try:
                return await self._report(reported)
            except FoursealError as error:
                self._log.warning("report_failed", cause=str(error))
                self._is_there = False
        if not await self._database.write(lambda each: put_reports(each, reported, _MOST_WAITING_OF_AGENT)):
            return [ReportResult("TOO_MANY_ANNOUNCEMENTS", "") for _ in reported]
        self._waits = True
        return []

    async def keep_telling(self) -> None:
        """Tell, each second, what could not be told before, of this process or another. Until it is cancelled."""
        while self._address:
            await asyncio.sleep(_ROUND_SECONDS)
            if self._waits:
                with contextlib.suppress(FoursealError):  # the next round tries again
                    await self._tell_later()

    async def _tell_later(self) -> None:
        since = self._clock() - MAX_DELAY
        if dropped := await self._database.write(lambda each: trim_reports(each, since, _MOST_WAITING)):
            self._log.warning("reports_dropped", count=dropped)
        self._waits = False  # what comes from here on says so itself
        try:
            if some := await self._database.read(lambda each: list_reports(each, _AT_A_TIME)):
                self._waits = True
                await self._report(list(some.values()))
                self._is_there = True
                await self._database.write(lambda each: forget_reports(each, list(some)))
        except FoursealError:
            self._waits = True
            raise

    async def keep_watching(self, take: Take) -> None:
        """Have orders dealt with, until it is cancelled; after a break again, after a pause that grows.

        Args:
            take: deals with one; DER of SignedControl. What it raises breaks the stream.
        """
        pause = _FIRST_PAUSE_SECONDS
        while self._address:
            try:
                await self.refresh()
                async for message in self._messages():
                    pause = _FIRST_PAUSE_SECONDS
                    if message:
                        await take(message)
            except FoursealError as error:
                if self._is_there:
                    self._log.warning("guard_lost", cause=str(error))
                self._is_there = False
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    async def guard_that_signs(self, certificate: bytes) -> tuple[Guard, GuardCertificate] | None:
        """The guard, and its certificate with that fingerprint; it is asked, if it has not shown that yet.

        Raises:
            RemoteError: the guard cannot be asked.
            FoursealError: what it shows does not hold.
        """
        guards = [] if self._guard is None else [self._guard]
        for guard in (*guards, None):
            shown = guard or await self.refresh()
            for each in shown.certificates:
                if each.issuer.certificate == certificate:
                    return shown, each
        return None

    async def refresh(self) -> Guard:
        """Ask the guard who it is. Raises as ``guard_that_signs``."""
        answer = await self._call(self._stub().GetGuard, pb.GetGuardRequest())
        now = self._clock()
        guard = Guard(
            answer.name,
            tuple(read_guard_certificate(each, self._authority, self._arc, now) for each in answer.certificates_der),
            read_log_certificate(answer.log_certificate_der, self._authority, self._arc, now),
        )
        if not self._is_there:
            self._log.info("guard_there", guard=guard.name)
        self._guard, self._is_there = guard, True
        return guard

    async def acknowledge(self, number: int, delivered: Sequence[str] = ()) -> None:
        """Say that a control message was done. Raises RemoteError."""
        request = pb.AcknowledgeControlRequest(numbers=[number], delivered_alarm_ids=delivered)
        await self._call(self._stub().AcknowledgeControl, request)

    async def report_held(self, held: Iterable[tuple[str, int]]) -> None:
        """Tell how many notices are held by each of at most 100 alarms. Raises RemoteError."""
        told = [pb.HeldTraffic(alarm_id=alarm_id, notices=notices) for alarm_id, notices in held]
        await self._call(self._stub().ReportHeldTraffic, pb.ReportHeldTrafficRequest(held=told))

    async def send(self, control_der: bytes) -> None:
        """Bring a control message. Raises RemoteError."""
        await self._call(self._stub().SendControl, pb.SendControlRequest(control_der=control_der))

    async def close(self) -> None:
        """Close the line; it is opened anew when it is used, with the gateway's certificate as it is then."""
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.close()

    async def _messages(self) -> AsyncIterator[bytes]:
        call = self._stub().WatchControl(pb.WatchControlRequest(), timeout=STREAM_SECONDS)
        async with under_way(call) as answers:
            async for answer in answers:
                yield answer.control_der

    async def _report(self, reported: Sequence[Reported]) -> list[ReportResult]:
        told = [pb.ReportedAnnouncement(announcement_der=each.announcement, agent=each.agent) for each in reported]
        request = pb.ReportAnnouncementsRequest(announcements=told)
        answer = await self._call(self._stub().ReportAnnouncements, request, _REPORT_SECONDS)
        return [ReportResult(each.reason, each.alarm_id) for each in answer.results]

    async def _call(
        self, method: Callable[..., Awaitable[_Answer]], request: object, seconds: float = _CALL_SECONDS
    ) -> _Answer:
        try:
            return await method(request, timeout=seconds)
        except grpc.aio.AioRpcError as error:
            raise error_from_rpc(error) from None

    def _stub(self) -> GuardServiceAsyncStub:
        if self._channel is None:
            credentials = tls.channel_credentials(self._authority_pem, *self._current())
            self._channel = grpc.aio.secure_channel(self._address, credentials, [*channel_options(), *_OPTIONS])
        stub: GuardServiceAsyncStub = GuardServiceStub(self._channel)
        return stub
