"""``chat``: a live session in the terminal, or through pipes for programs.

On a terminal the line that is being typed stays at the bottom, and what comes is printed above it (``line_editor``).
Without one, lines are read from standard input, and what comes is printed; with ``--json`` an object on each line.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any, Final

from signer_agent.cli.inbox import not_received_json
from signer_agent.cli.invocation import Invocation
from signer_agent.cli.line_editor import LineEditor
from signer_agent.cli.message_text import (
    message_json,
    sent_json,
    sent_text,
    size_text,
    verdict_text,
    visible,
    visible_lines,
    what_text,
)
from signer_agent.cli.messages import SessionArgument, announce_session, with_messages
from signer_agent.cli.options import YesOption
from signer_agent.cli.proposal_text import proposal_json, proposal_lines, question
from signer_agent.contracts.chat import Arrived, Chat, Ending, Event, Members, Proposed, Refused, Sent
from signer_agent.contracts.messages import Messages
from signer_agent.contracts.receiving import NotReceived
from wire.client.output import OUTPUT, message_of

_PROMPT: Final = "> "
_CLOCK: Final = "%H:%M:%S"
_MARK: Final = "         | "
_READ_BYTES: Final = 1 << 16


def chat(invocation: Invocation, session_id: SessionArgument, *, yes: YesOption = False) -> None:
    """Chat in a session: /file PATH, /accept N, /reject N REASON, /members, /quit; anything else is sent as text.

    What /file, /accept and /reject are about to sign is shown first, and the next line must be y.
    """

    async def chatted(messages: Messages) -> None:
        session = await messages.session(session_id)
        announce_session(session)
        keyboard = _Keyboard()
        with ExitStack() as stack:
            tell = _printer(stack, keyboard)
            await Chat(messages, session_id, tell, asks=not yes).run(keyboard.lines())

    with_messages(invocation, chatted)


class _Keyboard:
    """Standard input, without a thread that would have to be ended."""

    def __init__(self) -> None:
        self.editor: LineEditor | None = None
        self._data = asyncio.Queue[bytes]()

    async def lines(self) -> AsyncIterator[str]:
        """Lines, until the end."""
        loop, descriptor = asyncio.get_running_loop(), sys.stdin.fileno()
        try:
            loop.add_reader(descriptor, self._read, descriptor)
        except PermissionError:  # a file, which is always readable
            for line in (await asyncio.to_thread(sys.stdin.buffer.read)).splitlines():
                yield line.decode(errors="replace")
            return
        try:
            async for line in self._split():
                yield line
        finally:
            loop.remove_reader(descriptor)

    def _read(self, descriptor: int) -> None:
        data = os.read(descriptor, _READ_BYTES)
        self._data.put_nowait(data)
        if not data:
            asyncio.get_running_loop().remove_reader(descriptor)

    async def _split(self) -> AsyncIterator[str]:
        rest = b""
        while data := await self._data.get():
            if self.editor is not None:
                lines, ended = self.editor.take(data)
                for line in lines:
                    yield line
                if ended:
                    return
            else:
                *whole, rest = (rest + data).split(b"\n")
                for each in whole:
                    yield each.decode(errors="replace").removesuffix("\r")
        if rest:
            yield rest.decode(errors="replace")


def _printer(stack: ExitStack, keyboard: _Keyboard) -> Callable[[Event], None]:
    """What is told of events: on a terminal above the line that is being typed."""
    if OUTPUT.as_json:
        return lambda event: print(json.dumps(_json(event)), flush=True)  # noqa: T201  # the result
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return lambda event: print(_text(event), flush=True)  # noqa: T201  # the result
    editor = stack.enter_context(LineEditor(sys.stdin.fileno(), sys.stdout, _PROMPT))
    keyboard.editor = editor
    return lambda event: editor.show(_text(event))


def _text(event: Event) -> str:
    """An event for people; one line, or more with marks before what others wrote."""
    now = f"{datetime.now(UTC).astimezone():{_CLOCK}}"
    if isinstance(event, Arrived):
        return _arrived_text(event)
    if isinstance(event, Sent):
        names = ", ".join(recipient.name for recipient in event.message.statement.recipients)
        return "\n".join(
            [f"{now}   you to {names}: {sent_text(event.message)}", *visible_lines(event.text or "", _MARK)]
        )
    if isinstance(event, Proposed):
        asked = f"{now} ? {question(event.proposal)} y signs, anything else does not."
        lines = [f"{now} ! {line}" for line in proposal_lines(event.proposal)]
        return "\n".join([*lines, asked] if event.asks else lines)
    return f"{now} {_notice_text(event)}"


def _arrived_text(event: Arrived) -> str:
    message = event.message
    mark = "✓" if message.verdict.verified else "✗"
    when = f"{message.statement.time.astimezone():{_CLOCK}}"
    size = "" if event.text is not None else f", {size_text(message.description.length)}"
    what = f"{what_text(message, event.earlier)}{size}, {visible(verdict_text(message))}"
    head = f"{when} {mark} {message.statement.author} [{message.number}] {what}"
    return "\n".join([head, *visible_lines(event.text or "", _MARK)])


def _notice_text(event: Members | Ending | Refused | NotReceived) -> str:
    match event:
        case Members(people):
            return f"  members: {', '.join(f'{name} ({state.value})' for name, state in sorted(people.items()))}"
        case Ending(remaining) if remaining:
            return f"  the session ends in {round(remaining.total_seconds() / 60)} minutes"
        case Ending():
            return "  the session is closed: nothing can be signed in it any more"
        case Refused(error):
            return f"! {visible(message_of(error))} ({error.reason})"
        case NotReceived(author=author, error=error):
            return f"! not received from {visible(author)}: {visible(message_of(error))} ({error.reason})"


def _json(event: Event) -> dict[str, Any]:
    match event:
        case Arrived(message, earlier, text):
            return {"event": "message", **message_json(message, earlier), "text": text}
        case Sent(sent, text):
            return {"event": "sent", **sent_json(sent), "text": text}
        case Proposed(proposal, asks):
            return {"event": "proposal", "asks": asks, "question": question(proposal), **proposal_json(proposal)}
        case _:
            return _notice_json(event)


def _notice_json(event: Members | Ending | Refused | NotReceived) -> dict[str, Any]:
    match event:
        case Members(people):
            return {"event": "members", "members": {name: state.value for name, state in people.items()}}
        case Ending(remaining):
            return {"event": "ending", "seconds": int(remaining.total_seconds())}
        case Refused(error):
            return {"event": "error", "reason": error.reason, "message": message_of(error)}
        case NotReceived():
            return {"event": "not_received", **not_received_json(event)}
