"""The two listeners: one for agents, by mutual TLS, one for callers who have no certificate: not yet, or not at hand.

gRPC for Python cannot ask for a certificate and do without one: hence two. Nothing listens without TLS.
"""

from __future__ import annotations

from dataclasses import dataclass

import grpc
import structlog
from cryptography import x509
from fourseal.v1 import (
    account_service_pb2,
    account_service_pb2_grpc,
    certificate_service_pb2,
    certificate_service_pb2_grpc,
    contract_session_service_pb2,
    contract_session_service_pb2_grpc,
    decryption_service_pb2,
    decryption_service_pb2_grpc,
    device_service_pb2,
    device_service_pb2_grpc,
    drafting_service_pb2,
    drafting_service_pb2_grpc,
    enrolment_service_pb2,
    enrolment_service_pb2_grpc,
    evidence_service_pb2,
    evidence_service_pb2_grpc,
    guard_service_pb2,
    guard_service_pb2_grpc,
    key_service_pb2,
    key_service_pb2_grpc,
    lease_service_pb2,
    lease_service_pb2_grpc,
    pin_service_pb2,
    pin_service_pb2_grpc,
    registration_service_pb2,
    registration_service_pb2_grpc,
    relay_service_pb2,
    signing_service_pb2,
    signing_service_pb2_grpc,
    transaction_service_pb2,
    transaction_service_pb2_grpc,
    transparency_service_pb2,
    transparency_service_pb2_grpc,
    trusteeship_service_pb2,
    trusteeship_service_pb2_grpc,
)
from grpc_health.v1 import health_pb2, health_pb2_grpc

from contract.oids import Arc
from server.config import Settings
from server.drafting.rpc import DraftingRpc
from server.errors import OperatorError
from server.evidence.rpc import EvidenceRpc, TransparencyRpc
from server.guard.rpc import GuardRpc
from server.identity import CurrentCertificate, Forwarding
from server.identity.rpc import AccountRpc, CertificateRpc, EnrolmentRpc, LeaseRpc
from server.metrics import Metrics
from server.pins.rpc import PinGuardRpc, PinRpc
from server.registration.rpc import RegistrationRpc
from server.relay.rpc import RelayRpc, add_relay_service
from server.root.calls import BoundedInFlight, ServerInterceptor
from server.root.health import Health
from server.root.rules import Rules
from server.sessions.rpc import ContractSessionRpc
from server.signing.rpc import DecryptionRpc, DeviceRpc, KeyRpc, SigningRpc
from server.transactions.rpc import TransactionRpc
from server.trusteeship.rpc import TrusteeshipRpc
from wire import tls
from wire.limits import server_options

