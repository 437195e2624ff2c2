"""Answers: accepting or rejecting a message, and who has answered what.

An answer is a statement of its own that contains the whole statement that it answers; author and session sign it like
any other. It goes to the author of the answered message and to its other recipients who are still members.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from contract.session_info import SessionInfo
from contract.statement import Decision, Statement
from signer_agent.contracts.earlier import EarlierMessage, find_earlier
from signer_agent.contracts.mailbox_entry import Message
from signer_agent.contracts.outbox_entry import OutboxEntry
from signer_agent.contracts.register import Register
from signer_agent.contracts.register_entry import SeenAnswer
from wire.catalogue import ServiceError


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A message of ours that the media server has.

    Args:
        envelope_id: of its envelope.
        statement: what was signed.
        content_type: media type.
        name: file name, or empty.
        length: bytes of its content.
        digest: SHA-256 of its content, 32 bytes.
        expire_time: until when the media server keeps it for who has not fetched it, UTC.
        earlier: what it is an answer or a reply to; None if it is neither.
        answers: of its recipients, as far as they are here.
        log_index: where the log has it, if it is evidence.
    """

    envelope_id: str
    statement: Statement
    content_type: str
    name: str
    length: int
    digest: bytes
    expire_time: datetime
    earlier: EarlierMessage | None
    answers: tuple[SeenAnswer, ...]
    log_index: int | None


def sent_message(entry: OutboxEntry, register: Register) -> SentMessage:
    """A finished entry of the outbox, with what the register knows of it. Reads files; raises as ``Register``."""
    signing = entry.require_signing()
    description = signing.description
    return SentMessage(
        entry.envelope_id,
        signing.statement,
        description.content_type,
        description.name,
        description.length,
        description.digest,
        entry.expire_time or entry.create_time,
        find_earlier(register, signing.statement, description.in_reply_to),
        tuple(register.answers_to(signing.statement)),
        entry.evidence.deposit.log_index if entry.evidence and entry.evidence.deposit else None,
    )


def is_evidence(info: SessionInfo, *, asked: bool = False, answered: Message | None = None) -> bool:
    """Whether a message is sent as evidence. The one place that decides it.

    Args:
        info: of its session, which may have the rule that all is evidence.
        asked: its author wants it.
        answered: the message that it answers: an answer to evidence is evidence.
    """
    return info.all_is_evidence or asked or (answered is not None and answered.log_index is not None)


def require_answerable(message: Message, decision: Decision, text: str, answers: Iterable[SeenAnswer]) -> None:
    """Raise unless a message can be answered so.

    Raises:
        ServiceError: REASON_MISSING: a message is rejected for a reason; ANSWER_TO_ANSWER; ANSWERED_ALREADY;
            MESSAGE_NOT_VERIFIED: what does not hold is not accepted.
    """
    number = message.number
    if decision is Decision.REJECT and not text.strip():
        raise ServiceError("REASON_MISSING")
    if message.statement.answer is not None:
        raise ServiceError("ANSWER_TO_ANSWER", number=number)
    for answer in answers:
        if not answer.number:
            raise ServiceError("ANSWERED_ALREADY", number=number, decision=answer.decision.value)
    if decision is Decision.ACCEPT and not message.verdict.verified:
        raise ServiceError("MESSAGE_NOT_VERIFIED", number=number, problem=message.verdict.problem)


def everybody_of(statement: Statement, ourselves: str, members: Iterable[str]) -> tuple[str, ...]:
    """Author and recipients of a statement who are members, without ourselves, sorted."""
    addressed = {statement.author, *(each.name for each in statement.recipients)}
    return tuple(sorted((addressed & set(members)) - {ourselves}))
