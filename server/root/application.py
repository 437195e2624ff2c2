"""The server, put together and running.

One process, or one of several on the same ports (``server.cli.supervisor``). What may be done once for all of them is
done by who has the lock for it; all else that they know of each other stands in the database.

Start: storage, custody, authority and certificate; rules; the two listeners, and by option one for whoever asks about
certificates; one round of health checks; then the file ``serving.json`` and the log line "serving" say that it serves,
and where.

Stop: health says NOT_SERVING; new calls are refused with SHUTTING_DOWN; calls and operations in flight finish; when no
more calls come, listeners, threads and database are closed. What is not finished after the grace is left as a crash
would leave it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import structlog
from sqlalchemy import Connection

from contract.oids import Arc
from mpc.engines import Engine
from mpc.errors import FoursealError
from server.clock import Clock, system_clock
from server.config import Settings
from server.errors import OperatorError
from server.identity import (
    Authority,
    CurrentCertificate,
    ServerCertificate,
    StatusPlaces,
    drop_expired_tickets,
    ensure_server_certificate,
)
from server.journal import probe
from server.metrics import Metrics, MetricsListener
from server.root.calls import BoundedInFlight
from server.root.engines import choose_engine
from server.root.ground import Ground, open_ground
from server.root.health import Health
from server.root.home import Home, Serving
from server.root.listeners import AGENT_SERVICES, ENROLMENT_SERVICES, RELAY_SERVICES, Listeners
from server.root.metrics import open_metrics
from server.root.rules import Rules, compose_rules
from server.root.status import Status, open_status
from server.storage.file_lock import FileLock
from wire.catalogue import ServiceError

_HOUSEKEEPING_SECONDS: Final = 60.0
_FORGET_SECONDS: Final = 1.0
_STOP_SECONDS: Final = 1.0


class Server:
    """A server that serves. From ``start_server``."""

    def __init__(
        self,
        home: Home,
        settings: Settings,
        log: structlog.stdlib.BoundLogger,
        ground: Ground,
        rules: Rules,
        health: Health,
        listeners: Listeners,
        in_flight: BoundedInFlight,
        certificate: CurrentCertificate,
        upkeep: FileLock,
        status: Status | None,
        metrics: MetricsListener | None,
        *,
        alone: bool,
    ) -> None:
        """Take the parts; ``start_server`` puts them together."""
        self._home = home
        self._settings = settings
        self._log = log
        self._ground = ground
        self._rules = rules
        self._health = health
        self._listeners = listeners
        self._in_flight = in_flight
        self._certificate = certificate
        self._upkeep = upkeep
        self._status = status
        self._metrics = metrics
        self._alone = alone
        self._tasks: list[asyncio.Task[None]] = []
        host, ports = settings.public_host, listeners.ports
        at = "" if status is None else status.address
        metrics_at = "" if metrics is None else metrics.address
        self.serving = Serving(os.getpid(), f"{host}:{ports.agents}", f"{host}:{ports.enrolment}", at, metrics_at)

    async def start(self) -> None:
        """Begin to serve."""
        await self._keep_house_once()
        if self._alone:
            await self._rules.transactions.execution.end_leases()
        await self._listeners.start()
        if self._status is not None:
            self._status.listener.start()
        if self._metrics is not None:
            await self._metrics.start()
        await self._health.check_once()
        self._tasks = [
            asyncio.create_task(self._health.keep_checking()),
            asyncio.create_task(self._keep_house()),
            asyncio.create_task(self._rules.transactions.execution.keep_resuming()),
            asyncio.create_task(self._rules.guard.outbox.keep_working()),
        ]
        if self._alone:
            self.serving.write(self._home.serving)
        else:
            self._tasks.append(asyncio.create_task(self._forget_erased()))
        self._log.info(
            "serving",
            process_id=self.serving.process_id,
            server=self.serving.server,
            enrolment_server=self.serving.enrolment_server,
            status_server=self.serving.status_server,
            metrics_server=self.serving.metrics_server,
            healthy=self._health.serving,
        )

    async def stop(self) -> None:
        """Finish what is in flight, within the grace, and close everything."""
        self._log.info("stopping")
        if self._alone:
            self._home.serving.unlink(missing_ok=True)
        self._in_flight.refusing = True
        await self._health.shut_down()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._rules.relay is not None:
            await self._rules.relay.relay.end_streams()
        self._rules.evidence.contents.senders.end()
        self._rules.guard.outbox.end()
        try:
            async with asyncio.timeout(self._settings.shutdown_grace_seconds):
                await self._rules.wait_idle()
                await self._in_flight.wait_quiet()
        except TimeoutError:
            self._log.warning("stopped_with_work_left")
        await self._listeners.stop(_STOP_SECONDS)
        if self._status is not None:
            await self._status.listener.stop()
        if self._metrics is not None:
            self._metrics.stop()
        self._rules.close()
        self._ground.close()
        self._upkeep.close()
        self._log.info("stopped")

    async def _keep_house(self) -> None:
        while True:
            await asyncio.sleep(_HOUSEKEEPING_SECONDS)
            await self._keep_house_once()
            if self._upkeep.take():
                await self._stamp_once()

    async def _forget_erased(self) -> None:
        """What another process erases is gone here within a second."""
        while True:
            await asyncio.sleep(_FORGET_SECONDS)
            with contextlib.suppress(ServiceError):  # health tells of it, and the next round tries again
                await self._ground.custody.shares.forget_erased()

    async def _stamp_once(self) -> None:
        """Not at the start: an authority that is down would hold it up."""
        try:
            await self._rules.evidence.stamping.run()
        except FoursealError as error:  # the next round tries again
            self._log.error("housekeeping_failed", cause=str(error))

    async def _keep_house_once(self) -> None:
        """Renew what is this process's own; close sessions whose time is over, drop what was left or has ended.

        What fails is tried again in the next round, and keeps nothing else from being done: while a token with the
        authority's key is away, sessions still end.
        """
        self._rules.guard.log.tell_counts()
        steps: list[Callable[[], Awaitable[object]]] = [self._renew_own, self._renew_list, self._renew_status]
        if self._upkeep.take():  # of all processes one does the rest
            steps += self._for_all()
        for step in steps:
            try:
                await step()
            except (FoursealError, OperatorError) as error:
                self._log.error("housekeeping_failed", cause=str(error))

    async def _renew_own(self) -> None:
        if self._certificate.is_due(self._ground.clock()):
            self._certificate.replace(await self._ground.database.write(self._renew_certificate))
            self._log.info("certificate_renewed")

    async def _renew_list(self) -> None:
        await self._rules.accounts.lists.current()

    async def _renew_status(self) -> None:
        if self._status is not None:
            await self._status.keep_house()

    def _for_all(self) -> list[Callable[[], Awaitable[object]]]:
        rules, database, now = self._rules, self._ground.database, self._ground.clock()
        steps: list[Callable[[], Awaitable[object]]] = [
            self._expire_generations,
            self._close_sessions,
            rules.pins.spend_overdrawn,
            rules.evidence.upkeep.run,
            rules.trusteeship.upkeep.run,
            self._renew_back_end_key,
            rules.transactions.upkeep.expire,
            self._renew_guard_key,
            rules.guard.upkeep.run,
            partial(asyncio.to_thread, self._ground.custody.shares.holder.sweep),
            partial(database.write, lambda connection: drop_expired_tickets(connection, now)),
            partial(database.write, rules.accounts.keep_house),
        ]
        if rules.relay is not None:
            steps.append(rules.relay.relay.expire)
        return steps

    async def _renew_back_end_key(self) -> None:
        if await self._rules.transactions.keys.ensure():
            self._log.info("back_end_key_made")

    async def _renew_guard_key(self) -> None:
        if await self._rules.guard.keys.renew():
            self._log.info("guard_key_made")

    async def _expire_generations(self) -> None:
        for key_id in await self._rules.generation.expire():
            self._log.info("generation_expired", key_id=key_id)

    async def _close_sessions(self) -> None:
        for session_id in await self._rules.sessions.closing.close_overdue():
            self._log.info("session_closed", session_id=session_id)

    def _renew_certificate(self, connection: Connection) -> ServerCertificate:
        _, certificate = _credentials(connection, self._ground, self._settings)
        return certificate


async def start_server(
    home: Home,
    settings: Settings,
    log: structlog.stdlib.BoundLogger,
    *,
    clock: Clock = system_clock,
    engine: Engine | None = None,
    alone: bool = True,
) -> Server:
    """Put a server together and start it. Returns when it accepts calls.

    Args:
        home: its folder, set up by ``server.root.setup``.
        settings: its configuration.
        log: its log.
        clock: the time.
        engine: who exponentiates; by default the one that the configuration names.
        alone: False for one of several processes on the same ports: their supervisor says that they serve.

    Raises:
        OperatorError: something that it needs is missing or does not fit.
    """
    ground = open_ground(home, settings, log, clock)
    try:
        ground.custody.shares.holder.check()
    except (FoursealError, OperatorError):
        ground.close()
        raise
    ground.database.erase_traces()  # of what a crash kept from being erased
    authority, made = await ground.database.write(lambda connection: _credentials(connection, ground, settings))
    certificate = CurrentCertificate(made)
    chosen = ground.custody.shares.holder.engine or choose_engine(settings.engine)
    metrics = Metrics()
    rules = compose_rules(home, ground, authority, certificate, settings, engine or chosen, log, metrics)
    in_flight = BoundedInFlight(capacity=settings.max_calls, capacity_of_caller=settings.max_calls_per_caller)

    async def check() -> None:
        await ground.database.read(ground.custody.check)
        await asyncio.to_thread(ground.custody.shares.holder.check)
        await ground.database.write(lambda connection: probe(connection, clock()))

    relayed = () if rules.relay is None else RELAY_SERVICES
    health = Health((*AGENT_SERVICES, *relayed, *ENROLMENT_SERVICES), check, settings.health_interval_seconds, log)
    listeners = Listeners(
        settings, certificate, authority.certificate_pem, rules, health, in_flight, log, metrics, shared_ports=not alone
    )
    status = await open_status(ground, authority, rules.accounts.lists, settings, log, shared_port=not alone)
    shown = open_metrics(settings, metrics, log, shared_port=not alone)
    own = (in_flight, certificate, FileLock(home.upkeep_lock), status, shown)
    server = Server(home, settings, log, ground, rules, health, listeners, *own, alone=alone)
    await server.start()
    return server


def _credentials(connection: Connection, ground: Ground, settings: Settings) -> tuple[Authority, ServerCertificate]:
    sealer = ground.custody.sealer
    places = StatusPlaces(settings.ocsp_url, settings.revocation_list_url)
    authority = Authority.load(connection, ground.custody.keys, Arc(settings.oid_arc), places)
    now = ground.clock()
    return authority, ensure_server_certificate(connection, sealer, authority, settings.server_names, now)
