"""``send``, ``reply``, ``accept``, ``reject``: what is signed and sent in contract sessions, shown before."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final, Optional, TypeVar

import typer

from contract.names import check_content_type, check_file_name
from contract.statement import Decision
from signer_agent.cli.files import file_progress
from signer_agent.cli.invocation import Invocation
from signer_agent.cli.message_text import (
    evidence_text,
    sent_json,
)
from signer_agent.cli.options import YesOption
from signer_agent.cli.proposal_text import proposal_lines, question
from signer_agent.contracts.answers import SentMessage
from signer_agent.contracts.contracts import Contracts
from signer_agent.contracts.messages import Messages
from signer_agent.contracts.model import VerifiedSession
from signer_agent.contracts.proposals import Proposal, propose_answer, propose_content, propose_reply
from signer_agent.contracts.sources import TEXT_TYPE, UNKNOWN_TYPE, BytesSource, FileSource, Source
from signer_agent.contracts.uploads import OnProgress
from wire.catalogue import ServiceError
from wire.client.output import OUTPUT

_STANDARD_INPUT: Final = Path("-")
_TIME: Final = "%Y-%m-%d %H:%M:%S"

SessionArgument = Annotated[str, typer.Argument(metavar="SESSION", help="The session's id.")]
NumberArgument = Annotated[int, typer.Argument(metavar="NUMBER", help="The message's number, as inbox shows it.")]
FileArgument = Annotated[
    Optional[Path],  # noqa: UP045  # typer reads it
    typer.Argument(metavar="[FILE]", help="What to send, of any size; - is standard input."),
]
TextOption = Annotated[str, typer.Option("--text", help="A text, instead of a file.")]
ToOption = Annotated[str, typer.Option("--to", metavar="NAME,...", help="Who gets it; all members by default.")]
TypeOption = Annotated[str, typer.Option("--type", help="Media type; by the file's name by default.")]
EvidenceOption = Annotated[
    bool, typer.Option("--evidence", help="Deposit it at the evidence server, so that it can be shown later.")
]
NameOption = Annotated[str, typer.Option("--name", help="File name to tell; the file's own by default.")]

_Result = TypeVar("_Result")
_Proposal = TypeVar("_Proposal", bound=Proposal)


def send(
    invocation: Invocation,
    session_id: SessionArgument,
    file: FileArgument = None,
    *,
    text: TextOption = "",
    to: ToOption = "",
    content_type: TypeOption = "",
    name: NameOption = "",
    reply_to: Annotated[
        Optional[int],  # noqa: UP045  # typer reads it
        typer.Option("--reply-to", metavar="NUMBER", help="The message that this one replies to."),
    ] = None,
    evidence: EvidenceOption = False,
    yes: YesOption = False,
) -> None:
    """Sign, encrypt and send a file or a text, after showing what is signed. Goes on where it was interrupted."""
    source = _source(file, text, content_type, name)
    names = [each for each in to.split(",") if each]

    async def sent(messages: Messages) -> SentMessage:
        proposing = propose_content(messages, session_id, source, names, reply_to=reply_to, evidence=evidence)
        proposed = await _agreed(proposing, yes=yes)
        with _progress(source) as on_progress:
            to = proposed.recipients
            return await messages.send(
                session_id, source, to, reply_to=reply_to, evidence=evidence, on_progress=on_progress
            )

    _show_sent(with_messages(invocation, sent))


def reply(
    invocation: Invocation,
    number: NumberArgument,
    file: FileArgument = None,
    *,
    text: TextOption = "",
    content_type: TypeOption = "",
    name: NameOption = "",
    evidence: EvidenceOption = False,
    yes: YesOption = False,
) -> None:
    """Send a reply to a message, to its author and its other recipients."""
    source = _source(file, text, content_type, name)

    async def sent(messages: Messages) -> SentMessage:
        proposed = await _agreed(propose_reply(messages, number, source, evidence=evidence), yes=yes)
        with _progress(source) as on_progress:
            to = proposed.recipients
            return await messages.reply(number, source, to, evidence=evidence, on_progress=on_progress)

    _show_sent(with_messages(invocation, sent))


def accept(invocation: Invocation, number: NumberArgument, *, text: TextOption = "", yes: YesOption = False) -> None:
    """Countersign a message: sign that you accept it, as it is."""

    async def accepted(messages: Messages) -> SentMessage:
        await _agreed(propose_answer(messages, number, Decision.ACCEPT, text), yes=yes)
        return await messages.accept(number, text)

    _show_sent(with_messages(invocation, accepted))


def reject(
    invocation: Invocation,
    number: NumberArgument,
    *,
    reason: Annotated[str, typer.Option("--reason", help="Why; its author and recipients read it.")],
    yes: YesOption = False,
) -> None:
    """Sign that you refuse a message, and why."""

    async def rejected(messages: Messages) -> SentMessage:
        await _agreed(propose_answer(messages, number, Decision.REJECT, reason), yes=yes)
        return await messages.reject(number, reason)

    _show_sent(with_messages(invocation, rejected))


def _source(file: Path | None, text: str, content_type: str, name: str) -> Source:
    if (file is None) == (not text):
        raise ServiceError("CONTENT_CHOICE_WRONG")
    if content_type:
        check_content_type(content_type)
    check_file_name(name)
    if file is None:
        return BytesSource(text.encode(), content_type or TEXT_TYPE, name)
    if file == _STANDARD_INPUT:
        return FileSource(Path("/dev/stdin"), content_type or UNKNOWN_TYPE, name or "standard input")
    source = FileSource(file, content_type, name)
    check_file_name(source.name)
    return source


def with_messages(invocation: Invocation, work: Callable[[Messages], Awaitable[_Result]]) -> _Result:
    """Open the messages of the account that is logged in; returns what ``work`` does. Raises what that raises."""
    return with_both(invocation, lambda messages, _: work(messages))


def with_both(invocation: Invocation, work: Callable[[Messages, Contracts], Awaitable[_Result]]) -> _Result:
    """The same, for what needs more of the account than its messages."""

    async def opened(contracts: Contracts) -> _Result:
        async with contracts.messages() as messages:
            return await work(messages, contracts)

    return invocation.with_contracts(opened)


def announce_session(session: VerifiedSession) -> None:
    """What a session's certificates promise, verified, in plain words."""
    info = session.info
    OUTPUT.note(
        f"Session  {info.subject} ({info.session_id})",
        f"Time     {info.begin:{_TIME}} to {info.end:{_TIME}} UTC",
        f"Members  {', '.join(member.name for member in info.members)}",
        "All that you type is signed by you and the server together, and encrypted for the members.",
    )


