"""``send``, ``inbox``, ``show``, ``accept``, ``reject``, ``reply``, ``outbox``: messages of contract sessions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final, Optional, TypeVar

import typer

from contract.names import check_content_type, check_file_name
from contract.statement import Decision
from mpc.errors import FoursealError
from signer_agent.cli.files import STANDARD_OUTPUT, file_progress, require_absent, writing_file
from signer_agent.cli.invocation import Invocation
from signer_agent.cli.message_text import (
    answers_text,
    evidence_text,
    message_json,
    sent_json,
    sent_text,
    size_text,
    verdict_text,
    visible_lines,
    what_text,
)
from signer_agent.cli.options import ForceOption, OutOption, YesOption
from signer_agent.cli.output import INCOMPLETE, OUTPUT, message_of
from signer_agent.cli.proposal_text import proposal_lines, question
from signer_agent.contracts.answers import SentMessage
from signer_agent.contracts.contracts import Contracts
from signer_agent.contracts.earlier import EarlierMessage
from signer_agent.contracts.mailbox_entry import Message
from signer_agent.contracts.messages import Messages
from signer_agent.contracts.model import MemberState, VerifiedSession
from signer_agent.contracts.proposals import Proposal, propose_answer, propose_content, propose_reply
from signer_agent.contracts.receiving import NotReceived
from signer_agent.contracts.register_entry import SeenAnswer
from signer_agent.contracts.sessions import Sessions
from signer_agent.contracts.sources import TEXT_TYPE, UNKNOWN_TYPE, BytesSource, FileSource, Source
from signer_agent.contracts.uploads import OnProgress
from wire.catalogue import ServiceError

_STANDARD_INPUT: Final = Path("-")
_TIME: Final = "%Y-%m-%d %H:%M:%S"

SessionArgument = Annotated[str, typer.Argument(metavar="SESSION", help="The session's id.")]
SessionFilter = Annotated[str, typer.Argument(metavar="[SESSION]", help="The session's id; all by default.")]
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
_Lack = tuple[str, NotReceived | FoursealError]  # with the session's id
_Listed = tuple[Message, EarlierMessage | None, list[SeenAnswer]]


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


def inbox(
    invocation: Invocation,
    session_id: SessionFilter = "",
) -> None:
    """Fetch what has come, verify it, and list all messages.

    Exit status 3 if something is missing, could not be looked for, or does not hold.
    """

    async def listed(messages: Messages, contracts: Contracts) -> tuple[list[_Listed], list[_Lack]]:
        ids = [session_id] if session_id else await _session_ids(contracts, messages.account)
        missing = [each for wanted in ids for each in await _fetch(messages, wanted)]
        shown = [each for each in await messages.messages() if session_id in {"", each.statement.session_id}]
        return [await _listed(messages, each) for each in shown], missing

    found, missing = _with_both(invocation, listed)
    content = {
        "messages": [message_json(*each) for each in found],
        "not_received": [not_received_json(each) for _, each in missing if isinstance(each, NotReceived)],
        "not_looked_in": [
            {"session_id": wanted, "reason": each.reason, "message": message_of(each)}
            for wanted, each in missing
            if isinstance(each, FoursealError)
        ],
    }
    columns = ("Number", "From", "Time", "What", "Size", "Verified", "Evidence", "Answers")
    rows = [
        (
            str(message.number),
            message.statement.author,
            f"{message.statement.time:{_TIME}}",
            what_text(message, earlier),
            size_text(message.description.length),
            verdict_text(message),
            evidence_text(message.log_index),
            answers_text(answers),
        )
        for message, earlier, answers in found
    ]
    OUTPUT.show_table(content, columns, rows)
    for wanted, each in missing:
        if isinstance(each, NotReceived):
            OUTPUT.note(f"Not received from {each.author}: {message_of(each.error)}")
        else:
            OUTPUT.note(f"Not all was looked for in {wanted}: {message_of(each)}")
    if missing or not all(message.verdict.verified for message, *_ in found):
        raise typer.Exit(INCOMPLETE)


def show(invocation: Invocation, number: NumberArgument, *, out: OutOption = None, force: ForceOption = False) -> None:
    """Show a message: who, when, every check; its text, or with --out its content as a file, which nothing opens."""
    if out is not None:
        require_absent(out, force=force)

    async def shown(messages: Messages) -> tuple[_Listed, str | None]:
        message = await messages.message(number)
        text = await messages.read_text(number) if out is None else None
        if out is not None:
            with writing_file(out, secret=True) as write:
                await messages.write_content(number, write)
        return await _listed(messages, message), text

    listed, text = with_messages(invocation, shown)
    if OUTPUT.as_json:
        OUTPUT.show(message_json(*listed) | {"text": text, "file": str(out) if out else None}, [])
        return
    if out is not None and str(out) == STANDARD_OUTPUT:
        OUTPUT.note(*(f"{name:<9} {value}" for name, value in _rows(*listed)))
        return
    OUTPUT.show({}, _rows(*listed))
    if text is not None:
        print_lines(visible_lines(text))
    elif out is None:
        OUTPUT.note(f"Next: fourseal show {number} --out FILE.")


def outbox(invocation: Invocation, session_id: SessionFilter = "") -> None:
    """List what was sent, and who has accepted or rejected it. Fetch the answers with inbox.

    Numbers count what was signed in a session.
    """

    async def listed(messages: Messages) -> list[SentMessage]:
        return [each for each in await messages.sent() if session_id in {"", each.statement.session_id}]

    found = with_messages(invocation, listed)
    columns = ("Number", "Time", "To", "What", "Size", "Evidence", "Answers")
    rows = [
        (
            str(sent.statement.sequence),
            f"{sent.statement.time:{_TIME}}",
            ", ".join(recipient.name for recipient in sent.statement.recipients),
            sent_text(sent),
            size_text(sent.length),
            evidence_text(sent.log_index),
            answers_text(sent.answers),
        )
        for sent in found
    ]
    OUTPUT.show_table([sent_json(sent) for sent in found], columns, rows)


def print_lines(lines: Sequence[str]) -> None:
    """Print lines that are safe already, as they are."""
    for line in lines:
        typer.echo(line)


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
    return _with_both(invocation, lambda messages, _: work(messages))


def _with_both(invocation: Invocation, work: Callable[[Messages, Contracts], Awaitable[_Result]]) -> _Result:
    async def opened(contracts: Contracts) -> _Result:
        async with contracts.messages() as messages:
            return await work(messages, contracts)

    return invocation.with_contracts(opened)


async def _listed(messages: Messages, message: Message) -> _Listed:
    """A message with what is said of it beside itself."""
    return message, await messages.earlier(message), await messages.answers_to(message)


async def _session_ids(contracts: Contracts, ourselves: str) -> list[str]:
    sessions = await Sessions(await contracts.signer()).list()
    return [each.session_id for each in sessions if each.people.get(ourselves) is not MemberState.INVITED]


async def _fetch(messages: Messages, session_id: str) -> list[_Lack]:
    """Receive what is there; returns what went wrong. Another session's messages come nevertheless."""
    missing: list[_Lack] = []
    try:
        with OUTPUT.progress(f"Receiving in {session_id}"):
            async for each in messages.receive(session_id):
                if isinstance(each, NotReceived):
                    missing.append((session_id, each))  # noqa: PERF401  # it stays if an error ends the receiving
    except FoursealError as error:
        missing.append((session_id, error))
    return missing


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


