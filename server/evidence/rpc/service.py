"""EvidenceService."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, Final

import grpc
from fourseal.v1 import evidence_service_pb2 as pb
from fourseal.v1 import evidence_service_pb2_grpc

from contract.names import check_account_name, check_envelope_id, check_session_id
from mpc.errors import FoursealError
from server.evidence.contents import Finish, Part
from server.evidence.deposits import Deposited
from server.evidence.rules import EvidenceRules
from server.evidence.store.permissions import PermissionRow
from server.evidence.store.records import RecordRow
from server.evidence.store.requests import PermissionRequestRow
from server.identity import CallerReader, Login
from server.journal import request_of
from wire.catalogue import ServiceError
from wire.convert import timestamp_of
from wire.limits import MAX_BATCH_ITEMS, MAX_RECORDS_BYTES
from wire.peer import login_token
from wire.status import item_error

Context = grpc.aio.ServicerContext[Any, Any]
_DIGEST_BYTES: Final = 32


class EvidenceRpc(evidence_service_pb2_grpc.EvidenceServiceServicer):
    """EvidenceService.

    Args:
        callers: says which agent calls.
        rules: what is done.
    """

    def __init__(self, callers: CallerReader, rules: EvidenceRules) -> None:
        self._callers = callers
        self._rules = rules

    async def PutContent(
        self, requests: AsyncIterator[pb.PutContentRequest], context: Context
    ) -> pb.PutContentResponse:
        """See the proto."""
        login = await self._login(context)
        no_start = ServiceError("FIELD_INVALID", field="part", problem="a stream begins with a start")
        first = await self._rules.contents.senders.next_in_time(requests, no_start)
        if first is None or first.WhichOneof("part") != "start":
            raise no_start
        start = first.start
        end = await self._rules.contents.put(
            login,
            check_session_id(start.session_id),
            check_envelope_id(start.envelope_id),
            start.content_length,
            start.first_byte,
            _parts(requests),
        )
        return pb.PutContentResponse(expire_time=timestamp_of(end))

    async def GetContentUpload(
        self, request: pb.GetContentUploadRequest, context: Context
    ) -> pb.GetContentUploadResponse:
        """See the proto."""
        login = await self._login(context)
        length, finished = await self._rules.contents.state(login, check_envelope_id(request.envelope_id))
        return pb.GetContentUploadResponse(first_byte=length, finished=finished)

    async def DepositEvidence(self, request: pb.DepositEvidenceRequest, context: Context) -> pb.DepositEvidenceResponse:
        """See the proto."""
        login = await self._login(context)
        return _deposited(await self._rules.deposits.deposit(login, request.record_der))

    async def BatchDepositEvidence(
        self, request: pb.BatchDepositEvidenceRequest, context: Context
    ) -> pb.BatchDepositEvidenceResponse:
        """See the proto."""
        login = await self._login(context)
        if not 1 <= len(request.items) <= MAX_BATCH_ITEMS:
            raise ServiceError("BATCH_SIZE_WRONG", maximum=MAX_BATCH_ITEMS, found=len(request.items))
        records = [item.record_der for item in request.items]
        if sum(map(len, records)) > MAX_RECORDS_BYTES:
            raise ServiceError("FIELD_INVALID", field="items", problem=f"more than {MAX_RECORDS_BYTES} bytes together")
        outcomes = await self._rules.deposits.deposit_all(login, records)
        return pb.BatchDepositEvidenceResponse(results=map(_deposit_result, outcomes))

    async def ListEvidence(self, request: pb.ListEvidenceRequest, context: Context) -> pb.ListEvidenceResponse:
        """See the proto."""
        login = await self._login(context)
        session_id = check_session_id(request.session_id)
        page = await self._rules.reading.list(login, session_id, request.page_size, request.page_token)
        return pb.ListEvidenceResponse(evidence=map(_summary, page.rows), next_page_token=page.next_token)

    async def GetEvidence(self, request: pb.GetEvidenceRequest, context: Context) -> pb.GetEvidenceResponse:
        """See the proto."""
        login = await self._login(context)
        found = await self._rules.reading.get(login, _digest(request.statement_digest, "statement_digest"))
        transparency = self._rules.transparency
        return pb.GetEvidenceResponse(
            summary=_summary(found.row),
            entry_der=found.entry,
            receipt=found.receipt,
            time_stamp_der=found.time_stamp or b"",
            author_certificate_der=found.author_certificate,
            session_sign_certificate_der=found.session_sign_certificate,
            session_encrypt_certificate_der=found.session_encrypt_certificate,
            authority_certificate_der=found.authority_certificate,
            log_verifier_key=transparency.verifier.to_text(),
            log_certificate_der=transparency.certificate_der,
            answer_digests=found.answers,
            permission_der=found.permission or b"",
        )

    async def GetEvidenceContent(
        self, request: pb.GetEvidenceContentRequest, context: Context
    ) -> AsyncIterator[pb.GetEvidenceContentResponse]:
        """See the proto."""
        login = await self._login(context)
        row = await self._rules.reading.find(login, _digest(request.statement_digest, "statement_digest"))
        if not row.content_kept:
            raise ServiceError("EVIDENCE_CONTENT_DELETED")
        pieces = self._rules.contents.pieces(login, row.content_digest, row.content_length, request.first_byte)
        async with aclosing(pieces):
            async for piece in pieces:
                yield pb.GetEvidenceContentResponse(piece=piece)

    async def GrantPermission(self, request: pb.GrantPermissionRequest, context: Context) -> pb.GrantPermissionResponse:
        """See the proto."""
        login = await self._login(context)
        journaled = request_of(login.caller, request.request_id, "GrantPermission", request, account=login.account)
        row = await self._rules.permissions.grant(journaled, login, request.permission_der)
        return pb.GrantPermissionResponse(permission=_permission(row))

    async def ListPermissions(self, request: pb.ListPermissionsRequest, context: Context) -> pb.ListPermissionsResponse:
        """See the proto."""
        login = await self._login(context)
        page = await self._rules.permissions.list(login, request.page_size, request.page_token)
        return pb.ListPermissionsResponse(permissions=map(_permission, page.rows), next_page_token=page.next_token)

    async def RevokePermission(
        self, request: pb.RevokePermissionRequest, context: Context
    ) -> pb.RevokePermissionResponse:
        """See the proto."""
        login = await self._login(context)
        digest = _digest(request.permission_digest, "permission_digest")
        journaled = request_of(login.caller, request.request_id, "RevokePermission", request, account=login.account)
        revoke_time = await self._rules.permissions.revoke(journaled, login, digest)
        return pb.RevokePermissionResponse(revoke_time=timestamp_of(revoke_time))

    async def AskPermission(self, request: pb.AskPermissionRequest, context: Context) -> pb.AskPermissionResponse:
        """See the proto."""
        login = await self._login(context)
        digest = _digest(request.statement_digest, "statement_digest")
        journaled = request_of(login.caller, request.request_id, "AskPermission", request, account=login.account)
        await self._rules.asking.ask(journaled, login, digest, request.why)
        return pb.AskPermissionResponse()

    async def ListPermissionRequests(
        self, request: pb.ListPermissionRequestsRequest, context: Context
    ) -> pb.ListPermissionRequestsResponse:
        """See the proto."""
        login = await self._login(context)
        page = await self._rules.asking.list(login, request.page_size, request.page_token)
        return pb.ListPermissionRequestsResponse(
            permission_requests=map(_permission_request, page.rows), next_page_token=page.next_token
        )

    async def RefusePermission(
        self, request: pb.RefusePermissionRequest, context: Context
    ) -> pb.RefusePermissionResponse:
        """See the proto."""
        login = await self._login(context)
        digest = _digest(request.statement_digest, "statement_digest")
        journaled = request_of(login.caller, request.request_id, "RefusePermission", request, account=login.account)
        await self._rules.asking.refuse(journaled, login, digest, check_account_name(request.asker))
        return pb.RefusePermissionResponse()

    async def _login(self, context: Context) -> Login:
        caller = self._callers.of(context)
        return await self._rules.logins.read(login_token(context), caller)


async def _parts(requests: AsyncIterator[pb.PutContentRequest]) -> AsyncIterator[Part]:
    async for request in requests:
        match request.WhichOneof("part"):
            case "piece":
                yield request.piece
            case "finish":
                yield Finish(_digest(request.finish.content_digest, "content_digest"))
                return
            case _:
                raise ServiceError("FIELD_INVALID", field="part", problem="neither a piece nor a finish")


def _digest(value: bytes, field: str) -> bytes:
    if len(value) != _DIGEST_BYTES:
        raise ServiceError("FIELD_INVALID", field=field, problem=f"not {_DIGEST_BYTES} bytes")
    return value


def _deposit_result(outcome: Deposited | FoursealError) -> pb.BatchDepositEvidenceResult:
    if isinstance(outcome, FoursealError):
        return pb.BatchDepositEvidenceResult(error=item_error(outcome))
    return pb.BatchDepositEvidenceResult(deposited=_deposited(outcome))


def _deposited(made: Deposited) -> pb.DepositEvidenceResponse:
    return pb.DepositEvidenceResponse(
        log_index=made.row.log_index,
        deposit_time=timestamp_of(made.row.deposit_time),
        entry_der=made.entry_der,
        receipt=made.receipt,
    )


def _summary(row: RecordRow) -> pb.EvidenceSummary:
    return pb.EvidenceSummary(
        statement_digest=row.statement_digest,
        session_id=row.session_id,
        author=row.author,
        log_index=row.log_index,
        deposit_time=timestamp_of(row.deposit_time),
        content_length=row.content_length,
        content_kept=row.content_kept,
        answered_digest=row.answered_digest or b"",
    )


def _permission(row: PermissionRow) -> pb.Permission:
    return pb.Permission(
        permission_digest=row.permission_digest,
        permission_der=row.permission,
        log_index=row.log_index,
        grant_time=timestamp_of(row.grant_time),
        revoke_time=None if row.revoke_time is None else timestamp_of(row.revoke_time),
    )


def _permission_request(row: PermissionRequestRow) -> pb.PermissionRequest:
    return pb.PermissionRequest(
        statement_digest=row.statement_digest,
        asker=row.asker,
        why=row.why,
        ask_time=timestamp_of(row.ask_time),
        expire_time=timestamp_of(row.end_time),
    )
