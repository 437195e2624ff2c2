"""The media server: the relay as a process of its own, without keys, accounts or evidence.

It has the authority's certificate, a TLS certificate, a database of envelopes and a folder of their contents. It never
opens custody: there is none in its folder. It stops and starts without the evidence server.
"""

from __future__ import annotations

import asyncio
import os
from typing import Final

import grpc
import structlog
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from grpc_health.v1 import health_pb2_grpc

from contract.oids import Arc
from mpc.errors import FoursealError
from server.clock import Clock, system_clock
from server.config import Settings
from server.errors import OperatorError
from server.identity import CallerReader, CurrentCertificate, Forwarding
from server.journal import probe
from server.relay.rpc import RelayRpc, add_relay_service
from server.root.calls import BoundedInFlight, ServerInterceptor
from server.root.ground import open_database
from server.root.health import Health
from server.root.home import Home, Serving
from server.root.listeners import HEALTH, RELAY_SERVICES, describe, listen_on
from server.root.outposts import MEDIA_SERVER, load_certificate
from server.root.relay import RelayPart, compose_relay
from server.storage import Database
from server.storage.backend import backend_of
from wire import tls
from wire.limits import server_options

_HOUSEKEEPING_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 1.0


class MediaServer:
    """A media server that serves. From ``start_media_server``."""

    def __init__(
        self,
        home: Home,
        settings: Settings,
        log: structlog.stdlib.BoundLogger,
        database: Database,
        part: RelayPart,
        listener: grpc.aio.Server,
        port: int,
        health: Health,
        in_flight: BoundedInFlight,
        certificate: CurrentCertificate,
        authority: x509.Certificate,
    ) -> None:
        """Take the parts; ``start_media_server`` puts them together."""
        self._home = home
        self._settings = settings
        self._log = log
        self._database = database
        self._part = part
        self._listener = listener
        self._health = health
        self._in_flight = in_flight
        self._certificate = certificate
        self._authority = authority
        self._tasks: list[asyncio.Task[None]] = []
        self.serving = Serving(os.getpid(), f"{settings.public_host}:{port}", "")

    async def start(self) -> None:
        """Begin to serve."""
        await self._listener.start()
        await self._health.check_once()
        self._tasks = [asyncio.create_task(self._health.keep_checking()), asyncio.create_task(self._keep_house())]
        self.serving.write(self._home.serving)
        self._log.info("serving", process_id=self.serving.process_id, media_server=self.serving.server)

    async def stop(self) -> None:
        """Finish what is in flight, within the grace, and close everything. Streams of notices are ended."""
        self._log.info("stopping")
        self._home.serving.unlink(missing_ok=True)
        self._in_flight.refusing = True
        await self._health.shut_down()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._part.relay.end_streams()
        try:
            async with asyncio.timeout(self._settings.shutdown_grace_seconds):
                await self._in_flight.wait_quiet()
        except TimeoutError:
            self._log.warning("stopped_with_work_left")
        await self._listener.stop(_STOP_SECONDS)
        self._part.files.close()
        self._database.close()
        self._log.info("stopped")

    async def _keep_house(self) -> None:
        while True:
            await self._keep_house_once()
            await asyncio.sleep(_HOUSEKEEPING_SECONDS)

    async def _keep_house_once(self) -> None:
        """Drop what is over, and show a certificate that was renewed; the one also where the other fails."""
        for step in (self._part.relay.expire, self._take_renewed_certificate):
            try:
                await step()
            except (FoursealError, OperatorError) as error:  # the next round tries again
                self._log.error("housekeeping_failed", cause=str(error))

    async def _take_renewed_certificate(self) -> None:
        certificate, authority = await asyncio.to_thread(load_certificate, MEDIA_SERVER, self._home)
        if certificate.certificate_pem == self._certificate.pair()[1]:
            return
        if authority != self._authority:
            raise OperatorError("the new certificate is of another authority", "Restart the media server to change it.")
        self._certificate.replace(certificate)
        self._log.info("certificate_renewed")


async def start_media_server(
    home: Home, settings: Settings, log: structlog.stdlib.BoundLogger, *, clock: Clock = system_clock
) -> MediaServer:
    """Put a media server together and start it. Returns when it accepts calls.

    Args:
        home: its folder, set up by ``server.root.outposts``.
        settings: its configuration.
        log: its log.
        clock: the time.

    Raises:
        OperatorError: something that it needs is missing or does not fit.
    """
    certificate, authority = load_certificate(MEDIA_SERVER, home)
    database = open_database(backend_of(home.database_url(settings)), log)
    part = compose_relay(database, home.folder, authority, settings, clock, log)
    in_flight = BoundedInFlight(capacity=settings.max_calls, capacity_of_caller=settings.max_calls_per_caller)
    callers = CallerReader(clock, None)  # relay passes are what counts here
    forwarding = Forwarding(authority, Arc(settings.oid_arc))
    interceptor = ServerInterceptor(log, in_flight, lambda _: callers.name_for_log(), forwarding.certificate_of)
    listener = grpc.aio.server(interceptors=[interceptor], options=server_options())
    add_relay_service(RelayRpc(callers, forwarding, part.passes, part.relay), listener)

    async def check() -> None:
        await database.write(lambda connection: probe(connection, clock()))

    health = Health(RELAY_SERVICES, check, settings.health_interval_seconds, log)
    health_pb2_grpc.add_HealthServicer_to_server(health, listener)
    if settings.reflection:
        describe(listener, (*RELAY_SERVICES, HEALTH))
    current = CurrentCertificate(certificate)
    credentials = tls.renewable_server_credentials(current.pair, authority.public_bytes(Encoding.PEM))
    port = listen_on(listener, settings.listen, credentials)
    server = MediaServer(home, settings, log, database, part, listener, port, health, in_flight, current, authority)
    await server.start()
    return server
