"""CertificateService."""

from __future__ import annotations

from fourseal.v1 import certificate_service_pb2 as pb
from fourseal.v1 import certificate_service_pb2_grpc

from mpc.four_prime_rsa import Purpose
from server.identity.account_rules import AccountRules
from server.identity.callers import CallerReader
from server.identity.certificates.keys import KeyRequest
from server.identity.rpc.convert import Context, certificate_to_proto, reason_from_proto
from server.identity.store.logins import Login
from server.journal import request_of
from wire.convert import timestamp_of
from wire.ids import check_request_id
from wire.peer import login_token


class CertificateRpc(certificate_service_pb2_grpc.CertificateServiceServicer):
    """CertificateService.

    Args:
        callers: says who calls.
        rules: what is done.
    """

    def __init__(self, callers: CallerReader, rules: AccountRules) -> None:
        self._callers = callers
        self._rules = rules

    async def IssueSignerCertificates(
        self, request: pb.IssueSignerCertificatesRequest, context: Context
    ) -> pb.IssueSignerCertificatesResponse:
        """See the proto."""
        login = await self._login(context)
        keys = KeyRequest(
            account=login.account,
            request_id=check_request_id(request.request_id),
            sign_request=request.sign_request_der,
            sign_roots=request.sign_certification_roots,
            encrypt_key=request.encrypt_public_key_der,
            encrypt_roots=request.encrypt_certification_roots,
            binding_signature=request.encrypt_binding_signature,
        )
        journaled = request_of(
            login.caller, request.request_id, "IssueSignerCertificates", request, account=login.account
        )
        pair = await self._rules.certificates.issue(journaled, login, keys)
        return pb.IssueSignerCertificatesResponse(
            sign_certificate=certificate_to_proto(pair[Purpose.SIGN]),
            encrypt_certificate=certificate_to_proto(pair[Purpose.DECRYPT]),
        )

    async def GetSignerCertificates(
        self, request: pb.GetSignerCertificatesRequest, context: Context
    ) -> pb.GetSignerCertificatesResponse:
        """See the proto."""
        pair = await self._rules.certificates.find(await self._login(context), request.name)
        return pb.GetSignerCertificatesResponse(
            sign_certificate=certificate_to_proto(pair.get(Purpose.SIGN)),
            encrypt_certificate=certificate_to_proto(pair.get(Purpose.DECRYPT)),
        )

    async def RevokeSignerCertificates(
        self, request: pb.RevokeSignerCertificatesRequest, context: Context
    ) -> pb.RevokeSignerCertificatesResponse:
        """See the proto."""
        login = await self._login(context)
        reason = reason_from_proto(request.reason)
        journaled = request_of(
            login.caller, request.request_id, "RevokeSignerCertificates", request, account=login.account
        )
        revoke_time = await self._rules.certificates.revoke(journaled, login, reason)
        return pb.RevokeSignerCertificatesResponse(revoke_time=timestamp_of(revoke_time))

    async def GetRevocationList(
        self, request: pb.GetRevocationListRequest, context: Context
    ) -> pb.GetRevocationListResponse:
        """See the proto."""
        caller = self._callers.of(context)
        found = await self._rules.certificates.revocation_list(caller, fresh=request.fresh)
        return pb.GetRevocationListResponse(revocation_list_der=found)

    async def _login(self, context: Context) -> Login:
        caller = self._callers.of(context)
        return await self._rules.logins.read(login_token(context), caller)
