"""Enrolment: a ticket becomes the agent's certificate.

The agent makes an ECDSA P-256 key for TLS, never a share, and stores it with its certificate request before either is
used. So a crash or a lost answer costs nothing: the same ticket sends the same request again, and gets the same
certificate.

With it goes the digest of a revocation secret, which the agent makes, shows once and forgets.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

import grpc
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from fourseal.v1 import enrolment_service_pb2
from fourseal.v1.enrolment_service_pb2_grpc import EnrolmentServiceStub

from wire.client.blame import answer_malformed
from wire.client.identity import Identity, PendingEnrolment
from wire.client.repetition import CALL_SECONDS, call_repeatedly
from wire.client.revocation_secret import RevocationSecret
from wire.client.ticket import Ticket
from wire.limits import channel_options
from wire.tls import channel_credentials

if TYPE_CHECKING:  # these exist for the type checker only
    from fourseal.v1.enrolment_service_pb2_grpc import EnrolmentServiceAsyncStub


class EnrolmentStore(Protocol):
    """Where a program keeps who it is: durably, and so that nobody else can read it."""

    def save_identity(self, identity: Identity) -> None:
        """Store an identity in place of an older one, and forget the enrolment."""

    def pending_enrolment(self) -> PendingEnrolment | None:
        """The enrolment under way, or None."""

    def save_pending_enrolment(self, pending: PendingEnrolment) -> None:
        """Store it in place of an older one."""


async def enrol(store: EnrolmentStore, ticket: Ticket) -> Identity:
    """Use a ticket, and store the identity that it brings in place of an older one.

    Raises:
        FoursealError: ENROLMENT_TOKEN_INVALID, SERVER_UNTRUSTED, SERVER_UNAVAILABLE and what else the server refuses;
            PeerMisbehaved (ANSWER_MALFORMED) if its answer does not hold; those of the key store.
    """
    pending = begin_enrolment(store, ticket)
    request = enrolment_service_pb2.EnrolAgentRequest(
        token=ticket.token,
        certificate_request_der=pending.request_der,
        revocation_sha256=pending.revocation_secret.sha256,
    )
    credentials = channel_credentials(ticket.authority.public_bytes(Encoding.PEM))
    async with grpc.aio.secure_channel(ticket.enrolment_server, credentials, channel_options()) as channel:
        stub: EnrolmentServiceAsyncStub = EnrolmentServiceStub(channel)
        answer = await call_repeatedly(stub.EnrolAgent, request, ticket.enrolment_server, CALL_SECONDS)
    identity = Identity(
        agent_id=ticket.agent_id,
        server_address=ticket.server,
        authority_pem=ticket.authority.public_bytes(Encoding.PEM),
        certificate_pem=_checked_certificate(answer, ticket, pending).public_bytes(Encoding.PEM),
        private_key=pending.private_key,
    )
    store.save_identity(identity)
    return identity


def begin_enrolment(store: EnrolmentStore, ticket: Ticket) -> PendingEnrolment:
    """The enrolment of a ticket, which is begun if need be: what ``enrol`` will send. Raises those of the key store."""
    pending = store.pending_enrolment()
    if pending is None or pending.token_digest != ticket.token_digest:
        pending = _begin(ticket)
        store.save_pending_enrolment(pending)
    return pending


async def block_agent(enrolment_server: str, authority_pem: bytes, secret: RevocationSecret) -> str:
    """Block the agent that a revocation secret belongs to; needs neither key store nor certificate.

    Args:
        enrolment_server: "host:port".
        authority_pem: certificate of the server's authority.
        secret: of the agent's newest enrolment.

    Returns:
        The agent's name.

    Raises:
        FoursealError: REVOCATION_SECRET_WRONG, SERVER_UNTRUSTED, SERVER_UNAVAILABLE.
    """
    request = enrolment_service_pb2.BlockAgentRequest(revocation_secret=secret.value)
    credentials = channel_credentials(authority_pem)
    async with grpc.aio.secure_channel(enrolment_server, credentials, channel_options()) as channel:
        stub: EnrolmentServiceAsyncStub = EnrolmentServiceStub(channel)
        return (await call_repeatedly(stub.BlockAgent, request, enrolment_server, CALL_SECONDS)).agent_id


def _begin(ticket: Ticket) -> PendingEnrolment:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, ticket.agent_id)])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    secret = RevocationSecret.generate(secrets.token_bytes)
    return PendingEnrolment(ticket.token_digest, request.public_bytes(Encoding.DER), key, secret)


def _checked_certificate(
    answer: enrolment_service_pb2.EnrolAgentResponse, ticket: Ticket, pending: PendingEnrolment
) -> x509.Certificate:
    if answer.agent_id != ticket.agent_id:
        raise answer_malformed("it names another agent than the ticket")
    if answer.authority_certificate_der != ticket.authority.public_bytes(Encoding.DER):
        raise answer_malformed("it names another authority than the ticket")
    try:
        certificate = x509.load_der_x509_certificate(answer.certificate_der)
        certificate.verify_directly_issued_by(ticket.authority)
    except (ValueError, x509.InvalidVersion, TypeError, InvalidSignature):
        raise answer_malformed("the authority of the ticket did not issue its certificate") from None
    if certificate.public_key() != pending.private_key.public_key():
        raise answer_malformed("its certificate is for another key")
    if certificate.not_valid_after_utc <= datetime.now(UTC):
        raise answer_malformed("its certificate has expired")
    return certificate
