"""RegistrationService."""

from __future__ import annotations

from typing import Any, Final

import grpc
from fourseal.v1 import registration_service_pb2 as pb
from fourseal.v1 import registration_service_pb2_grpc

from server.identity import CallerReader, Login, Logins, RevocationReason
from server.journal import request_of
from server.registration.requests import Asked, CertificateRequests
from server.registration.store import RequestState
from wire.convert import (
    certificate_purpose_to_proto,
    revocation_reason_from_proto,
    revocation_reason_to_proto,
    timestamp_of,
)
from wire.peer import login_token

Context = grpc.aio.ServicerContext[Any, Any]
_STATES: Final = {
    RequestState.WAITING: pb.CERTIFICATE_REQUEST_STATE_WAITING,
    RequestState.ISSUED: pb.CERTIFICATE_REQUEST_STATE_ISSUED,
    RequestState.REFUSED: pb.CERTIFICATE_REQUEST_STATE_REFUSED,
}


class RegistrationRpc(registration_service_pb2_grpc.RegistrationServiceServicer):
    """RegistrationService.

    Args:
        callers: says who calls.
        logins: say who is logged in.
        requests: what is done.
    """

    def __init__(self, callers: CallerReader, logins: Logins, requests: CertificateRequests) -> None:
        self._callers = callers
        self._logins = logins
        self._requests = requests

    async def RequestCertificate(
        self, request: pb.RequestCertificateRequest, context: Context
    ) -> pb.RequestCertificateResponse:
        """See the proto."""
        login = await self._login(context)
        journaled = request_of(login.caller, request.request_id, "RequestCertificate", request, account=login.account)
        asked = await self._requests.ask(journaled, login, request.key_id, request.pkcs10_der)
        return pb.RequestCertificateResponse(certificate_request=_to_proto(asked))

    async def GetCertificateRequest(
        self, request: pb.GetCertificateRequestRequest, context: Context
    ) -> pb.GetCertificateRequestResponse:
        """See the proto."""
        asked = await self._requests.get(await self._login(context), request.certificate_request_id)
        return pb.GetCertificateRequestResponse(certificate_request=_to_proto(asked))

    async def ListCertificateRequests(
        self, request: pb.ListCertificateRequestsRequest, context: Context
    ) -> pb.ListCertificateRequestsResponse:
        """See the proto."""
        page = await self._requests.list(await self._login(context), request.page_size, request.page_token)
        return pb.ListCertificateRequestsResponse(
            certificate_requests=map(_to_proto, page.rows), next_page_token=page.next_token
        )

    async def RevokePersonalCertificate(
        self, request: pb.RevokePersonalCertificateRequest, context: Context
    ) -> pb.RevokePersonalCertificateResponse:
        """See the proto."""
        login = await self._login(context)
        reason = RevocationReason[revocation_reason_from_proto(request.reason)]
        journaled = request_of(
            login.caller, request.request_id, "RevokePersonalCertificate", request, account=login.account
        )
        revoke_time = await self._requests.revoke(journaled, login, request.certificate_request_id, reason)
        return pb.RevokePersonalCertificateResponse(revoke_time=timestamp_of(revoke_time))

    async def _login(self, context: Context) -> Login:
        caller = self._callers.of(context)
        return await self._logins.read(login_token(context), caller)


def _to_proto(asked: Asked) -> pb.CertificateRequest:
    request, issued = asked.request, asked.issued
    made = pb.CertificateRequest(
        certificate_request_id=request.certificate_request_id,
        key_id=request.key_id,
        purpose=certificate_purpose_to_proto(request.purpose),
        state=_STATES[request.state],
        create_time=timestamp_of(request.create_time),
        decide_time=None if request.decide_time is None else timestamp_of(request.decide_time),
        refusal=request.why or "",
    )
    if issued is not None:
        made.certificate_der = issued.certificate
        if issued.revoke_time is not None and issued.revocation_reason is not None:
            made.revoke_time.CopyFrom(timestamp_of(issued.revoke_time))
            made.revocation_reason = revocation_reason_to_proto(issued.revocation_reason.name)
    return made
