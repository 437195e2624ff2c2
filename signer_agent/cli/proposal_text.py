"""What is about to be signed, in plain words for people and as JSON for programs: for every command, and for chats."""

from __future__ import annotations

from typing import Any, Final

from contract.statement import Decision
from signer_agent.cli.message_text import exact_size_text, message_json, size_text, verdict_text, visible, what_text
from signer_agent.contracts.proposals import AnswerProposal, ContentProposal, Proposal

_TIME: Final = "%Y-%m-%d %H:%M:%S"
_EVIDENCE_LINE: Final = "Evidence yes: the evidence server keeps it, sealed, and its log proves that"
_VERBS: Final = {Decision.ACCEPT: "accept", Decision.REJECT: "reject"}
_QUESTIONS: Final = {Decision.ACCEPT: "Sign that you accept this?", Decision.REJECT: "Sign that you refuse this?"}


def question(proposal: Proposal) -> str:
    """What the signer is asked."""
    return "Sign and send this?" if isinstance(proposal, ContentProposal) else _QUESTIONS[proposal.decision]


def proposal_lines(proposal: Proposal) -> list[str]:
    """What the signer is about to sign, line by line."""
    lines = _content_lines(proposal) if isinstance(proposal, ContentProposal) else _answer_lines(proposal)
    return [visible(line) for line in lines]


def proposal_json(proposal: Proposal) -> dict[str, Any]:
    """The same for programs."""
    common = {
        "session_id": proposal.session.session_id,
        "recipients": list(proposal.recipients),
        "evidence": proposal.evidence,
    }
    if isinstance(proposal, AnswerProposal):
        answered = message_json(proposal.message, proposal.earlier)
        return common | {"decision": proposal.decision.value, "answered": answered, "text": proposal.text}
    source = proposal.source
    return common | {
        "content_type": source.content_type,
        "name": source.name,
        "size": source.size,
        "digest": source.held.hex() if source.held else None,
        "in_reply_to": proposal.reply_to.statement.digest.hex() if proposal.reply_to else None,
    }


def _content_lines(proposal: ContentProposal) -> list[str]:
    source, info, replied = proposal.source, proposal.session.info, proposal.reply_to
    size = digest = "known when all of it was read"
    if source.size is not None:
        size = exact_size_text(source.size)
    if source.held is not None:
        digest = source.held.hex()
    return [
        "You sign, together with the server, that you send this content in this session to these people.",
        f"Session  {info.subject} ({info.session_id})",
        f"Time     {info.begin:{_TIME}} to {info.end:{_TIME}} UTC",
        f"To       {', '.join(proposal.recipients)}",
        *([f"Reply to message {replied.number} of {replied.statement.author}"] if replied else []),
        f"Content  {source.name or 'a text'}, {source.content_type}",
        f"Size     {size}",
        f"SHA-256  {digest}",
        *([_EVIDENCE_LINE] if proposal.evidence else []),
    ]


def _answer_lines(proposal: AnswerProposal) -> list[str]:
    info, message = proposal.session.info, proposal.message
    description = message.description
    what = what_text(message, proposal.earlier)  # which is the type, of what has no name
    kind = f"{what}, {description.content_type}" if description.name else what
    return [
        f"You sign, together with the server, that you {_VERBS[proposal.decision]} this message as it is.",
        f"Session  {info.subject} ({info.session_id})",
        f"From     {message.statement.author}, {message.statement.time:{_TIME}} UTC",
        f"Content  {kind}, {size_text(description.length)}",
        f"SHA-256  {description.digest.hex()}",
        f"Verdict  {verdict_text(message)}",
        f"To       {', '.join(proposal.recipients)}",
        *([f"Remark   {proposal.text}"] if proposal.text else []),
        *([_EVIDENCE_LINE] if proposal.evidence else []),
    ]
