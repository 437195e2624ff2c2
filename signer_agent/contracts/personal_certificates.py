"""Personal certificates of the account that is logged in: for its agent's joint keys, outside contract sessions.

A request is signed jointly by the key itself; officers of the registration authority decide about it. What comes back
is believed only as far as it was checked: issued by the authority that this agent knows, for that key and that account.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from fourseal.v1 import registration_service_pb2 as pb

from contract.certificate_parts import account_name_of, extensions_of, load_certificate
from mpc.four_prime_rsa import Purpose
from signer_agent.contracts.login import LoginLine
from signer_agent.contracts.signer_keys import RevocationReason, reason_to_proto
from signer_agent.interface import AsyncAgent
from wire.client.blame import answered_time, blaming_server, server_lied
from wire.ids import new_request_id

_STATES = {
    pb.CERTIFICATE_REQUEST_STATE_WAITING: "waiting",
    pb.CERTIFICATE_REQUEST_STATE_ISSUED: "issued",
    pb.CERTIFICATE_REQUEST_STATE_REFUSED: "refused",
}


@dataclass(frozen=True, slots=True)
class RequestedCertificate:
    """A request, and what became of it, as the server says.

    Args:
        certificate_request_id: its name.
        key_id: the joint key.
        state: ``waiting``, ``issued`` or ``refused``.
        create_time: when it was made.
        refusal: why it was refused; empty otherwise.
        certificate: DER; empty if none was issued. Not checked.
        revoke_time: when it was revoked; None if it was not.
    """

    certificate_request_id: str
    key_id: str
    state: str
    create_time: datetime
    refusal: str
    certificate: bytes
    revoke_time: datetime | None


class PersonalCertificates:
    """The requests of the account that is logged in. Every method raises FoursealError.

    Args:
        line: with the login.
        agent: has the joint keys.
    """

    def __init__(self, line: LoginLine, agent: AsyncAgent) -> None:
        self._line = line
        self._agent = agent
        self._rpc = line.line.registration
        self._authority = x509.load_pem_x509_certificate(line.line.identity.authority_pem)

    async def request(self, key: str) -> RequestedCertificate:
        """Ask for a certificate for a key, by id or label; one that signs, signs the request, with the server."""
        found = await self._agent.get_key(key)
        account = (await self._line.login()).account
        pkcs10 = await self._pkcs10(found.key_id, account) if found.purpose is Purpose.SIGN else b""
        request = pb.RequestCertificateRequest(request_id=new_request_id(), key_id=found.key_id, pkcs10_der=pkcs10)
        answer = await self._line.call(self._rpc.RequestCertificate, request)
        return _read(answer.certificate_request)

    async def all(self) -> list[RequestedCertificate]:
        """Every request of the account, oldest first."""
        found: list[RequestedCertificate] = []
        request = pb.ListCertificateRequestsRequest()
        while True:
            answer = await self._line.call(self._rpc.ListCertificateRequests, request)
            found += map(_read, answer.certificate_requests)
            if not answer.next_page_token:
                return found
            request.page_token = answer.next_page_token

    async def get(self, certificate_request_id: str) -> RequestedCertificate:
        """One request; its certificate, if there is one, was checked.

        Raises:
            PeerMisbehaved: CERTIFICATE_...: it is not this authority's, for this key and account.
        """
        request = pb.GetCertificateRequestRequest(certificate_request_id=certificate_request_id)
        found = _read((await self._line.call(self._rpc.GetCertificateRequest, request)).certificate_request)
        if found.certificate:
            await self._check(found)
        return found

    async def revoke(self, certificate_request_id: str, reason: RevocationReason) -> None:
        """Revoke the certificate that a request led to."""
        request = pb.RevokePersonalCertificateRequest(
            request_id=new_request_id(),
            certificate_request_id=certificate_request_id,
            reason=reason_to_proto(reason),
        )
        await self._line.call(self._rpc.RevokePersonalCertificate, request)

    async def _pkcs10(self, key_id: str, account: str) -> bytes:
        joint = await self._agent.private_key(key_id)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, account)])
        builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
        signed = await asyncio.to_thread(builder.sign, joint, hashes.SHA256())
        return signed.public_bytes(Encoding.DER)

    async def _check(self, found: RequestedCertificate) -> None:
        joint = (await self._agent.get_key(found.key_id)).require_joint_key()
        account = (await self._line.login()).account
        with blaming_server():
            certificate = load_certificate(found.certificate)
            named = account_name_of(extensions_of(certificate))
        try:
            certificate.verify_directly_issued_by(self._authority)
        except (InvalidSignature, TypeError, ValueError):
            raise server_lied("CERTIFICATE_NOT_ISSUED", "the authority did not sign this certificate") from None
        if certificate.public_key() != joint.to_cryptography() or named != account:
            raise server_lied("CERTIFICATE_NOT_OURS", "the certificate is for another key or account")


def _read(request: pb.CertificateRequest) -> RequestedCertificate:
    return RequestedCertificate(
        certificate_request_id=request.certificate_request_id,
        key_id=request.key_id,
        state=_STATES.get(request.state, "not known"),
        create_time=answered_time(request.create_time),
        refusal=request.refusal,
        certificate=request.certificate_der,
        revoke_time=answered_time(request.revoke_time) if request.HasField("revoke_time") else None,
    )
