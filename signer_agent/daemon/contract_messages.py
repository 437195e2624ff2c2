"""Sessions and messages as the daemon sends them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fourseal.v1 import agent_contract_service_pb2 as pb
from fourseal.v1 import contract_session_pb2 as session_pb

from contract.session_info import Scheme
from contract.statement import Decision
from mpc.errors import FoursealError
from signer_agent.contracts.answers import SentMessage
from signer_agent.contracts.mailbox_entry import Message
from signer_agent.contracts.model import MemberState, SessionState, SessionSummary, VerifiedSession
from signer_agent.contracts.receiving import NotReceived, Received
from wire.catalogue import CATALOGUE, ServiceError, render
from wire.convert import timestamp_of

_SESSION_STATES: Final = {
    SessionState.OPEN: session_pb.SESSION_STATE_OPEN,
    SessionState.CLOSED: session_pb.SESSION_STATE_CLOSED,
}
_MEMBER_STATES: Final = {
    MemberState.INVITED: session_pb.MEMBER_STATE_INVITED,
    MemberState.JOINED: session_pb.MEMBER_STATE_JOINED,
    MemberState.LEFT: session_pb.MEMBER_STATE_LEFT,
}
_SCHEMES: Final = {
    Scheme.JOINT: session_pb.SESSION_SCHEME_JOINT,
    Scheme.SEPARATE: session_pb.SESSION_SCHEME_SEPARATE,
}
_SCHEMES_BACK: Final = {
    session_pb.SESSION_SCHEME_UNSPECIFIED: Scheme.JOINT,
    session_pb.SESSION_SCHEME_JOINT: Scheme.JOINT,
    session_pb.SESSION_SCHEME_SEPARATE: Scheme.SEPARATE,
}
_DECISIONS: Final = {Decision.ACCEPT: pb.ANSWER_DECISION_ACCEPT, Decision.REJECT: pb.ANSWER_DECISION_REJECT}
_DECISIONS_BACK: Final = {value: decision for decision, value in _DECISIONS.items()}


def session_to_proto(session: VerifiedSession) -> pb.AgentSession:
    """A verified session."""
    info = session.info
    return pb.AgentSession(
        session_id=session.session_id,
        state=_SESSION_STATES.get(session.state, session_pb.SESSION_STATE_UNSPECIFIED),
        scheme=_SCHEMES[info.scheme],
        subject=info.subject,
        place=info.place,
        begin_time=timestamp_of(info.begin),
        end_time=timestamp_of(info.end),
        creator=info.creator,
        members=_members(session.people),
        all_is_evidence=info.all_is_evidence,
    )


def summary_to_proto(session: SessionSummary) -> pb.AgentSession:
    """A session in a list."""
    return pb.AgentSession(
        session_id=session.session_id,
        state=_SESSION_STATES.get(session.state, session_pb.SESSION_STATE_UNSPECIFIED),
        scheme=_SCHEMES[session.scheme],
        subject=session.subject,
        begin_time=timestamp_of(session.begin),
        end_time=timestamp_of(session.end),
        creator=session.creator,
        members=_members(session.people),
    )


def message_to_proto(message: Message) -> pb.AgentMessage:
    """A message that was received."""
    statement, description = message.statement, message.description
    answer = statement.answer
    return pb.AgentMessage(
        number=message.number,
        envelope_id=message.envelope_id,
        session_id=statement.session_id,
        author=statement.author,
        sequence=statement.sequence,
        create_time=timestamp_of(statement.time),
        receive_time=timestamp_of(message.receive_time),
        recipients=[each.name for each in statement.recipients],
        content_type=description.content_type,
        name=description.name,
        content_length=description.length,
        content_sha256=description.digest,
        statement_sha256=statement.digest,
        verified=message.verdict.verified,
        problem=message.verdict.problem,
        note=message.note,
        decision=decision_to_proto(answer.decision) if answer else pb.ANSWER_DECISION_UNSPECIFIED,
        earlier_sha256=answer.statement.digest if answer else description.in_reply_to or b"",
        log_index=message.log_index,
    )


def sent_to_proto(sent: SentMessage) -> pb.SentAgentMessage:
    """A message of ours."""
    statement = sent.statement
    return pb.SentAgentMessage(
        envelope_id=sent.envelope_id,
        session_id=statement.session_id,
        sequence=statement.sequence,
        create_time=timestamp_of(statement.time),
        recipients=[each.name for each in statement.recipients],
        statement_sha256=statement.digest,
        content_sha256=sent.digest,
        content_length=sent.length,
        log_index=sent.log_index,
    )


def received_to_proto(received: Received) -> pb.WatchMessagesResponse:
    """What came."""
    if isinstance(received, NotReceived):
        not_received = pb.MessageNotReceived(
            author=received.author,
            envelope_id=received.envelope_id,
            number=received.number,
            reason=received.error.reason,
            text=_text(received.error),
        )
        return pb.WatchMessagesResponse(not_received=not_received)
    return pb.WatchMessagesResponse(message=message_to_proto(received))


def scheme_from_proto(value: session_pb.SessionScheme.ValueType) -> Scheme:
    """Raises ServiceError (FIELD_INVALID)."""
    if value not in _SCHEMES_BACK:
        raise ServiceError("FIELD_INVALID", field="scheme", problem="it is not known")
    return _SCHEMES_BACK[value]


def decision_to_proto(decision: Decision) -> pb.AnswerDecision.ValueType:
    """How a message was answered."""
    return _DECISIONS[decision]


def decision_from_proto(value: pb.AnswerDecision.ValueType) -> Decision:
    """Raises ServiceError (FIELD_INVALID)."""
    if value not in _DECISIONS_BACK:
        raise ServiceError("FIELD_INVALID", field="decision", problem="it is not set or not known")
    return _DECISIONS_BACK[value]


def _members(people: Mapping[str, MemberState]) -> list[pb.AgentSessionMember]:
    return [
        pb.AgentSessionMember(name=name, state=_MEMBER_STATES.get(state, session_pb.MEMBER_STATE_UNSPECIFIED))
        for name, state in sorted(people.items())
    ]


def _text(error: FoursealError) -> str:
    entry = CATALOGUE.get(error.reason)
    return render(entry, dict(error.metadata)) if entry else str(error)