async def _agreed(proposing: Awaitable[_Proposal], *, yes: bool) -> _Proposal:
    """Show what is about to be signed, and have a person agree to it. Raises NOT_CONFIRMED, and what proposing does."""
    with OUTPUT.progress("Reading"):
        proposal = await proposing
    OUTPUT.note(*proposal_lines(proposal))
    OUTPUT.confirm(question(proposal), yes=yes)
    return proposal


def _show_sent(sent: SentMessage) -> None:
    recipients = ", ".join(recipient.name for recipient in sent.statement.recipients)
    rows = [
        ("Sent to", recipients),
        ("Signed", f"{sent.statement.time:{_TIME}} UTC, number {sent.statement.sequence}"),
        ("Size", f"{sent.length} bytes"),
        ("SHA-256", sent.digest.hex()),
        ("Envelope", sent.envelope_id),
        ("Kept until", f"{sent.expire_time:{_TIME}} UTC"),
    ]
    if sent.log_index is not None:
        rows.append(("Evidence", f"{evidence_text(sent.log_index)}, statement {sent.statement.digest.hex()}"))
    OUTPUT.show(sent_json(sent), rows)


@contextmanager
def _progress(source: Source) -> Iterator[OnProgress]:
    """A progress bar on a terminal."""
    with file_progress(f"Sending {source.name}") as progress:
        yield lambda done: progress(done, source.size)
