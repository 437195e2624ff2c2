"""DraftingService."""

from __future__ import annotations

from typing import Any

import grpc
from fourseal.v1 import drafting_service_pb2 as pb
from fourseal.v1 import drafting_service_pb2_grpc

from server.drafting.rpc.convert import (
    archive_to_proto,
    contract_to_proto,
    document_to_proto,
    draft_from_proto,
    signature_from_proto,
    summary_to_proto,
    version_to_proto,
)
from server.drafting.rules import DraftingRules
from server.identity import CallerReader, Login
from server.journal import Request, request_of
from wire.catalogue import ServiceError
from wire.peer import login_token

Context = grpc.aio.ServicerContext[Any, Any]
_Changing = (
    pb.CreateContractRequest
    | pb.AddVersionRequest
    | pb.PassPenRequest
    | pb.ConfirmVersionRequest
    | pb.ReopenContractRequest
    | pb.SignContractRequest
    | pb.ConsentContractRequest
    | pb.RefuseContractRequest
    | pb.FinishContractRequest
    | pb.AddPdfSignatureRequest
)


class DraftingRpc(drafting_service_pb2_grpc.DraftingServiceServicer):
    """DraftingService.

    Args:
        callers: says who calls.
        rules: what is done.
    """

    def __init__(self, callers: CallerReader, rules: DraftingRules) -> None:
        self._callers = callers
        self._rules = rules

    async def CreateContract(self, request: pb.CreateContractRequest, context: Context) -> pb.CreateContractResponse:
        """See the proto."""
        login, journaled = await self._change("CreateContract", request, context)
        draft = draft_from_proto(request.draft)
        made = await self._rules.drafts.create(journaled, login, request.title, request.accounts, draft)
        return pb.CreateContractResponse(contract=await self._show(login, made))

    async def ListContracts(self, request: pb.ListContractsRequest, context: Context) -> pb.ListContractsResponse:
        """See the proto."""
        login = await self._login(context)
        page = await self._rules.reading.list(login, request.page_size, request.page_token)
        return pb.ListContractsResponse(contracts=map(summary_to_proto, page.rows), next_page_token=page.next_token)

    async def GetContract(self, request: pb.GetContractRequest, context: Context) -> pb.GetContractResponse:
        """See the proto."""
        return pb.GetContractResponse(contract=await self._show(await self._login(context), request.contract_id))

    async def GetVersion(self, request: pb.GetVersionRequest, context: Context) -> pb.GetVersionResponse:
        """See the proto."""
        login = await self._login(context)
        version, content = await self._rules.reading.version(login, request.contract_id, request.number)
        return pb.GetVersionResponse(version=version_to_proto(version), content=content)

    async def AddVersion(self, request: pb.AddVersionRequest, context: Context) -> pb.AddVersionResponse:
        """See the proto."""
        login, journaled = await self._change("AddVersion", request, context)
        draft = draft_from_proto(request.draft)
        await self._rules.drafts.add_version(journaled, login, request.contract_id, request.based_on, draft)
        return pb.AddVersionResponse(contract=await self._show(login, request.contract_id))

    async def PassPen(self, request: pb.PassPenRequest, context: Context) -> pb.PassPenResponse:
        """See the proto."""
        login, journaled = await self._change("PassPen", request, context)
        await self._rules.drafts.pass_pen(journaled, login, request.contract_id, request.account)
        return pb.PassPenResponse(contract=await self._show(login, request.contract_id))

    async def ConfirmVersion(self, request: pb.ConfirmVersionRequest, context: Context) -> pb.ConfirmVersionResponse:
        """See the proto."""
        login, journaled = await self._change("ConfirmVersion", request, context)
        await self._rules.drafts.confirm(
            journaled, login, request.contract_id, request.number, request.certificate_sha256
        )
        return pb.ConfirmVersionResponse(contract=await self._show(login, request.contract_id))

    async def ReopenContract(self, request: pb.ReopenContractRequest, context: Context) -> pb.ReopenContractResponse:
        """See the proto."""
        login, journaled = await self._change("ReopenContract", request, context)
        await self._rules.drafts.reopen(journaled, login, request.contract_id, request.reason)
        return pb.ReopenContractResponse(contract=await self._show(login, request.contract_id))

    async def SignContract(self, request: pb.SignContractRequest, context: Context) -> pb.SignContractResponse:
        """See the proto."""
        login, journaled = await self._change("SignContract", request, context)
        signature = signature_from_proto(request.signature)
        signed = await self._rules.signing.sign(journaled, login, request.statement_der, request.mark, signature)
        return pb.SignContractResponse(contract=await self._show(login, signed))

    async def ConsentContract(self, request: pb.ConsentContractRequest, context: Context) -> pb.ConsentContractResponse:
        """See the proto."""
        login, journaled = await self._change("ConsentContract", request, context)
        signature = signature_from_proto(request.signature)
        consented = await self._rules.signing.consent(journaled, login, request.statement_der, signature)
        return pb.ConsentContractResponse(contract=await self._show(login, consented))

    async def RefuseContract(self, request: pb.RefuseContractRequest, context: Context) -> pb.RefuseContractResponse:
        """See the proto."""
        login, journaled = await self._change("RefuseContract", request, context)
        await self._rules.drafts.refuse(journaled, login, request.contract_id, request.reason)
        return pb.RefuseContractResponse(contract=await self._show(login, request.contract_id))

    async def FinishContract(self, request: pb.FinishContractRequest, context: Context) -> pb.FinishContractResponse:
        """See the proto."""
        login, journaled = await self._change("FinishContract", request, context)
        await self._rules.finishing.finish(journaled, login, request.contract_id)
        return pb.FinishContractResponse(contract=await self._show(login, request.contract_id))

    async def GetDocument(self, request: pb.GetDocumentRequest, context: Context) -> pb.GetDocumentResponse:
        """See the proto."""
        login, reading = await self._login(context), self._rules.reading
        kinds = {
            pb.CONTRACT_DOCUMENT_PDF: reading.pdf,
            pb.CONTRACT_DOCUMENT_DOCX: reading.docx,
            pb.CONTRACT_DOCUMENT_EVIDENCE: reading.evidence,
        }
        if request.document not in kinds:
            raise ServiceError("FIELD_INVALID", field="document", problem="there is no such document")
        return document_to_proto(await kinds[request.document](login, request.contract_id))

    async def AddPdfSignature(self, request: pb.AddPdfSignatureRequest, context: Context) -> pb.AddPdfSignatureResponse:
        """See the proto."""
        login, journaled = await self._change("AddPdfSignature", request, context)
        await self._rules.revisions.add(journaled, login, request.contract_id, request.base_revision, request.content)
        return pb.AddPdfSignatureResponse(contract=await self._show(login, request.contract_id))

    async def VerifyArchived(self, request: pb.VerifyArchivedRequest, context: Context) -> pb.VerifyArchivedResponse:
        """See the proto."""
        await self._login(context)
        return archive_to_proto(await self._rules.reading.verify(request.serial, request.text_digest))

    async def _login(self, context: Context) -> Login:
        return await self._rules.logins.read(login_token(context), self._callers.of(context))

    async def _change(self, method: str, request: _Changing, context: Context) -> tuple[Login, Request]:
        login = await self._login(context)
        return login, request_of(login.caller, request.request_id, method, request, account=login.account)

    async def _show(self, login: Login, contract_id: str) -> pb.Contract:
        return contract_to_proto(await self._rules.reading.get(login, contract_id))
