"""The gateway put together, as a process of its own: a listener for agents, and lines to the media server."""

from __future__ import annotations

import asyncio
import os
from typing import Final

import grpc
import structlog
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from grpc_health.v1 import health_pb2_grpc

from server.clock import Clock, system_clock
from server.config import Settings
from server.errors import OperatorError
from server.gateway.rpc import GatewayRelayRpc
from server.gateway.upstream import Upstreams
from server.identity import CallerReader, CurrentCertificate
from server.journal import probe
from server.relay.rpc import add_relay_service
from server.root.calls import BoundedInFlight, ServerInterceptor
from server.root.ground import open_database
from server.root.health import Health
from server.root.home import Home, Serving
from server.root.listeners import RELAY_SERVICES, listen_on
from server.root.outposts import GATEWAY, load_certificate
from server.storage import Database
from server.storage.backend import backend_of
from wire import tls
from wire.limits import server_options

_HOUSEKEEPING_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 1.0


class Gateway:
    """A gateway that serves. From ``start_gateway``."""

    def __init__(
        self,
        home: Home,
        settings: Settings,
        log: structlog.stdlib.BoundLogger,
        database: Database,
        upstreams: Upstreams,
        listener: grpc.aio.Server,
        port: int,
        health: Health,
        in_flight: BoundedInFlight,
        certificate: CurrentCertificate,
        authority: x509.Certificate,
    ) -> None:
        """Take the parts; ``start_gateway`` puts them together."""
        self._home = home
        self._settings = settings
        self._log = log
        self._database = database
        self._upstreams = upstreams
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
        self._log.info("serving", process_id=self.serving.process_id, gateway=self.serving.server)

    async def stop(self) -> None:
        """Finish what is in flight, within the grace, and close everything."""
        self._log.info("stopping")
        self._home.serving.unlink(missing_ok=True)
        self._in_flight.refusing = True
        await self._health.shut_down()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._upstreams.close()  # streams end, and agents go on with another
        try:
            async with asyncio.timeout(self._settings.shutdown_grace_seconds):
                await self._in_flight.wait_quiet()
        except TimeoutError:
            self._log.warning("stopped_with_work_left")
        await self._listener.stop(_STOP_SECONDS)
        self._database.close()
        self._log.info("stopped")

    async def _keep_house(self) -> None:
        while True:
            await asyncio.sleep(_HOUSEKEEPING_SECONDS)
            try:
                await self._take_renewed_certificate()
            except OperatorError as error:  # the next round tries again
                self._log.error("housekeeping_failed", cause=str(error))

    async def _take_renewed_certificate(self) -> None:
        certificate, authority = await asyncio.to_thread(load_certificate, GATEWAY, self._home)
        if certificate.certificate_pem == self._certificate.pair()[1]:
            return
        if authority != self._authority:
            raise OperatorError("the new certificate is of another authority", "Restart the gateway to change it.")
        self._certificate.replace(certificate)
        self._log.info("certificate_renewed")


async def start_gateway(
    home: Home, settings: Settings, log: structlog.stdlib.BoundLogger, *, clock: Clock = system_clock
) -> Gateway:
    """Put a gateway together and start it. Returns when it accepts calls.

    Args:
        home: its folder, set up by ``server.root.outposts``.
        settings: its configuration.
        log: its log.
        clock: the time.

    Raises:
        OperatorError: something that it needs is missing or does not fit.
    """
    if not settings.relay_address:
        raise OperatorError("the gateway does not know the media server", "Set relay_address in its configuration.")
    certificate, authority = load_certificate(GATEWAY, home)
    database = open_database(backend_of(home.database_url(settings)), log)
    current, authority_pem = CurrentCertificate(certificate), authority.public_bytes(Encoding.PEM)
    upstreams = Upstreams(settings.relay_address, authority_pem, current.pair)
    in_flight = BoundedInFlight(capacity=settings.max_calls, capacity_of_caller=settings.max_calls_per_caller)
    callers = CallerReader(clock, None)  # the media server looks at passes
    interceptor = ServerInterceptor(log, in_flight, lambda _: callers.name_for_log())
    listener = grpc.aio.server(interceptors=[interceptor], options=server_options())
    add_relay_service(GatewayRelayRpc(callers, upstreams), listener)

    async def check() -> None:
        await database.write(lambda connection: probe(connection, clock()))

    health = Health(RELAY_SERVICES, check, settings.health_interval_seconds, log)
    health_pb2_grpc.add_HealthServicer_to_server(health, listener)
    port = listen_on(listener, settings.listen, tls.renewable_server_credentials(current.pair, authority_pem))
    gateway = Gateway(home, settings, log, database, upstreams, listener, port, health, in_flight, current, authority)
    await gateway.start()
    return gateway
