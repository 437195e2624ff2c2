"""The daemon's face for contract sessions: decode, ask the account that is logged in, encode."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from datetime import UTC
from functools import partial
from pathlib import Path
from typing import Any, Final

import grpc
from fourseal.v1 import agent_contract_service_pb2 as pb
from fourseal.v1 import agent_contract_service_pb2_grpc

from contract.names import check_account_name, check_content_type, check_file_name, check_session_id
from contract.statement import Decision
from signer_agent.contracts.account_messages import factor_to_proto
from signer_agent.contracts.answers import is_evidence
from signer_agent.contracts.login import LoginAttempt
from signer_agent.contracts.messages import Messages
from signer_agent.contracts.sessions import Sessions
from signer_agent.contracts.sources import UNKNOWN_TYPE
from signer_agent.daemon.contract_messages import (
    decision_from_proto,
    message_to_proto,
    received_to_proto,
    scheme_from_proto,
    sent_to_proto,
    session_to_proto,
    summary_to_proto,
)
from signer_agent.daemon.evidence_messages import evidence_summary_to_proto, evidence_to_proto
from signer_agent.daemon.opened import Opened
from signer_agent.daemon.streams import DIGEST_BYTES, content_of, source_of, until
from signer_agent.evidence.evidence import Evidence
from signer_agent.requests import checked_page_size
from wire.catalogue import ServiceError
from wire.convert import timestamp_of
from wire.ids import check_request_id
from wire.interceptor import call_seconds
from wire.limits import DEFAULT_PAGE_SIZE

Context = grpc.aio.ServicerContext[Any, Any]

_WATCH_RESERVE_SECONDS: Final = 1.0  # so that a watch ends by itself, and not by its deadline
_MAX_NUMBER_DIGITS: Final = 8


class AgentContractRpc(agent_contract_service_pb2_grpc.AgentContractServiceServicer):
    """AgentContractService.

    Args:
        opened: gives the opened key store; raises ServiceError (AGENT_LOCKED).
        folder: private, of what lives as long as a daemon.
    """

    def __init__(self, opened: Callable[[], Opened], folder: Path) -> None:
        self._opened = opened
        self._folder = folder

    async def BeginAgentLogin(self, request: pb.BeginAgentLoginRequest, context: Context) -> pb.BeginAgentLoginResponse:
        """See the proto."""
        async with self._opened().contracts() as contracts:
            attempt = await contracts.logins.begin(request.name, request.password)
            return pb.BeginAgentLoginResponse(
                challenge=attempt.challenge,
                second_factors=map(factor_to_proto, attempt.second_factors),
                webauthn_options_json=attempt.webauthn_options_json,
            )

    async def SendAgentLoginCode(
        self, request: pb.SendAgentLoginCodeRequest, context: Context
    ) -> pb.SendAgentLoginCodeResponse:
        """See the proto."""
        async with self._opened().contracts() as contracts:
            await contracts.logins.send_code(LoginAttempt("", request.challenge, (), ""), request.factor_id)
            return pb.SendAgentLoginCodeResponse()

    async def FinishAgentLogin(
        self, request: pb.FinishAgentLoginRequest, context: Context
    ) -> pb.FinishAgentLoginResponse:
        """See the proto."""
        attempt = LoginAttempt(check_account_name(request.name), request.challenge, (), "")
        async with self._opened().contracts() as contracts:
            login = await contracts.logins.finish(
                attempt, request.factor_id, code=request.code, webauthn_response_json=request.webauthn_response_json
            )
            return pb.FinishAgentLoginResponse(expire_time=timestamp_of(login.expire_time), proven=login.proven)

    async def CreateAgentSession(
        self, request: pb.CreateAgentSessionRequest, context: Context
    ) -> pb.CreateAgentSessionResponse:
        """See the proto."""
        request_id, scheme = check_request_id(request.request_id), scheme_from_proto(request.scheme)
        if not request.HasField("end_time"):
            raise ServiceError("FIELD_INVALID", field="end_time", problem="it is not set")
        async with self._sessions() as sessions:
            session = await sessions.create(
                request.subject,
                request.invited,
                request.end_time.ToDatetime(UTC),
                begin=request.begin_time.ToDatetime(UTC) if request.HasField("begin_time") else None,
                place=request.place,
                scheme=scheme,
                all_is_evidence=request.all_is_evidence,
                request_id=request_id,
            )
            return pb.CreateAgentSessionResponse(session=session_to_proto(session))

    async def GetAgentSession(self, request: pb.GetAgentSessionRequest, context: Context) -> pb.GetAgentSessionResponse:
        """See the proto."""
        async with self._messages() as messages:
            session = await messages.session(check_session_id(request.session_id))
            return pb.GetAgentSessionResponse(session=session_to_proto(session))

    async def ListAgentSessions(
        self, request: pb.ListAgentSessionsRequest, context: Context
    ) -> pb.ListAgentSessionsResponse:
        """See the proto."""
        async with self._sessions() as sessions:
            page, token = await sessions.list_page(request.page_size, request.page_token)
            return pb.ListAgentSessionsResponse(sessions=map(summary_to_proto, page), next_page_token=token)

    async def JoinAgentSession(
        self, request: pb.JoinAgentSessionRequest, context: Context
    ) -> pb.JoinAgentSessionResponse:
        """See the proto."""
        request_id = check_request_id(request.request_id)
        async with self._sessions() as sessions:
            session = await sessions.join(check_session_id(request.session_id), request_id=request_id)
            return pb.JoinAgentSessionResponse(session=session_to_proto(session))

    async def InviteAgentMembers(
        self, request: pb.InviteAgentMembersRequest, context: Context
    ) -> pb.InviteAgentMembersResponse:
        """See the proto."""
        request_id = check_request_id(request.request_id)
        async with self._sessions() as sessions:
            session = await sessions.invite(request.session_id, request.names, request_id=request_id)
            return pb.InviteAgentMembersResponse(session=session_to_proto(session))

    async def LeaveAgentSession(
        self, request: pb.LeaveAgentSessionRequest, context: Context
    ) -> pb.LeaveAgentSessionResponse:
        """See the proto."""
        request_id = check_request_id(request.request_id)
        async with self._sessions() as sessions:
            await sessions.leave(request.session_id, request_id=request_id)
            return pb.LeaveAgentSessionResponse()

    async def CloseAgentSession(
        self, request: pb.CloseAgentSessionRequest, context: Context
    ) -> pb.CloseAgentSessionResponse:
        """See the proto."""
        request_id = check_request_id(request.request_id)
        async with self._sessions() as sessions:
            session = await sessions.close(check_session_id(request.session_id), request_id=request_id)
            return pb.CloseAgentSessionResponse(session=session_to_proto(session))

    async def SendMessage(
        self, requests: AsyncIterator[pb.SendMessageRequest], context: Context
    ) -> pb.SendMessageResponse:
        """See the proto."""
        async with self._messages() as messages:
            first = await anext(requests, None)
            if first is None or first.WhichOneof("part") != "start":
                raise ServiceError("FIELD_INVALID", field="start", problem="it must come first")
            start = first.start
            request_id = check_request_id(start.request_id)
            check_content_type(start.content_type or UNKNOWN_TYPE)
            check_file_name(start.name)
            session_id = check_session_id(start.session_id)

            async def read_twice() -> bool:
                return is_evidence((await messages.session(session_id)).info, asked=start.evidence)

            async with source_of(start, requests, read_twice, self._folder) as source:
                sent = await messages.send(
                    session_id,
                    source,
                    start.recipients,
                    reply_to=start.reply_to or None,
                    evidence=start.evidence,
                    request_id=request_id,
                )
            return pb.SendMessageResponse(message=sent_to_proto(sent))

    async def AnswerMessage(self, request: pb.AnswerMessageRequest, context: Context) -> pb.AnswerMessageResponse:
        """See the proto."""
        request_id, decision = check_request_id(request.request_id), decision_from_proto(request.decision)
        async with self._messages() as messages:
            answer = messages.accept if decision is Decision.ACCEPT else messages.reject
            sent = await answer(request.number, request.text, request_id=request_id)
            return pb.AnswerMessageResponse(message=sent_to_proto(sent))

    async def ListMessages(self, request: pb.ListMessagesRequest, context: Context) -> pb.ListMessagesResponse:
        """See the proto."""
        size, after = checked_page_size(request.page_size) or DEFAULT_PAGE_SIZE, _number_of(request.page_token)
        async with self._messages() as messages:
            page = await messages.page(after, size)
        token = str(page[-1].number) if len(page) == size else ""
        return pb.ListMessagesResponse(messages=map(message_to_proto, page), next_page_token=token)

    async def GetMessageContent(
        self, request: pb.GetMessageContentRequest, context: Context
    ) -> AsyncIterator[pb.GetMessageContentResponse]:
        """See the proto."""
        async with (
            self._messages() as messages,
            aclosing(content_of(partial(messages.write_content, request.number))) as pieces,
        ):
            async for piece in pieces:
                yield pb.GetMessageContentResponse(piece=piece)

    async def WatchMessages(
        self, request: pb.WatchMessagesRequest, context: Context
    ) -> AsyncIterator[pb.WatchMessagesResponse]:
        """See the proto."""
        seconds = call_seconds(context) - _WATCH_RESERVE_SECONDS
        closing = self._opened().closing
        async with (
            self._messages() as messages,
            aclosing(messages.receive(check_session_id(request.session_id), follow=True)) as received,
            aclosing(until(received, closing, seconds)) as results,
        ):
            async for result in results:
                yield received_to_proto(result)

    async def ListAgentEvidence(
        self, request: pb.ListAgentEvidenceRequest, context: Context
    ) -> pb.ListAgentEvidenceResponse:
        """See the proto."""
        async with self._evidence() as evidence:
            page, token = await evidence.list_page(request.session_id, request.page_size, request.page_token)
            return pb.ListAgentEvidenceResponse(evidence=map(evidence_summary_to_proto, page), next_page_token=token)

    async def OpenAgentEvidence(
        self, request: pb.OpenAgentEvidenceRequest, context: Context
    ) -> AsyncIterator[pb.OpenAgentEvidenceResponse]:
        """See the proto."""
        digest = _digest_of(request.statement_sha256)
        async with self._evidence() as evidence, evidence.opening(digest) as opening:
            yield pb.OpenAgentEvidenceResponse(evidence=evidence_to_proto(opening.opened))
            if request.with_content:
                async with aclosing(content_of(opening.write_content)) as pieces:
                    async for piece in pieces:
                        yield pb.OpenAgentEvidenceResponse(piece=piece)

    @asynccontextmanager
    async def _evidence(self) -> AsyncIterator[Evidence]:
        async with self._opened().account() as (signer, _), self._opened().contracts() as contracts:
            yield await Evidence.of(signer, contracts.store)

    @asynccontextmanager
    async def _messages(self) -> AsyncIterator[Messages]:
        async with self._opened().account() as (_, messages):
            yield messages

    @asynccontextmanager
    async def _sessions(self) -> AsyncIterator[Sessions]:
        async with self._opened().account() as (signer, _):
            yield Sessions(signer)


def _digest_of(value: bytes) -> bytes:
    if len(value) != DIGEST_BYTES:
        raise ServiceError("FIELD_INVALID", field="statement_sha256", problem=f"it must have {DIGEST_BYTES} bytes")
    return value


def _number_of(page_token: str) -> int:
    """The number of the last message of the page before; 0 for the first page. Raises PAGE_TOKEN_INVALID."""
    if not page_token:
        return 0
    if not (page_token.isascii() and page_token.isdigit() and len(page_token) <= _MAX_NUMBER_DIGITS):
        raise ServiceError("PAGE_TOKEN_INVALID")
    return int(page_token)
