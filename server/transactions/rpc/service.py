"""TransactionService."""

from __future__ import annotations

from typing import Any

import grpc
from fourseal.v1 import transaction_service_pb2 as pb
from fourseal.v1 import transaction_service_pb2_grpc

from server.identity import CallerReader
from server.transactions.rpc.convert import status_to_proto
from server.transactions.rules import TransactionRules
from server.transactions.viewing import Viewer
from wire.peer import login_token

Context = grpc.aio.ServicerContext[Any, Any]


class TransactionRpc(transaction_service_pb2_grpc.TransactionServiceServicer):
    """TransactionService.

    Args:
        callers: says who calls.
        rules: what is done.
    """

    def __init__(self, callers: CallerReader, rules: TransactionRules) -> None:
        self._callers = callers
        self._rules = rules

    async def GetBackEnd(self, request: pb.GetBackEndRequest, context: Context) -> pb.GetBackEndResponse:
        """See the proto."""
        described = await self._rules.describe(self._callers.of(context))
        return pb.GetBackEndResponse(
            name=described.name,
            certificate_der=described.certificate,
            variants=described.variants,
            kinds=described.kinds,
        )

    async def ProposeTransaction(
        self, request: pb.ProposeTransactionRequest, context: Context
    ) -> pb.ProposeTransactionResponse:
        """See the proto."""
        name = await self._rules.proposals.propose(self._callers.of(context), request.transaction_der)
        return pb.ProposeTransactionResponse(status=await self._status(name))

    async def SignTransaction(self, request: pb.SignTransactionRequest, context: Context) -> pb.SignTransactionResponse:
        """See the proto."""
        await self._rules.bindings.sign(self._callers.of(context), request.transaction_id, request.binding_der)
        return pb.SignTransactionResponse(status=await self._status(request.transaction_id))

    async def ConfirmTransaction(
        self, request: pb.ConfirmTransactionRequest, context: Context
    ) -> pb.ConfirmTransactionResponse:
        """See the proto."""
        caller = self._callers.of(context)
        await self._rules.confirmations.confirm(caller, request.transaction_id, request.binding_sha256, request.code)
        return pb.ConfirmTransactionResponse(status=await self._status(request.transaction_id))

    async def RefuseTransaction(
        self, request: pb.RefuseTransactionRequest, context: Context
    ) -> pb.RefuseTransactionResponse:
        """See the proto."""
        await self._rules.views.refuse(await self._viewer(context), request.transaction_id)
        return pb.RefuseTransactionResponse(status=await self._status(request.transaction_id))

    async def GetTransaction(self, request: pb.GetTransactionRequest, context: Context) -> pb.GetTransactionResponse:
        """See the proto."""
        shown = await self._rules.views.get(await self._viewer(context), request.transaction_id)
        return pb.GetTransactionResponse(status=status_to_proto(shown))

    async def ListTransactions(
        self, request: pb.ListTransactionsRequest, context: Context
    ) -> pb.ListTransactionsResponse:
        """See the proto."""
        page = await self._rules.views.list(await self._viewer(context), request.page_size, request.page_token)
        return pb.ListTransactionsResponse(
            transactions=map(status_to_proto, page.rows), next_page_token=page.next_token
        )

    async def _status(self, transaction_id: str) -> pb.TransactionStatus:
        return status_to_proto(await self._rules.views.show(transaction_id))

    async def _viewer(self, context: Context) -> Viewer:
        caller, token = self._callers.of(context), login_token(context)
        return Viewer(caller, None if token is None else await self._rules.logins.read(token, caller))