def _rows(message: Message, earlier: EarlierMessage | None, answers: Sequence[SeenAnswer]) -> list[tuple[str, str]]:
    statement, description = message.statement, message.description
    rows = [
        ("Message", str(message.number)),
        ("From", statement.author),
        ("Session", statement.session_id),
        ("Signed", f"{statement.time:{_TIME}} UTC, number {statement.sequence}"),
        ("Received", f"{message.receive_time:{_TIME}} UTC"),
        ("What", what_text(message, earlier)),
        ("Type", description.content_type),
        ("Size", f"{description.length} bytes"),
        ("SHA-256", description.digest.hex()),
        ("Verdict", verdict_text(message)),
    ]
    if message.log_index is not None:
        rows.append(("Evidence", f"{evidence_text(message.log_index)}, statement {statement.digest.hex()}"))
    if answers:
        rows.append(("Answers", answers_text(answers)))
    for number, check in enumerate(message.verdict.checks, start=1):
        rows.append((f"Check {number}", f"{check.name} {check.outcome.value} {check.reason}".rstrip()))
    return rows


def not_received_json(each: NotReceived) -> dict[str, object]:
    """What was not received, for programs."""
    return {
        "author": each.author,
        "envelope_id": each.envelope_id,
        "number": each.number or None,
        "reason": each.error.reason,
        "message": message_of(each.error),
    }


@contextmanager
def _progress(source: Source) -> Iterator[OnProgress]:
    """A progress bar on a terminal."""
    with file_progress(f"Sending {source.name}") as progress:
        yield lambda done: progress(done, source.size)