HEALTH = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
AGENT_SERVICES = (
    key_service_pb2.DESCRIPTOR.services_by_name["KeyService"].full_name,
    signing_service_pb2.DESCRIPTOR.services_by_name["SigningService"].full_name,
    decryption_service_pb2.DESCRIPTOR.services_by_name["DecryptionService"].full_name,
    account_service_pb2.DESCRIPTOR.services_by_name["AccountService"].full_name,
    certificate_service_pb2.DESCRIPTOR.services_by_name["CertificateService"].full_name,
    device_service_pb2.DESCRIPTOR.services_by_name["DeviceService"].full_name,
    lease_service_pb2.DESCRIPTOR.services_by_name["LeaseService"].full_name,
    pin_service_pb2.DESCRIPTOR.services_by_name["PinGuardService"].full_name,
    registration_service_pb2.DESCRIPTOR.services_by_name["RegistrationService"].full_name,
    contract_session_service_pb2.DESCRIPTOR.services_by_name["ContractSessionService"].full_name,
    evidence_service_pb2.DESCRIPTOR.services_by_name["EvidenceService"].full_name,
    transparency_service_pb2.DESCRIPTOR.services_by_name["TransparencyService"].full_name,
    trusteeship_service_pb2.DESCRIPTOR.services_by_name["TrusteeshipService"].full_name,
    drafting_service_pb2.DESCRIPTOR.services_by_name["DraftingService"].full_name,
    transaction_service_pb2.DESCRIPTOR.services_by_name["TransactionService"].full_name,
    guard_service_pb2.DESCRIPTOR.services_by_name["GuardService"].full_name,
)
RELAY_SERVICES = (relay_service_pb2.DESCRIPTOR.services_by_name["RelayService"].full_name,)
ENROLMENT_SERVICES = (
    enrolment_service_pb2.DESCRIPTOR.services_by_name["EnrolmentService"].full_name,
    pin_service_pb2.DESCRIPTOR.services_by_name["PinService"].full_name,
)


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the listeners really listen."""

    agents: int
    enrolment: int


class Listeners:
    """Both listeners.

    Args:
        settings: addresses.
        certificate: the server's.
        authority_pem: whose clients are let in.
        rules: what the services do.
        health: on both.
        in_flight: counts the calls of both.
        log: access log.
        metrics: where calls are measured.
        shared_ports: whether other processes listen there too.
    """

    def __init__(
        self,
        settings: Settings,
        certificate: CurrentCertificate,
        authority_pem: bytes,
        rules: Rules,
        health: Health,
        in_flight: BoundedInFlight,
        log: structlog.stdlib.BoundLogger,
        metrics: Metrics,
        *,
        shared_ports: bool,
    ) -> None:
        self._forwarding = Forwarding(x509.load_pem_x509_certificate(authority_pem), Arc(settings.oid_arc))
        interceptor = ServerInterceptor(
            log, metrics, in_flight, lambda _: rules.callers.name_for_log(), self._forwarding.certificate_of
        )
        options = server_options(shared_port=shared_ports)
        self._agents = grpc.aio.server(interceptors=[interceptor], options=options)
        self._enrolment = grpc.aio.server(interceptors=[interceptor], options=options)
        key_service_pb2_grpc.add_KeyServiceServicer_to_server(
            KeyRpc(rules.callers, rules.generation, rules.keys), self._agents
        )
        signing_service_pb2_grpc.add_SigningServiceServicer_to_server(
            SigningRpc(rules.callers, rules.signatures), self._agents
        )
        decryption_service_pb2_grpc.add_DecryptionServiceServicer_to_server(
            DecryptionRpc(rules.callers, rules.decryptions), self._agents
        )
        account_service_pb2_grpc.add_AccountServiceServicer_to_server(
            AccountRpc(rules.callers, rules.accounts), self._agents
        )
        certificate_service_pb2_grpc.add_CertificateServiceServicer_to_server(
            CertificateRpc(rules.callers, rules.accounts), self._agents
        )
        registration_service_pb2_grpc.add_RegistrationServiceServicer_to_server(
            RegistrationRpc(rules.callers, rules.accounts.logins, rules.registration), self._agents
        )
        device_service_pb2_grpc.add_DeviceServiceServicer_to_server(
            DeviceRpc(rules.callers, rules.accounts.logins, rules.devices, rules.keys), self._agents
        )
        lease_service_pb2_grpc.add_LeaseServiceServicer_to_server(LeaseRpc(rules.callers, rules.leases), self._agents)
        pin_service_pb2_grpc.add_PinGuardServiceServicer_to_server(
            PinGuardRpc(rules.callers, rules.pins, lambda: f"{settings.public_host}:{self.ports.enrolment}"),
            self._agents,
        )
        self._add_systems(rules)
        enrolment_service_pb2_grpc.add_EnrolmentServiceServicer_to_server(
            EnrolmentRpc(rules.enrolment), self._enrolment
        )
        pin_service_pb2_grpc.add_PinServiceServicer_to_server(PinRpc(rules.pins), self._enrolment)
        of_agents = AGENT_SERVICES if rules.relay is None else (*AGENT_SERVICES, *RELAY_SERVICES)
        for server, services in ((self._agents, of_agents), (self._enrolment, ENROLMENT_SERVICES)):
            health_pb2_grpc.add_HealthServicer_to_server(health, server)
            if settings.reflection:
                describe(server, (*services, HEALTH))
        self.ports = Ports(
            listen_on(self._agents, settings.listen, tls.renewable_server_credentials(certificate.pair, authority_pem)),
            listen_on(
                self._enrolment, settings.enrolment_listen, tls.renewable_server_credentials(certificate.pair, None)
            ),
        )

    def _add_systems(self, rules: Rules) -> None:
        """What stands on keys and accounts."""
        contract_session_service_pb2_grpc.add_ContractSessionServiceServicer_to_server(
            ContractSessionRpc(rules.callers, rules.sessions), self._agents
        )
        transparency_service_pb2_grpc.add_TransparencyServiceServicer_to_server(
            TransparencyRpc(rules.callers, rules.evidence.transparency), self._agents
        )
        evidence_service_pb2_grpc.add_EvidenceServiceServicer_to_server(
            EvidenceRpc(rules.callers, rules.evidence), self._agents
        )
        trusteeship_service_pb2_grpc.add_TrusteeshipServiceServicer_to_server(
            TrusteeshipRpc(rules.callers, rules.trusteeship), self._agents
        )
        drafting_service_pb2_grpc.add_DraftingServiceServicer_to_server(
            DraftingRpc(rules.callers, rules.drafting), self._agents
        )
        transaction_service_pb2_grpc.add_TransactionServiceServicer_to_server(
            TransactionRpc(rules.callers, rules.transactions), self._agents
        )
        guard_service_pb2_grpc.add_GuardServiceServicer_to_server(GuardRpc(rules.callers, rules.guard), self._agents)
        if rules.relay is not None:
            add_relay_service(
                RelayRpc(rules.callers, self._forwarding, rules.relay.passes, rules.relay.relay), self._agents
            )

    async def start(self) -> None:
        """Begin to accept calls."""
        await self._agents.start()
        await self._enrolment.start()

    async def stop(self, grace: float) -> None:
        """Accept no more; what is in flight has ``grace`` seconds."""
        await self._enrolment.stop(grace)
        await self._agents.stop(grace)


def listen_on(server: grpc.aio.Server, address: str, credentials: grpc.ServerCredentials) -> int:
    """Have a server listen; returns the port. Raises OperatorError where nothing can."""
    try:
        return server.add_secure_port(address, credentials)
    except RuntimeError:
        raise OperatorError(
            f"nothing can listen on {address}", "Stop what uses that port, or configure another; 0 finds a free one."
        ) from None


def describe(server: grpc.aio.Server, services: tuple[str, ...]) -> None:
    """Let a server describe its services to whoever asks."""
    from grpc_reflection.v1alpha import reflection  # noqa: PLC0415  # needed by option only

    reflection.enable_server_reflection((*services, reflection.SERVICE_NAME), server)
