"""The gateway put together, as a process of its own: a listener for agents, and lines to the media server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import grpc
import structlog
from cryptography.hazmat.primitives.serialization import Encoding
from fourseal.v1 import gateway_service_pb2_grpc
from grpc_health.v1 import health_pb2_grpc

from contract.oids import Arc
from server.clock import Clock, system_clock
from server.config import Settings
from server.errors import OperatorError
from server.gateway.guard_line import GuardLine
from server.gateway.metrics import gateway_log
from server.gateway.orders import Own
from server.gateway.peer import PeerMode, PeerTerms, compose_peer_mode
from server.gateway.peer.rpc import GatewayRpc
from server.gateway.rpc import GatewayRelayRpc
from server.gateway.traffic import TrafficTerms
from server.gateway.upstream import Upstreams
from server.gateway.watch import Watch, WatchTerms, compose_watch, gateway_name
from server.identity import CallerReader, CurrentCertificate, GatewayReader
from server.journal import probe
from server.metrics import Metrics
from server.relay.passes import PassReader
from server.relay.rpc import add_relay_service
from server.root.calls import BoundedInFlight, ServerInterceptor
from server.root.ground import open_database
from server.root.health import Health
from server.root.home import Home
from server.root.listeners import RELAY_SERVICES, listen_on
from server.root.outpost_process import Frame, OutpostProcess
from server.root.outposts import GATEWAY, load_certificate
from server.storage.backend import backend_of
from wire import tls
from wire.limits import server_options


class Gateway(OutpostProcess):
    """A gateway that serves. From ``start_gateway``.

    Args:
        frame: see ``OutpostProcess``.
        upstreams: the lines to the media server.
        watch: over what passes by.
        peer_mode: what it does without the guard; None: nothing, for control messages cannot name it.
    """

    def __init__(self, frame: Frame, upstreams: Upstreams, watch: Watch, peer_mode: PeerMode | None) -> None:
        super().__init__(frame)
        self._upstreams = upstreams
        self._watch = watch
        self._peer_mode = peer_mode

    async def start(self) -> None:
        """Begin to serve, and to do as the guard says."""
        await super().start()
        self._tasks += self._watch.begin()
        if self._peer_mode is not None:
            self._tasks += self._peer_mode.begin()

    def _steps(self) -> tuple[Callable[[], Awaitable[object]], ...]:
        steps = (self._watch.traffic.upkeep, self._watch.served.forget)
        return steps if self._peer_mode is None else (*steps, self._peer_mode.cases.upkeep)

    async def _end_streams(self) -> None:
        self._watch.traffic.end()
        await self._close_lines()  # agents go on with another gateway

    async def _use_renewed_certificate(self) -> None:
        await self._close_lines()  # they are opened anew, with it

    async def _close_lines(self) -> None:
        await self._watch.line.close()
        await self._upstreams.close()
        if self._peer_mode is not None:
            await self._peer_mode.peers.close()


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
    callers = CallerReader(clock, None)  # it has no leases
    arc = Arc(settings.oid_arc)
    metrics = Metrics()
    events = gateway_log(log, metrics)
    line = GuardLine(settings.guard_address, authority, authority_pem, arc, current.pair, database, clock, events)
    has_guard = bool(settings.guard_address)
    name = gateway_name(certificate.certificate_pem, required=has_guard or bool(settings.gateway_peers))
    own = Own(name, current.pair)
    watch = compose_watch(database, own, line, _watch_terms(settings), clock, events, metrics)
    interceptor = ServerInterceptor(log, metrics, in_flight, lambda _: callers.name_for_log())
    listener = grpc.aio.server(interceptors=[interceptor], options=server_options())
    passes = PassReader(authority, arc, clock)
    add_relay_service(GatewayRelayRpc(callers, passes, upstreams, watch), listener)

    peer_mode = None
    if name:
        terms = PeerTerms(settings.gateway_peers, timedelta(seconds=settings.gateway_answer_seconds), guard=has_guard)
        peer_mode = compose_peer_mode(watch, own, authority, arc, terms, database, clock, events)
        rpc = GatewayRpc(callers, passes, GatewayReader(arc, clock), peer_mode.cases, peer_mode.answering)
        gateway_service_pb2_grpc.add_GatewayServiceServicer_to_server(rpc, listener)

    async def check() -> None:
        await database.write(lambda connection: probe(connection, clock()))

    health = Health(RELAY_SERVICES, check, settings.health_interval_seconds, log)
    health_pb2_grpc.add_HealthServicer_to_server(health, listener)
    port = listen_on(listener, settings.listen, tls.renewable_server_credentials(current.pair, authority_pem))
    parts = (database, listener, port, health, in_flight, current, authority, metrics)
    frame = Frame(GATEWAY, home, settings, log, *parts)
    gateway = Gateway(frame, upstreams, watch, peer_mode)
    await gateway.start()
    return gateway


def _watch_terms(settings: Settings) -> WatchTerms:
    held, per_mailbox = settings.gateway_held_notices, settings.gateway_held_notices_per_mailbox
    return WatchTerms(
        TrafficTerms(held, per_mailbox, settings.gateway_quarantined_notices),
        settings.gateway_history_agents,
        settings.gateway_history_facts_per_agent,
    )
