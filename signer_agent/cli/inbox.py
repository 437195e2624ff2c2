"""``inbox``, ``show``, ``outbox``: what came in contract sessions, and what was sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

import typer

from mpc.errors import FoursealError
from signer_agent.cli.alarm_text import alarm_json
from signer_agent.cli.files import STANDARD_OUTPUT, require_absent, writing_file
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
from signer_agent.cli.messages import NumberArgument, with_both, with_messages
from signer_agent.cli.options import ForceOption, OutOption
from signer_agent.contracts.answers import SentMessage
from signer_agent.contracts.contracts import Contracts
from signer_agent.contracts.earlier import EarlierMessage
from signer_agent.contracts.key_alarm import KeyAlarm, KeyAlarmState
from signer_agent.contracts.mailbox_entry import Message
from signer_agent.contracts.messages import Messages
from signer_agent.contracts.model import MemberState
from signer_agent.contracts.receiving import NotReceived
from signer_agent.contracts.register_entry import SeenAnswer
from signer_agent.contracts.sessions import Sessions
from wire.client.output import INCOMPLETE, OUTPUT, message_of

_TIME: Final = "%Y-%m-%d %H:%M:%S"

SessionFilter = Annotated[str, typer.Argument(metavar="[SESSION]", help="The session's id; all by default.")]
_Lack = tuple[str, NotReceived | FoursealError]  # with the session's id
_Listed = tuple[Message, EarlierMessage | None, list[SeenAnswer]]


def inbox(
    invocation: Invocation,
    session_id: SessionFilter = "",
) -> None:
    """Fetch what has come, verify it, and list all messages.

    Exit status 3 if something is missing, could not be looked for, or does not hold.
    """

    async def listed(messages: Messages, contracts: Contracts) -> tuple[list[_Listed], list[_Lack], list[KeyAlarm]]:
        ids = [session_id] if session_id else await _session_ids(contracts, messages.account)
        missing = [each for wanted in ids for each in await _fetch(messages, wanted)]
        alarms = await messages.alarms()
        shown = [each for each in await messages.messages() if session_id in {"", each.statement.session_id}]
        return [await _listed(messages, each) for each in shown], missing, alarms

    found, missing, alarms = with_both(invocation, listed)
    content = {
        "messages": [message_json(*each) for each in found],
        "not_received": [not_received_json(each) for _, each in missing if isinstance(each, NotReceived)],
        "not_looked_in": [
            {"session_id": wanted, "reason": each.reason, "message": message_of(each)}
            for wanted, each in missing
            if isinstance(each, FoursealError)
        ],
        "alarms": [alarm_json(each) for each in alarms],
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
    for alarm in alarms:
        if alarm.state is not KeyAlarmState.RELEASED:
            call = invocation.call_of("guard alarms")
            OUTPUT.note(f"Two keys claim to be {alarm.claim.user}: {alarm.state}. See {call}")
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
        OUTPUT.note(f"Next: {invocation.call_of(f'show {number} --out FILE')}")


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
