"""ContractSessionService."""

from __future__ import annotations

from typing import Any

import grpc
from fourseal.v1 import contract_session_pb2, contract_session_service_pb2_grpc
from fourseal.v1 import contract_session_service_pb2 as pb

from contract.names import check_session_id
from server.identity import CallerReader, Login
from server.journal import Request, request_of
from server.journal.requests import Message
from server.sessions.creation import CreationWish
from server.sessions.key_decryptions import DecryptionWish
from server.sessions.rpc.convert import revision_to_proto, scheme_from_proto, session_to_proto
from server.sessions.rules import SessionRules
from server.sessions.statements import StatementWish
from wire.catalogue import ServiceError
from wire.convert import time_of, timestamp_of
from wire.peer import login_token

Context = grpc.aio.ServicerContext[Any, Any]


class ContractSessionRpc(contract_session_service_pb2_grpc.ContractSessionServiceServicer):
    """ContractSessionService.

    Args:
        callers: says who calls.
        rules: what is done.
    """

    def __init__(self, callers: CallerReader, rules: SessionRules) -> None:
        self._callers = callers
        self._rules = rules

    async def CreateSession(self, request: pb.CreateSessionRequest, context: Context) -> pb.CreateSessionResponse:
        """See the proto."""
        login = await self._login(context)
        if not request.HasField("end_time"):
            raise ServiceError("FIELD_INVALID", field="end_time", problem="is required")
        begins = time_of(request.begin_time, "begin_time") if request.HasField("begin_time") else None
        wish = CreationWish(
            request=_request(login, request.request_id, "CreateSession", request),
            login=login,
            subject=request.subject,
            place=request.place,
            begin=begins,
            end=time_of(request.end_time, "end_time"),
            invited=tuple(request.invited),
            scheme=scheme_from_proto(request.scheme),
            all_is_evidence=request.all_is_evidence,
        )
        session_id = await self._rules.creation.create(wish)
        return pb.CreateSessionResponse(session=await self._session(login, session_id))

    async def GetSession(self, request: pb.GetSessionRequest, context: Context) -> pb.GetSessionResponse:
        """See the proto."""
        login = await self._login(context)
        return pb.GetSessionResponse(session=await self._session(login, check_session_id(request.session_id)))

    async def ListSessions(self, request: pb.ListSessionsRequest, context: Context) -> pb.ListSessionsResponse:
        """See the proto."""
        login = await self._login(context)
        page = await self._rules.reading.list(login, request.page_size, request.page_token)
        return pb.ListSessionsResponse(
            sessions=[session_to_proto(view, self._rules.relay_address) for view in page.rows],
            next_page_token=page.next_token,
        )

    async def GetSessionCertificates(
        self, request: pb.GetSessionCertificatesRequest, context: Context
    ) -> pb.GetSessionCertificatesResponse:
        """See the proto."""
        login = await self._login(context)
        session_id = check_session_id(request.session_id)
        return revision_to_proto(await self._rules.reading.certificates(login, session_id, request.fingerprint))

    async def InviteMembers(self, request: pb.InviteMembersRequest, context: Context) -> pb.InviteMembersResponse:
        """See the proto."""
        login = await self._login(context)
        session_id = check_session_id(request.session_id)
        journaled = _request(login, request.request_id, "InviteMembers", request)
        await self._rules.membership.invite(journaled, login, session_id, request.names)
        return pb.InviteMembersResponse(session=await self._session(login, session_id))

    async def JoinSession(self, request: pb.JoinSessionRequest, context: Context) -> pb.JoinSessionResponse:
        """See the proto."""
        login = await self._login(context)
        session_id = check_session_id(request.session_id)
        journaled = _request(login, request.request_id, "JoinSession", request)
        await self._rules.membership.join(journaled, login, session_id)
        return pb.JoinSessionResponse(session=await self._session(login, session_id))

    async def LeaveSession(self, request: pb.LeaveSessionRequest, context: Context) -> pb.LeaveSessionResponse:
        """See the proto."""
        login = await self._login(context)
        session_id = check_session_id(request.session_id)
        journaled = _request(login, request.request_id, "LeaveSession", request)
        await self._rules.membership.leave(journaled, login, session_id)
        return pb.LeaveSessionResponse()

    async def RemoveMember(self, request: pb.RemoveMemberRequest, context: Context) -> pb.RemoveMemberResponse:
        """See the proto."""
        login = await self._login(context)
        session_id = check_session_id(request.session_id)
        journaled = _request(login, request.request_id, "RemoveMember", request)
        await self._rules.membership.remove(journaled, login, session_id, request.name)
        return pb.RemoveMemberResponse(session=await self._session(login, session_id))

    async def CloseSession(self, request: pb.CloseSessionRequest, context: Context) -> pb.CloseSessionResponse:
        """See the proto."""
        login = await self._login(context)
        session_id = check_session_id(request.session_id)
        journaled = _request(login, request.request_id, "CloseSession", request)
        await self._rules.closing.close(journaled, login, session_id)
        return pb.CloseSessionResponse(session=await self._session(login, session_id))

    async def SignStatement(self, request: pb.SignStatementRequest, context: Context) -> pb.SignStatementResponse:
        """See the proto."""
        login = await self._login(context)
        named = pb.SignStatementRequest()
        named.CopyFrom(request)
        if not request.salt:  # an author's own signature is another one each time; the session's is over the same bytes
            named.ClearField("author_signature")
        wish = StatementWish(
            request=_request(login, request.request_id, "SignStatement", named),
            login=login,
            statement_der=request.statement_der,
            salt=request.salt,
            author_signature=request.author_signature,
        )
        signed = await self._rules.statements.sign(wish)
        return pb.SignStatementResponse(signature=signed.signature, sign_time=timestamp_of(signed.sign_time))

    async def DecryptKey(self, request: pb.DecryptKeyRequest, context: Context) -> pb.DecryptKeyResponse:
        """See the proto."""
        login = await self._login(context)
        wish = DecryptionWish(
            request=_request(login, request.request_id, "DecryptKey", request),
            login=login,
            session_id=check_session_id(request.session_id),
            ciphertext_der=request.key_ciphertext_der,
        )
        return pb.DecryptKeyResponse(partial=await self._rules.decryptions.decrypt(wish))

    async def GetRelayPass(self, request: pb.GetRelayPassRequest, context: Context) -> pb.GetRelayPassResponse:
        """See the proto."""
        login = await self._login(context)
        given, end = await self._rules.passes.give(login, check_session_id(request.session_id))
        return pb.GetRelayPassResponse(pass_der=given, expire_time=timestamp_of(end))

    async def _login(self, context: Context) -> Login:
        caller = self._callers.of(context)
        return await self._rules.logins.read(login_token(context), caller)

    async def _session(self, login: Login, session_id: str) -> contract_session_pb2.ContractSession:
        view = await self._rules.reading.get(login, session_id)
        return session_to_proto(view, self._rules.relay_address)


def _request(login: Login, request_id: str, method: str, message: Message) -> Request:
    return request_of(login.caller, request_id, method, message, account=login.account)
