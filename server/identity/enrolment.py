"""Enrolment: a token and a certificate request become a client certificate, once; and the secret that ends it.

A wrong revocation secret costs one look into an index, and is not counted: who guesses at 256 bits gets nowhere, and a
limit on wrong ones would let anybody keep an owner from blocking. Calls under way at a time are bounded for all who
come without a certificate.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Final

import structlog
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import Connection

from server.clock import Clock
from server.identity.agents import block
from server.identity.authority import Authority
from server.identity.store import agents as store
from server.identity.store.agents import Agent, AgentState, BlockCause
from server.identity.store.leases import drop_leases
from server.identity.tickets import token_digest
from server.storage import Database
from wire.catalogue import ServiceError

MAX_REQUEST_BYTES: Final = 4096
TOKEN_LENGTH: Final = 43
REVOCATION_SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What an agent gets."""

    agent_id: str
    certificate_der: bytes
    authority_certificate_der: bytes
    expire_time: datetime


class Enrolment:
    """Trades tokens for certificates.

    Args:
        database: tickets and agents.
        authority: issues certificates.
        clock: the time.
        log: what operators should see.
    """

    def __init__(
        self, database: Database, authority: Authority, clock: Clock, log: structlog.stdlib.BoundLogger
    ) -> None:
        self._database = database
        self._authority = authority
        self._clock = clock
        self._log = log

    async def enrol(self, token: str, request_der: bytes, revocation_sha256: bytes = b"") -> Enrolled:
        """Use a token. A repeat with the same token and the same request gets the same certificate.

        One transaction: of many who come with one token at a time, exactly one gets a certificate.

        Raises:
            ServiceError: ENROLMENT_TOKEN_INVALID, without saying why; CERTIFICATE_REQUEST_INVALID, and the token is
                still good; FIELD_INVALID.
        """
        if len(token) != TOKEN_LENGTH:
            raise ServiceError("ENROLMENT_TOKEN_INVALID")
        if revocation_sha256 and len(revocation_sha256) != sha256().digest_size:
            raise ServiceError("FIELD_INVALID", field="revocation_sha256", problem="not 32 bytes")
        digest = token_digest(token)

        def unit(connection: Connection) -> Enrolled:
            return self._use(connection, digest, request_der, revocation_sha256)

        return await self._database.write(unit)

    async def block(self, revocation_secret: bytes) -> Agent:
        """Block the agent with that revocation secret. Whoever has it may ask; a repeat changes nothing.

        Raises:
            ServiceError: FIELD_INVALID, REVOCATION_SECRET_WRONG.
        """
        if len(revocation_secret) != REVOCATION_SECRET_BYTES:
            raise ServiceError(
                "FIELD_INVALID", field="revocation_secret", problem=f"not {REVOCATION_SECRET_BYTES} bytes"
            )
        digest = sha256(revocation_secret).digest()
        if await self._database.read(lambda connection: store.find_agent_by_revocation(connection, digest)) is None:
            raise ServiceError("REVOCATION_SECRET_WRONG")  # without a turn at the writer

        def unit(connection: Connection) -> Agent:
            agent = store.find_agent_by_revocation(connection, digest)
            if agent is None:
                raise ServiceError("REVOCATION_SECRET_WRONG")
            return block(connection, agent, BlockCause.REVOCATION_SECRET, self._clock())

        blocked = await self._database.write(unit)
        self._log.warning("agent_blocked", agent=blocked.agent_id, cause=BlockCause.REVOCATION_SECRET.value)
        return blocked

    def _use(
        self, connection: Connection, token_sha256: bytes, request_der: bytes, revocation_sha256: bytes
    ) -> Enrolled:
        now = self._clock()
        ticket = store.find_ticket(connection, token_sha256)
        if ticket is None or ticket.expire_time <= now:
            raise ServiceError("ENROLMENT_TOKEN_INVALID")
        request_sha256 = sha256(request_der + revocation_sha256).digest()
        if ticket.certificate is not None:
            if ticket.request_sha256 != request_sha256:
                raise ServiceError("ENROLMENT_TOKEN_INVALID")
            return self._enrolled(ticket.agent_id, x509.load_der_x509_certificate(ticket.certificate))
        certificate = self._authority.issue_for_agent(_requested_key(request_der), ticket.agent_id, now)
        der = certificate.public_bytes(Encoding.DER)
        store.use_ticket(connection, token_sha256, now, request_sha256, der)
        expire_time = certificate.not_valid_after_utc
        agent = Agent(ticket.agent_id, AgentState.ACTIVE, sha256(der).digest(), now, expire_time)
        store.put_agent(connection, replace(agent, revocation_sha256=revocation_sha256 or None))
        drop_leases(connection, ticket.agent_id)
        return self._enrolled(ticket.agent_id, certificate)

    def _enrolled(self, agent_id: str, certificate: x509.Certificate) -> Enrolled:
        return Enrolled(
            agent_id,
            certificate.public_bytes(Encoding.DER),
            self._authority.certificate_der,
            certificate.not_valid_after_utc,
        )


def _requested_key(request_der: bytes) -> ec.EllipticCurvePublicKey:
    """The public key of a PKCS#10 request, which has proved that it knows the private one."""
    if not 0 < len(request_der) <= MAX_REQUEST_BYTES:
        raise ServiceError("CERTIFICATE_REQUEST_INVALID")
    try:
        request = x509.load_der_x509_csr(request_der)
        key = request.public_key()
        signed = request.is_signature_valid
    except (ValueError, x509.InvalidVersion, TypeError, UnsupportedAlgorithm):
        raise ServiceError("CERTIFICATE_REQUEST_INVALID") from None
    if not signed or not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ServiceError("CERTIFICATE_REQUEST_INVALID")
    return key
