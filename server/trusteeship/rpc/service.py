"""TrusteeshipService."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import grpc
from fourseal.v1 import trusteeship_service_pb2 as pb
from fourseal.v1 import trusteeship_service_pb2_grpc

from contract.trusteeship.uses import UseRequest
from server.identity import CallerReader, Login
from server.journal import Request, request_of
from server.trusteeship.rpc.convert import (
    grant_to_proto,
    overview_to_proto,
    piece_to_proto,
    signature_from_proto,
    wanted_from_proto,
)
from server.trusteeship.rules import TrusteeshipRules
from wire.peer import login_token

Context = grpc.aio.ServicerContext[Any, Any]
_Named = pb.RequestGrantRequest | pb.OrderGrantRequest | pb.FinishUseRequest


class TrusteeshipRpc(trusteeship_service_pb2_grpc.TrusteeshipServiceServicer):
    """TrusteeshipService.

    Args:
        callers: says who calls.
        rules: what is done.
    """

    def __init__(self, callers: CallerReader, rules: TrusteeshipRules) -> None:
        self._callers = callers
        self._rules = rules

    async def GetOrganisation(self, request: pb.GetOrganisationRequest, context: Context) -> pb.GetOrganisationResponse:
        """See the proto."""
        await self._login(context)
        return overview_to_proto(await self._rules.overview(request.organisation))

    async def RequestGrant(self, request: pb.RequestGrantRequest, context: Context) -> pb.RequestGrantResponse:
        """See the proto."""
        login = await self._login(context)
        journaled = _journaled(login, "RequestGrant", request)
        shown = await self._rules.grants.ask(
            journaled, login, request.statement_der, signature_from_proto(request.signature)
        )
        return pb.RequestGrantResponse(grant=grant_to_proto(shown))

    async def OrderGrant(self, request: pb.OrderGrantRequest, context: Context) -> pb.OrderGrantResponse:
        """See the proto."""
        login = await self._login(context)
        journaled = _journaled(login, "OrderGrant", request)
        shown = await self._rules.grants.order(
            journaled, login, request.statement_der, signature_from_proto(request.signature)
        )
        return pb.OrderGrantResponse(grant=grant_to_proto(shown))

    async def GetGrant(self, request: pb.GetGrantRequest, context: Context) -> pb.GetGrantResponse:
        """See the proto."""
        shown = await self._rules.grants.get(await self._login(context), request.grant_id)
        return pb.GetGrantResponse(grant=grant_to_proto(shown))

    async def ListGrants(self, request: pb.ListGrantsRequest, context: Context) -> pb.ListGrantsResponse:
        """See the proto."""
        login = await self._login(context)
        page = await self._rules.grants.list(login, request.organisation, request.page_size, request.page_token)
        return pb.ListGrantsResponse(grants=map(grant_to_proto, page.rows), next_page_token=page.next_token)

    async def BeginUse(self, request: pb.BeginUseRequest, context: Context) -> pb.BeginUseResponse:
        """See the proto."""
        caller, asked = self._callers.of(context), UseRequest.from_der(request.statement_der)
        claim = self._rules.logins.claim(login_token(context), caller)
        journaled = request_of(caller, asked.request_id, "BeginUse", request, account=asked.user)
        signature = signature_from_proto(request.signature)
        begun = await self._rules.uses.begin(journaled, claim, asked, signature, request.ciphertext)
        return pb.BeginUseResponse(record_der=begun.record_der, request_signature=begun.request_signature)

    async def FinishUse(self, request: pb.FinishUseRequest, context: Context) -> pb.FinishUseResponse:
        """See the proto."""
        finished = await self._rules.uses.finish(
            self._rules.logins.claim(login_token(context), self._callers.of(context)),
            request.use_request_id,
            signature_from_proto(request.signature),
            lambda login: _journaled(login, "FinishUse", request),
        )
        return pb.FinishUseResponse(result=finished.result, entry_der=finished.entry_der, receipt=finished.receipt)

    async def ListRecords(self, request: pb.ListRecordsRequest, context: Context) -> pb.ListRecordsResponse:
        """See the proto."""
        login, wanted = await self._login(context), wanted_from_proto(request.filter)
        page = await self._rules.records.list(login, wanted, request.page_size, request.page_token)
        return pb.ListRecordsResponse(
            records_der=[each.recorded_der for each in page.rows], next_page_token=page.next_token
        )

    async def ExportRecords(
        self, request: pb.ExportRecordsRequest, context: Context
    ) -> AsyncIterator[pb.ExportRecordsResponse]:
        """See the proto."""
        login, wanted = await self._login(context), wanted_from_proto(request.filter)
        async with aclosing(self._rules.exports.pieces(login, wanted)) as pieces:
            async for piece in pieces:
                yield piece_to_proto(piece)

    async def _login(self, context: Context) -> Login:
        return await self._rules.logins.read(login_token(context), self._callers.of(context))


def _journaled(
    login: Login, method: str, request: pb.RequestGrantRequest | pb.OrderGrantRequest | pb.FinishUseRequest
) -> Request:
    return request_of(login.caller, request.request_id, method, request, account=login.account)
