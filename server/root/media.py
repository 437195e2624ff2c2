"""The media server: the relay as a process of its own, without keys, accounts or evidence.

It has the authority's certificate, a TLS certificate, a database of envelopes and a folder of their contents. It never
opens custody: there is none in its folder. It stops and starts without the evidence server.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import grpc
import structlog
from cryptography.hazmat.primitives.serialization import Encoding
from grpc_health.v1 import health_pb2_grpc

from contract.oids import Arc
from server.clock import Clock, system_clock
from server.config import Settings
from server.identity import CallerReader, CurrentCertificate, Forwarding
from server.journal import probe
from server.metrics import Metrics
from server.relay.rpc import RelayRpc, add_relay_service
from server.root.calls import BoundedInFlight, ServerInterceptor
from server.root.ground import open_database
from server.root.health import Health
from server.root.home import Home
from server.root.listeners import HEALTH, RELAY_SERVICES, describe, listen_on
from server.root.outpost_process import Frame, OutpostProcess
from server.root.outposts import MEDIA_SERVER, load_certificate
from server.root.relay import RelayPart, compose_relay
from server.storage.backend import backend_of
from wire import tls
from wire.limits import server_options


class MediaServer(OutpostProcess):
    """A media server that serves. From ``start_media_server``.

    Args:
        frame: see ``OutpostProcess``.
        part: the relay.
    """

    def __init__(self, frame: Frame, part: RelayPart) -> None:
        super().__init__(frame)
        self._part = part

    def _steps(self) -> tuple[Callable[[], Awaitable[object]], ...]:
        return (self._part.relay.expire,)

    async def _end_streams(self) -> None:
        await self._part.relay.end_streams()

    def _close(self) -> None:
        self._part.files.close()


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
    metrics = Metrics()
    callers = CallerReader(clock, None)  # relay passes are what counts here
    forwarding = Forwarding(authority, Arc(settings.oid_arc))
    interceptor = ServerInterceptor(
        log, metrics, in_flight, lambda _: callers.name_for_log(), forwarding.certificate_of
    )
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
    parts = (database, listener, port, health, in_flight, current, authority, metrics)
    frame = Frame(MEDIA_SERVER, home, settings, log, *parts)
    server = MediaServer(frame, part)
    await server.start()
    return server
