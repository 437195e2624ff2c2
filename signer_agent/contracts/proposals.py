"""What is about to be signed: made before anybody is asked, so that nothing else is signed than what was shown.

Whoever shows a proposal sends its source to its recipients. A file in it is held to what was read (``Source.hold``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from contract.statement import Decision
from signer_agent.contracts.answers import is_evidence, require_answerable
from signer_agent.contracts.earlier import EarlierMessage
from signer_agent.contracts.mailbox_entry import Message
from signer_agent.contracts.messages import Messages
from signer_agent.contracts.model import VerifiedSession
from signer_agent.contracts.sources import Source


@dataclass(frozen=True, slots=True)
class ContentProposal:
    """Content that is about to be signed and sent.

    Args:
        session: in which session.
        recipients: account names.
        source: the content; held, unless it can be read only once.
        reply_to: the message that it replies to; None if there is none.
        evidence: whether it is deposited as evidence.
    """

    session: VerifiedSession
    recipients: tuple[str, ...]
    source: Source
    reply_to: Message | None
    evidence: bool


@dataclass(frozen=True, slots=True)
class AnswerProposal:
    """An answer that is about to be signed and sent.

    Args:
        session: in which session.
        recipients: account names: the message's author and its recipients, as far as they are members.
        message: which is answered.
        earlier: what that is a reply to.
        decision: accept or reject.
        text: a remark or a reason; may be empty.
        evidence: whether it is deposited as evidence.
    """

    session: VerifiedSession
    recipients: tuple[str, ...]
    message: Message
    earlier: EarlierMessage | None
    decision: Decision
    text: str
    evidence: bool


Proposal = ContentProposal | AnswerProposal
"""What a signer is asked to agree to."""


async def propose_content(
    messages: Messages,
    session_id: str,
    source: Source,
    names: Sequence[str] = (),
    *,
    reply_to: int | None = None,
    evidence: bool = False,
) -> ContentProposal:
    """What ``Messages.send`` is about to sign. Reads all of a source that can be read again.

    Args:
        messages: of our account.
        session_id: in which session.
        source: the content; held afterwards, if it can be read again.
        names: who gets it; all other members by default.
        reply_to: number of the message that it replies to.
        evidence: whether it shall be evidence, whatever the session's rule is.

    Raises:
        FoursealError: FILE_UNUSABLE, SOURCE_CHANGED, MESSAGE_NOT_FOUND, and those of ``Messages.session``.
    """
    replied = await messages.message(reply_to) if reply_to is not None else None
    session = await messages.session(session_id)
    if source.repeatable:
        await asyncio.to_thread(source.hold)
    recipients = tuple(sorted(set(names))) or tuple(sorted(set(session.members) - {session.me}))
    return ContentProposal(session, recipients, source, replied, is_evidence(session.info, asked=evidence))


async def propose_reply(messages: Messages, number: int, source: Source, *, evidence: bool = False) -> ContentProposal:
    """What ``Messages.reply`` is about to sign. Raises as ``propose_content``."""
    message = await messages.message(number)
    names = await messages.addressed_by_answers(message)
    return await propose_content(
        messages, message.statement.session_id, source, names, reply_to=number, evidence=evidence
    )


async def propose_answer(messages: Messages, number: int, decision: Decision, text: str) -> AnswerProposal:
    """What ``Messages.accept`` or ``reject`` is about to sign. Raises as ``propose_content``."""
    message = await messages.message(number)
    require_answerable(message, decision, text, await messages.answers_to(message))
    session = await messages.session(message.statement.session_id)
    recipients = await messages.addressed_by_answers(message)
    earlier = await messages.earlier(message)
    evidence = is_evidence(session.info, answered=message)
    return AnswerProposal(session, recipients, message, earlier, decision, text, evidence)
